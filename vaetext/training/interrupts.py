"""Ctrl-C and SIGTERM, answered at the end of a step."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vaetext.runs.folder import resume_command


class Stopped(KeyboardInterrupt):
    """Training was interrupted and has written its checkpoint."""


def stopped(step: int, folder: Path) -> Stopped:
    """The interrupt of a run in ``folder`` whose checkpoint is of this step."""
    return Stopped(f"step {step} is saved; continue with {resume_command(folder)}")


@contextmanager
def interrupts(request: Callable[[], None]) -> Iterator[None]:
    """Calls ``request`` at each SIGINT and SIGTERM, in place of what they did before.

    Outside the main thread nothing changes.
    """

    def handler(number: int, frame: Any) -> None:
        request()

    main = threading.current_thread() is threading.main_thread()
    signals = (signal.SIGINT, signal.SIGTERM) if main else ()
    before = {number: signal.signal(number, handler) for number in signals}
    try:
        yield
    finally:
        for number, each in before.items():
            signal.signal(number, each)
