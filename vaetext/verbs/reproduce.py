"""``vaetext reproduce``: trains the rows of published tables, and shows ours beside theirs."""

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from vaetext.config.errors import explain
from vaetext.config.table import Table
from vaetext.config.verbs import ReproduceConfig
from vaetext.report.console import show
from vaetext.report.formats import markdown
from vaetext.report.index import Reproduced, index_page
from vaetext.report.output import write_output
from vaetext.report.published import published_files, published_page, published_row
from vaetext.runs.planned import PlannedRun, planned_runs
from vaetext.runs.processes import Job, last_lines, run_jobs
from vaetext.runs.signals import Interrupted, signal_of
from vaetext.runs.sweep import config_folder
from vaetext.training import estimate
from vaetext.training.interface import train

log = logging.getLogger(__name__)
Failures = dict[str, str]  # title of a run -> the end of its log
INDEX = "index.html"


def run(config: ReproduceConfig) -> None:
    """Trains what has not finished, then prints the tables and writes them and ``index.html``.

    Runs that were stopped are resumed. A run that fails does not stop the others.

    Raises:
        ValueError: a table has no such scale, a row does not fit, or runs have failed.
        Interrupted: an interrupt; the same command goes on.
    """
    words = config_folder(HydraConfig.get().runtime) if HydraConfig.initialized() else []
    folder = Path(config.outputs)
    tables = list(config.tables.values())
    runs = planned_runs(tables, config.scale, config.seeds, folder, words[1::2])
    smoke = config.scale == "smoke"
    expected: dict[str, float | str] = {}
    if config.plan or not smoke:
        expected = estimates(runs, config.jobs)
        show(plan(runs, expected, config.jobs))
    if config.plan:
        return
    waiting = [run for run in runs if not run.done]
    progress = Progress({run.title: expected.get(run.title, 1.0) for run in waiting})
    if smoke:
        failures = train_here(waiting, words[1::2], progress)
    else:
        failures = train_all(waiting, words, config.jobs, progress)
    write_tables(tables, runs, config.scale, folder / "tables" / config.scale)
    if failures:
        listed = "; ".join(f"{title}: {end}" for title, end in failures.items())
        raise ValueError(f"{len(failures)} of {len(runs)} runs failed. {listed}")


def estimates(runs: Sequence[PlannedRun], jobs: int) -> dict[str, float | str]:
    """Title of each run to train -> the seconds it may take, or why it cannot be trained."""
    found: dict[str, float | str] = {}
    for each in runs:
        if not each.done:
            try:
                found[each.title] = estimate.seconds(each.config, threads_of(jobs))
            except ValueError as error:
                found[each.title] = explain(error)
    return found


def plan(runs: Sequence[PlannedRun], expected: Mapping[str, float | str], jobs: int) -> str:
    """Every run with its epochs, its state and the time it may take."""
    rows = [["run", "epochs", "state", "estimate"]]
    for each in runs:
        seconds = expected.get(each.title)
        shown = duration(seconds) if isinstance(seconds, float) else "-"
        rows.append([each.title, str(each.config.trainer.epochs), each.state, shown])
    at_once = "" if jobs == 1 else f", {jobs} at a time"
    total = sum(each for each in expected.values() if isinstance(each, float))
    last = f"{len(expected)} runs to train{at_once}: about {duration(total / jobs)}"
    problems = [
        f"\n{title} cannot be trained: {why}"
        for title, why in expected.items()
        if isinstance(why, str)
    ]
    return "\n".join([markdown(rows), last, *problems])


def threads_of(jobs: int) -> int:
    """The threads of each run where several share the cores; 0, as many as there are, of one."""
    return max(1, (os.cpu_count() or 1) // jobs) if jobs > 1 else 0


def duration(seconds: float) -> str:
    """A time in words: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def train_all(
    runs: Sequence[PlannedRun], config_dir: Sequence[str], jobs: int, progress: "Progress"
) -> Failures:
    """Trains each run in a process of its own, ``jobs`` at a time, on equal shares of the cores.

    Raises:
        Interrupted: training was interrupted; what ran has written a checkpoint.
    """
    threads = threads_of(jobs)
    started = {
        Job(
            tuple(run.arguments(config_dir, threads)),
            run.folder.with_name(f"{run.folder.name}.log"),
        ): run
        for run in runs
    }
    failures: Failures = {}

    def ended(job: Job, status: int, seconds: float) -> None:
        title = started[job].title
        if status:
            failures[title] = f"status {status}, {job.log}: {last_lines(job.log)}"
        progress.report(title, "failed" if status else "done", seconds)

    try:
        run_jobs(list(started), jobs, ended)
    except KeyboardInterrupt as error:
        message = "finished runs are kept; the same command goes on"
        raise Interrupted(signal_of(error), message) from error
    return failures


def train_here(
    runs: Sequence[PlannedRun], config_dir: Sequence[str], progress: "Progress"
) -> Failures:
    """Trains each run in this process, on one thread, without samples and pictures."""
    failures: Failures = {}
    for each in runs:
        before = time.monotonic()
        state = "done"
        try:
            with _quiet():
                train([*each.overrides, "trainer.threads=1"], each.folder, config_dir)
        except Exception as error:
            failures[each.title] = explain(error)
            state = "failed"
        progress.report(each.title, state, time.monotonic() - before)
    return failures


def write_tables(
    tables: Sequence[Table], runs: Sequence[PlannedRun], scale: str, folder: Path
) -> None:
    """Writes every table in three formats, and the page of all; prints the tables."""
    reproduced = [_reproduced(table, runs) for table in tables]
    found: dict[str, str | bytes] = {INDEX: index_page(reproduced, scale)}
    pages = []
    for each in reproduced:
        if each.rows:
            found |= published_files(each.table, scale, each.rows)
            pages.append(published_page(each.table, scale, each.rows))
    write_output("\n".join(pages), folder, found)


def _reproduced(table: Table, runs: Sequence[PlannedRun]) -> Reproduced:
    """A table with a row for each whose runs have finished in part or in whole."""
    own = [run for run in runs if run.table == table.name]
    done: dict[str, list[PlannedRun]] = {}
    for each in own:
        if each.done:
            done.setdefault(str(each.row["name"]), []).append(each)
    rows = [published_row(of[0].row, [run.folder for run in of]) for of in done.values()]
    return Reproduced(table, rows, own)


class Progress:
    """One line for each run that ends: how many are done, and how long the rest may take.

    Args:
        expected: title of each run -> the seconds it may take, in any unit; a text where it cannot
            be trained.
    """

    def __init__(self, expected: Mapping[str, float | str]) -> None:
        self.expected = {
            title: seconds if isinstance(seconds, float) else 0.0
            for title, seconds in expected.items()
        }
        self.ended: list[str] = []
        self.started = time.monotonic()

    def report(self, title: str, state: str, seconds: float) -> None:
        """Logs that a run has ended."""
        self.ended.append(title)
        spent = time.monotonic() - self.started
        done = sum(self.expected[each] for each in self.ended)
        rest = sum(self.expected.values()) - done
        left = spent / done * rest if done else rest
        log.info(
            "%d of %d: %s %s in %s; about %s left",
            *(len(self.ended), len(self.expected), title, state),
            *(duration(seconds), duration(left)),
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Warnings and errors alone are printed."""
    levels = {handler: handler.level for handler in logging.getLogger().handlers}
    for handler in levels:
        handler.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for handler, level in levels.items():
            handler.setLevel(level)
