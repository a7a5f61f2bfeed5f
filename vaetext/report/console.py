"""What a terminal shows: one console on stderr for logs and progress, results on stdout."""

import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import IO, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

log = logging.getLogger(__name__)
LOGGED = 10  # seconds between two lines on the progress of data, where there is no terminal


class LogConsole(Console):
    """Standard error. What nobody reads any more, as after ``2>&1 | head``, is dropped."""

    def on_broken_pipe(self) -> None:
        """Goes on in silence, where rich ends the process."""
        self.quiet = True
        _discard(self.file)


console = LogConsole(stderr=True)


class LogHandler(logging.Handler):
    """Prints each log record as one line, however long, by the console that draws the bar.

    With one console for both, neither overwrites the other. What is printed elsewhere is left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "printed", False):
            return
        text = self.format(record)
        style = _style(record.levelno)
        with suppress(OSError):  # training goes on without its terminal
            console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def show(text: str) -> None:
    """Prints a result to stdout. Nothing else is printed there.

    Where nobody reads it any more, as after ``| head``, the command goes on without.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _discard(sys.stdout)


class TrainingProgress:
    """A bar with rec, KL, beta and the time left on a terminal; one line for each epoch elsewhere.

    Args:
        epochs: the highest number of epochs.
        done: gives how many are done, the current one in part.
    """

    def __init__(self, epochs: int, done: Callable[[], float]) -> None:
        self.epochs = epochs
        self.done = done
        self.bar = Progress(
            TextColumn("epoch {task.fields[epoch]}", table_column=Column(min_width=8)),
            BarColumn(bar_width=None, table_column=Column(max_width=40)),
            TimeElapsedColumn(Column(min_width=7)),
            TimeRemainingColumn(table_column=Column(min_width=7)),
            # The last column is the one that a narrow terminal cuts.
            TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True)),
            console=console,
            disable=not console.is_terminal,
        )
        self.task: TaskID | None = None

    def __enter__(self) -> "TrainingProgress":
        self.bar.start()
        self.task = self.bar.add_task("training", total=self.epochs, epoch=0, figures="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self.bar.stop()

    def report(self, line: dict[str, Any]) -> None:
        """Shows one line of ``metrics.jsonl``."""
        if line["split"] == "steps" and self.task is not None:
            figures = f"{_figures(line)} beta {line['beta']:.3f}"
            done = self.done()
            with suppress(OSError):  # a terminal that is gone
                self.bar.update(self.task, completed=done, epoch=line["epoch"], figures=figures)
        if line["split"] == "valid":
            log.info(
                "epoch %s valid: %s -ELBO %.3f%s (%.0f s)",
                line["epoch"],
                _figures(line),
                line["neg_elbo"],
                _trained_bound(line),
                line["seconds"],
            )


class DataProgress:
    """A bar for each download and each step of preparing a text, on a terminal; lines elsewhere."""

    def __init__(self) -> None:
        self.bar = Progress(console=console, disable=not console.is_terminal, transient=True)
        self.tasks: dict[str, TaskID] = {}
        self.logged = time.monotonic()

    def __enter__(self) -> "DataProgress":
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def report(self, what: str, done: int, size: int | None) -> None:
        """Shows how much of ``what`` is done, of ``size`` if that is known: bytes, or lines."""
        if what not in self.tasks:
            log.info("%s", what)
            self.tasks[what] = self.bar.add_task(what, total=size)
        self.bar.update(self.tasks[what], completed=done, total=size)
        if not console.is_terminal and time.monotonic() - self.logged > LOGGED:
            log.info("%s: %s", what, f"{done / size:.0%}" if size else f"{done:,}")
            self.logged = time.monotonic()


def _discard(stream: IO[str]) -> None:
    """Lets a stream end in nothing: what it still holds would raise once more when it is closed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _style(level: int) -> str | None:
    if level >= logging.ERROR:
        return "red"
    return "yellow" if level >= logging.WARNING else None


def _figures(line: dict[str, Any]) -> str:
    kl = "".join(f" KL {name} {value:.2f}" for name, value in line["kl"].items())
    return f"rec {line['rec']:.2f}{kl}"


def _trained_bound(line: dict[str, Any]) -> str:
    """The bound that chooses the weights, where that is not -ELBO."""
    for key, title in (("iw", "IW-NLL"), ("fivo", "FIVO-NLL")):
        if f"{key}_nll" in line:
            return f" {title}({line[f'{key}_samples']}) {line[f'{key}_nll']:.3f}"
    return ""
