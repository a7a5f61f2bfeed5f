"""Starts the processes of ``trainer.devices``, watches them, and ends all where one ends early.

Each is a Python of its own that runs ``vaetext.training.worker``. It takes what to do through a
socket, and sends back what it logs, each line of metrics, and how it ended. So everything that is
shown comes from the process that started them, whose own job it is: in a sweep, or from Python.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vaetext.config.train import TrainConfig
from vaetext.report.console import TrainingProgress
from vaetext.runs.folder import resume_command
from vaetext.runs.layout import LOG
from vaetext.runs.processes import last_lines
from vaetext.runs.signals import Interrupted, interrupts
from vaetext.training.interrupts import Stopped

log = logging.getLogger(__name__)
WAIT = 0.1  # seconds between looks at the processes
GRACE = 3.0  # seconds that the others have to end by themselves once one has ended early
LOOPBACK = {"linux": "lo", "darwin": "lo0"}


@dataclass(frozen=True)
class Task:
    """What one process does; as of ``session.train``.

    Attributes:
        rank: its number.
        size: how many there are.
        meeting: file by which they find each other.
    """

    rank: int
    size: int
    meeting: Path
    config: TrainConfig
    folder: Path
    resume: bool
    overrides: dict[str, Any]


@dataclass
class Process:
    """A process that was started.

    Attributes:
        channel: by which it says what happens.
        errors: file that takes what it prints; the first one prints to standard error.
        outcome: how it has ended, as it said itself.
        killed: whether we ended it.
    """

    rank: int
    started: "subprocess.Popen[bytes]"
    channel: Connection
    errors: Path
    outcome: tuple[str, Any] | None = None
    killed: bool = False

    @property
    def ended(self) -> bool:
        return self.started.poll() is not None

    @property
    def failed(self) -> bool:
        """Whether it has ended without having done its part."""
        return self.ended and (self.outcome is None or self.outcome[0] == "failed")


def launch(
    config: TrainConfig, folder: Path, resume: bool, overrides: dict[str, Any], size: int
) -> float:
    """Trains in ``size`` processes of this machine; arguments and result are those of ``train``.

    Raises:
        ValueError: as ``train`` does, or a process has died.
        Stopped: on an interrupt, once the processes have written their checkpoint.
    """
    with TemporaryDirectory(prefix="vaetext-") as place:
        group = Group(config, folder)
        try:
            for rank in range(size):
                task = Task(rank, size, Path(place, "meeting"), config, folder, resume, overrides)
                group.start(task, Path(place, f"{rank}.log"))
            with interrupts(group.interrupt):
                group.watch()
            return group.result()
        finally:
            group.kill()


class Group:
    """The processes of one run."""

    def __init__(self, config: TrainConfig, folder: Path) -> None:
        self.folder = folder
        self.processes: list[Process] = []
        self.signal = 0
        self.epochs = 0.0
        self.progress = TrainingProgress(config.trainer.epochs, lambda: self.epochs)

    def start(self, task: Task, errors: Path) -> None:
        """Starts one process."""
        ours, theirs = Pipe()
        with theirs, errors.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "vaetext.training.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=None if task.rank == 0 else file,
                env=_environment(),
                start_new_session=True,  # an interrupt in the terminal reaches us, who pass it on
            )
        self.processes.append(Process(task.rank, process, ours, errors))
        ours.send(task)

    def watch(self) -> None:
        """Shows what the processes say until all have ended."""
        deadline = None
        with ExitStack() as shown:
            while not all(each.ended for each in self.processes):
                for channel in wait(self._open, WAIT):
                    self._take(channel, shown)  # type: ignore[arg-type]
                if deadline is None and any(each.failed for each in self.processes):
                    deadline = time.monotonic() + GRACE
                if deadline is not None and time.monotonic() > deadline:
                    self.kill()
            while channels := wait(self._open, 0):
                for channel in channels:
                    self._take(channel, shown)  # type: ignore[arg-type]

    def interrupt(self, number: int) -> None:
        """Passes a signal on."""
        self.signal = self.signal or number
        for each in self.processes:
            if not each.ended:
                each.started.send_signal(number)

    def kill(self) -> None:
        """Ends what is left."""
        for each in self.processes:
            if not each.ended:
                each.killed = True
                each.started.kill()
                each.started.wait()

    def result(self) -> float:
        """The lowest bound on valid, of the first process.

        Raises:
            ValueError, Stopped: what has ended one of them.
        """
        outcomes: list[tuple[str, Any]] = [
            each.outcome or ("died", None) for each in self.processes
        ]
        if all(kind == "done" for kind, _ in outcomes):
            return float(outcomes[0][1])
        for kind, content in outcomes:
            if kind == "stopped":
                raise Stopped(*content)
        if self.signal:
            raise Interrupted(self.signal, f"continue with {resume_command(self.folder)}")
        for each in self.processes:
            if each.outcome is None and not each.killed:
                raise ValueError(self._death(each))
        errors = [content for kind, content in outcomes if kind == "failed"]
        raise min(errors, key=lambda error: not isinstance(error, ValueError))  # first our own

    @property
    def _open(self) -> list[Connection]:
        return [each.channel for each in self.processes if not each.channel.closed]

    def _take(self, channel: Connection, shown: ExitStack) -> None:
        """Takes one message of a process."""
        try:
            kind, content = channel.recv()
        except (EOFError, OSError):
            channel.close()
            return
        if kind == "log":
            logging.getLogger(content.name).handle(content)
        elif kind == "line":
            if not self.epochs:
                shown.enter_context(self.progress)
            line, self.epochs = content
            self.progress.report(line)
        else:
            process = next(each for each in self.processes if each.channel is channel)
            process.outcome = kind, content

    def _death(self, process: Process) -> str:
        code = process.started.returncode
        how = f"ended with status {code}"
        if code < 0:
            how = f"was ended by {signal.Signals(-code).name}"
            how += " (memory was short?)" if code == -signal.SIGKILL else ""
        printed = process.errors.stat().st_size > 0
        lines = last_lines(process.errors if printed else self.folder / LOG)
        return (
            f"process {process.rank} of the {len(self.processes)} of trainer.devices {how}, so that"
            f" the others ended too; continue with {resume_command(self.folder)}; its last lines:"
            f" {lines}"
        )


def _environment() -> dict[str, str]:
    """Of the processes: they import what this one can, and meet on this machine."""
    found = {name: value for name, value in os.environ.items() if name != "HYDRA_FULL_ERROR"}
    found["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    if sys.platform in LOOPBACK:
        found.setdefault("GLOO_SOCKET_IFNAME", LOOPBACK[sys.platform])
    return found
