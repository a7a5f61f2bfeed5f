"""The rows of a table: a setting of the options, and the figures of its seeds."""

import math
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaetext.config.options import closest, option_text, short_names
from vaetext.config.saved import flat
from vaetext.report.columns import Values, kind, ordered

Setting = dict[str, Any]  # full key -> value, of everything that makes a run another row

_EXACT = {
    "IW-NLL": "-ELBO",
    "FIVO-NLL": "-ELBO",
    "IW-PPL": "PPL",
    "IW-NLL per step": "-ELBO per step",
    "FIVO-NLL per step": "-ELBO per step",
}


@dataclass(frozen=True)
class Finished:
    """What a table needs of one finished run.

    Attributes:
        values: its columns of the split that is shown.
        results: its ``results.json``.
        commit: of vaetext, as ``env.json`` has it.
    """

    folder: Path
    seed: int
    setting: Setting
    values: Values
    results: dict[str, Any]
    commit: str | None = None


@dataclass
class Row:
    """One line of a table: what was run, and column title -> a value of each seed.

    Attributes:
        label: the model, or another name.
        data: the data set.
        options: full key -> value, of the options in which rows of the table differ.
        runs: one a seed, where the row is of run folders.
    """

    label: str
    data: str
    seeds: int = 0
    columns: dict[str, list[float]] = field(default_factory=dict)
    options: Setting = field(default_factory=dict)
    runs: list[Finished] = field(default_factory=list)

    def add(self, values: Values) -> None:
        """Adds the columns of one run."""
        self.seeds += 1
        for title, value in values.items():
            if value is not None:
                self.columns.setdefault(title, []).append(value)

    @property
    def exact(self) -> bool:
        """Whether the model has no latent, so that its -ELBO is log p(x) itself."""
        return not any(kind(each) == "KL" for each in self.columns)

    @property
    def dataset(self) -> str:
        """The data set, with the options in which those of one name differ."""
        own = [f"{key}={value}" for key, value in self.options.items() if key.startswith("data.")]
        return " ".join([self.data, *own])

    def values(self, title: str) -> list[float]:
        """A column's values, one for each seed, or none where some seeds lack it.

        A model without a latent is exact: its other bounds are its -ELBO for every K.
        """
        found = self.columns.get(_EXACT.get(kind(title), title) if self.exact else title, [])
        return found if len(found) == self.seeds else []

    def mean(self, title: str) -> float | None:
        """A column's mean over seeds."""
        values = self.values(title)
        return statistics.fmean(values) if values else None

    def deviation(self, title: str) -> float | None:
        """A column's standard deviation over seeds, where there are several."""
        values = self.values(title)
        return statistics.stdev(values) if len(values) > 1 else None


def option_keys(rows: Sequence[Row]) -> list[str]:
    """The options that are columns of a table, by full key."""
    return list(dict.fromkeys(key for row in rows for key in row.options))


def all_titles(rows: Sequence[Row]) -> list[str]:
    """The figures that some of the rows have, in the order of every table."""
    return ordered(title for row in rows for title in row.columns)


def named_titles(names: Iterable[str], titles: Sequence[str]) -> list[str]:
    """The titles that are named, or are of a kind that is: ``KL`` -> ``KL z_g``, ``KL z_l``.

    Raises:
        ValueError: there is none of a name.
    """
    found: dict[str, None] = {}
    for name in names:
        named = [each for each in titles if each == name]
        named = named or [each for each in titles if kind(each) == name]
        if not named:
            raise ValueError(f"columns: {_unknown('figure', name, titles)}")
        found |= dict.fromkeys(named)
    return list(found)


def named_option(name: str, rows: Sequence[Row]) -> str | None:
    """The full key of an option that is a column of the table, by its header or full key."""
    names = short_names(option_keys(rows))
    return next((key for key, short in names.items() if name in (key, short)), None)


def heatmap_options(names: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """The full keys of two options that are columns of the table.

    Args:
        names: by their headers or full keys; empty: those in which rows differ.

    Raises:
        ValueError: there are not two.
    """
    keys = option_keys(rows)
    shown = ", ".join(short_names(keys).values()) or "none"
    found = [named_option(name, rows) for name in names] if names else keys
    known = [key for key in found if key is not None]
    if len(known) != 2 or len(found) != 2:
        given = f"axes=[{','.join(names)}]" if names else "plot=heatmap"
        raise ValueError(
            f"{given}: a heat map takes two of the options in which rows differ ({shown}); name"
            " them, as in axes=latent_dim,beta_max"
        )
    return known


def sort_rows(rows: Sequence[Row], by: str, descending: bool = False) -> list[Row]:
    """Rows by the mean of a column or by an option, each data set by itself; what lacks it is last.

    Raises:
        ValueError: there is no such column or option.
    """
    titles = all_titles(rows)
    key = named_option(by, rows)
    if key is None and by not in titles:
        found = [each for each in titles if kind(each) == by]
        if len(found) != 1:
            choices = found or [*short_names(option_keys(rows)).values(), *titles]
            raise ValueError(f"sort: {_unknown('single column', by, choices)}")
        by = found[0]

    def place(row: Row) -> tuple[Any, ...]:
        value = row.options.get(key) if key else row.mean(by)
        return natural(value)

    def missing(row: Row) -> bool:
        return key not in row.options if key else row.mean(by) is None

    ranked = sorted(rows, key=place, reverse=descending)
    return sorted(ranked, key=lambda row: (natural(row.dataset), missing(row)))


def best_rows(rows: Sequence[Row], figure: str) -> list[Row]:
    """Of each data set and model the row with the lowest mean of a figure on valid.

    Args:
        figure: its key in ``results.json``, such as ``valid.neg_elbo``.

    Raises:
        ValueError: the figure is of another split, or no run has it.
    """
    if not figure.startswith("valid."):
        raise ValueError(
            f"best={figure}: rows are chosen by a figure on valid, so that those on test stay"
            " unbiased; set best=valid.neg_elbo"
        )
    best: dict[tuple[str, str], tuple[float, Row]] = {}
    for row in rows:
        found = [flat({"valid": run.results["valid"]}).get(figure) for run in row.runs]
        numbers = [each for each in found if isinstance(each, (int, float))]
        if len(numbers) < max(len(found), 1):
            continue
        mean = statistics.fmean(numbers)
        other = best.get((row.dataset, row.label))
        if other is None or mean < other[0]:
            best[row.dataset, row.label] = mean, row
    if not best:
        known = {each for row in rows for run in row.runs for each in _numbers(run)}
        raise ValueError(f"best: {_unknown('figure', figure, sorted(known))}")
    return [row for _, row in best.values()]


def natural(value: Any) -> tuple[Any, ...]:
    """A key that sorts numbers by their value, also those in texts: 8 before 16."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return ([(float(value), "")],)
    parts = re.split(r"(\d+(?:\.\d+)?)", option_text(value))
    return ([(float(part), "") if n % 2 else (math.inf, part) for n, part in enumerate(parts)],)


def _numbers(run: Finished) -> list[str]:
    found = flat({"valid": run.results["valid"]})
    return [key for key, value in found.items() if isinstance(value, (int, float))]


def _unknown(what: str, name: str, choices: Sequence[str]) -> str:
    return f"{name!r} is no {what} of this table; choose from {', '.join(choices)}" + closest(
        name, choices
    )
