"""How long training took to reach a bound: columns that are named ``seconds to VALUE``."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from vaetext.report.columns import Values
from vaetext.runs.layout import METRICS
from vaetext.runs.results import checked_results, read_metrics

_TITLE = re.compile(r"seconds to (-?\d+(?:\.\d+)?)")


def bounds_in(titles: Iterable[str]) -> dict[str, float]:
    """Title -> VALUE, nats per sequence, of the titles that name such a column."""
    found = {title: _TITLE.fullmatch(title) for title in titles}
    return {title: float(each[1]) for title, each in found.items() if each}


def seconds_to(folder: Path, bounds: Mapping[str, float]) -> Values:
    """Title -> the seconds that a run trained until -ELBO on valid was at most a bound.

    The bound is known at the end of each epoch; evaluation does not count. None where no epoch has
    reached it.

    Args:
        folder: of the run.
        bounds: title -> nats per sequence.

    Raises:
        ValueError: the run's metrics are damaged.
    """
    if not bounds:
        return {}
    with checked_results(folder / METRICS):
        epochs = [
            (line["neg_elbo"], line["seconds"])
            for line in read_metrics(folder)
            if line["split"] == "valid"
        ]
    return {
        title: next((seconds for reached, seconds in epochs if reached <= bound), None)
        for title, bound in bounds.items()
    }
