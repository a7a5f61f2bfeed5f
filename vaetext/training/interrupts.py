"""Ctrl-C and SIGTERM, heard where it suits."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupts(request: Callable[[], None]) -> Iterator[None]:
    """Calls ``request`` at each SIGINT and SIGTERM in place of what they did before; outside the main thread nothing changes."""

    def handler(number: int, frame: Any) -> None:
        request()

    signals = (
        (signal.SIGINT, signal.SIGTERM)
        if threading.current_thread() is threading.main_thread()
        else ()
    )
    before = {number: signal.signal(number, handler) for number in signals}
    try:
        yield
    finally:
        for number, each in before.items():
            signal.signal(number, each)
