"""Several commands at once, each a process of its own with a log file."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WAIT = 0.2  # seconds between looks at the processes
PR_SET_PDEATHSIG = 1  # of Linux
LAST_LINES = 3  # of a log, shown where its process failed


@dataclass(frozen=True)
class Job:
    """A command of vaetext.

    Attributes:
        arguments: after ``vaetext``.
        log: file that takes what it prints.
    """

    arguments: Sequence[str]
    log: Path


def run_jobs(jobs: Sequence[Job], at_once: int, ended: Callable[[Job, int, float], None]) -> None:
    """Runs every job, ``at_once`` at a time, in their order.

    Args:
        at_once: most processes at a time.
        ended: called with a job, its exit status and its seconds as soon as it ends.

    Raises:
        KeyboardInterrupt: an interrupt; the processes get SIGTERM and are waited for first, so that
            each writes its checkpoint.
    """
    waiting = list(jobs)
    running: dict[subprocess.Popen[bytes], tuple[Job, float]] = {}
    with _ended_on_interrupt(running):
        while waiting or running:
            while waiting and len(running) < at_once:
                job = waiting.pop(0)
                running[_start(job)] = job, time.monotonic()
            time.sleep(WAIT)
            for process in [each for each in running if each.poll() is not None]:
                job, started = running.pop(process)
                ended(job, int(process.returncode), time.monotonic() - started)


def last_lines(log: Path) -> str:
    """The last lines of a log, on one line."""
    if not log.is_file():
        return "no log was written"
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " / ".join(lines[-LAST_LINES:]) or "nothing was printed"


def _start(job: Job) -> subprocess.Popen[bytes]:
    job.log.parent.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "HYDRA_FULL_ERROR"}
    command = [sys.executable, "-m", "vaetext", *job.arguments]
    with job.log.open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )


def _end_with_parent() -> None:
    """Has Linux send this process SIGTERM when the one that started it is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def _ended_on_interrupt(running: dict[subprocess.Popen[bytes], Any]) -> Iterator[None]:
    """Ends the processes on an interrupt: unlike Ctrl-C, it may have reached this one alone."""
    try:
        yield
    except KeyboardInterrupt:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
        raise
