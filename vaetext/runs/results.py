"""Reading what a finished run has written. Imports no torch."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vaetext.config.quoting import resuming
from vaetext.runs.layout import DONE, METRICS, RESULTS
from vaetext.runs.metrics_line import read_line


def is_done(folder: Path) -> bool:
    """Whether a run has finished and written its results."""
    return (folder / DONE).is_file()


def read_results(folder: Path) -> dict[str, Any]:
    """A finished run's ``results.json``; nats per sequence.

    Raises:
        ValueError: the run has none, or it is damaged.
    """
    if not (folder / RESULTS).is_file():
        raise ValueError(
            f"{folder} has no {RESULTS}: the run has not finished; resume it with"
            f" {resuming(folder)}"
        )
    return read_json(folder / RESULTS)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        ValueError: the file holds something else.
    """
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); copy it again, or delete it") from error
    if not isinstance(found, dict):
        raise ValueError(
            f"{path} is damaged (it holds no JSON object); copy it again, or delete it"
        )
    return found


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's ``metrics.jsonl``.

    Raises:
        ValueError: a line is damaged; names it.
    """
    path = folder / METRICS
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            found.append(read_line(line))
        except ValueError as error:
            raise ValueError(
                f"{path}, line {number} is damaged ({error}); copy the file again, or delete that"
                " line, on which no result depends"
            ) from error
    return found


@contextmanager
def checked_results(path: Path) -> Iterator[None]:
    """Wraps code that reads numbers from a file of results.

    Raises:
        ValueError: a number is missing or of another type, as in another version's file; names the
            file.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(
            f"{path} does not fit this version of vaetext ({reason}); leave it out, or train the"
            " run again"
        ) from error
