"""SIGINT, SIGTERM and SIGHUP: one behaviour wherever they arrive. Imports no torch."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal ends the program.

    Args:
        number: of the signal.
        message: what is saved, and how to continue.
    """

    def __init__(self, number: int = signal.SIGINT, message: str = "") -> None:
        super().__init__(*([message] if message else []))
        self.number = number


def signal_of(error: KeyboardInterrupt) -> int:
    """The signal that an interrupt comes from; SIGINT where Python has raised it itself."""
    return error.number if isinstance(error, Interrupted) else signal.SIGINT


def interruption(error: KeyboardInterrupt) -> str:
    """The message of an interrupt."""
    return f"interrupted{': ' + str(error) if str(error) else ''}"


@contextmanager
def interrupts(request: Callable[[int], None]) -> Iterator[None]:
    """Calls ``request`` with the number of each signal, in place of what they did before.

    A SIGHUP that is ignored, as under nohup, stays ignored. Outside the main thread nothing
    changes.
    """

    def handler(number: int, frame: Any) -> None:
        request(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in SIGNALS}
    if before.get(signal.SIGHUP) is signal.SIG_IGN:
        del before[signal.SIGHUP]
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, each in before.items():
            signal.signal(number, each)


class Ending:
    """Raises ``Interrupted`` at the first signal, and again at each SIGINT.

    A closed terminal and some schedulers send theirs twice; the second must not cut off what the
    first has begun to write.
    """

    def __init__(self) -> None:
        self.begun = False

    def __call__(self, number: int) -> None:
        if not self.begun or number == signal.SIGINT:
            self.begun = True
            raise Interrupted(number)
