"""Signals in training: it ends after the step, with a checkpoint."""

import signal
from pathlib import Path

from vaetext.runs.folder import resume_command
from vaetext.runs.signals import Interrupted


class Stopped(Interrupted):
    """Training was interrupted and has written its checkpoint."""


class StopRequest:
    """Takes signals, to be answered at the end of a step; a second SIGINT ends training at once.

    Attributes:
        number: of the first signal; 0 before there is one.
    """

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, number: int) -> None:
        if self.number and number == signal.SIGINT:
            raise Interrupted(number)
        self.number = self.number or number


def stopped(number: int, step: int, folder: Path) -> Stopped:
    """The interrupt by a signal of a run in ``folder`` whose checkpoint is of this step."""
    return Stopped(number, f"step {step} is saved; continue with {resume_command(folder)}")
