"""Results as tables: one run's, or those of many runs with means over seeds."""

import statistics
import textwrap
from dataclasses import dataclass, field
from typing import Any

from vaetext.report.columns import (
    LOWER_IS_BETTER,
    Values,
    columns,
    kind,
    not_converged,
    note,
    ordered,
)
from vaetext.report.formats import csv_text, latex, markdown

_EXACT = {
    "IW-NLL": "-ELBO",
    "FIVO-NLL": "-ELBO",
    "IW-PPL": "PPL",
    "IW-NLL per step": "-ELBO per step",
    "FIVO-NLL per step": "-ELBO per step",
}
DAGGER = "†"  # follows a figure that is far from converged
SPLIT_ORDER: list[str] = ["valid", "test", "train"]
_SEEDS = "± is the standard deviation over seeds; the best bound of each data set is bold."


@dataclass
class Row:
    """One line of a table: what was run, and column title -> a value of each seed."""

    label: str
    data: str
    seeds: int = 0
    columns: dict[str, list[float]] = field(default_factory=dict)

    def add(self, values: Values) -> None:
        """Adds the columns of one run."""
        self.seeds += 1
        for title, value in values.items():
            if value is not None:
                self.columns.setdefault(title, []).append(value)

    def values(self, title: str) -> list[float]:
        """A column's values, one for each seed, or none where some seeds lack it.

        A model without a latent is exact: its other bounds are its -ELBO for every K.
        """
        exact = not any(kind(each) == "KL" for each in self.columns)
        found = self.columns.get(_EXACT.get(kind(title), title) if exact else title, [])
        return found if len(found) == self.seeds else []

    def mean(self, title: str) -> float | None:
        """A column's mean over seeds."""
        values = self.values(title)
        return statistics.fmean(values) if values else None

    def deviation(self, title: str) -> float | None:
        """A column's standard deviation over seeds, where there are several."""
        values = self.values(title)
        return statistics.stdev(values) if len(values) > 1 else None


def run_table(result: dict[str, Any]) -> str:
    """One run's ``table.md``: a line for each quantity, a column for each split."""
    splits = [split for split in SPLIT_ORDER if split in result]
    values = {split: columns(result[split]) for split in splits}
    titles = ordered(title for split in splits for title in values[split])
    rows = [[title, *(_marked(title, values[split]) for split in splits)] for title in titles]
    table = markdown([["", *splits], *rows])
    below = note("split", titles, chosen=result.get("chosen_by"))
    return f"{_heading(result)}\n\n{_size(result, splits)}\n\n{table}\n{below}\n"


def markdown_table(rows: list[Row], split: str) -> str:
    """Many runs in Markdown, with a note on what the columns mean."""
    return f"{markdown(cells(rows), words=2)}\n{_note(rows, split)}\n"


def latex_table(rows: list[Row], split: str) -> str:
    """Many runs as a LaTeX tabular (package booktabs), the note as a comment above it."""
    comment = textwrap.indent(_note(rows, split), "% ")
    return f"{comment}\n{latex(cells(rows), words=2)}"


def csv_table(rows: list[Row], split: str) -> str:
    """Many runs as comma-separated numbers: means, and deviations where a row has several seeds."""
    titles = ordered(title for row in rows for title in row.columns)
    suffixes = ["", " std"] if any(row.seeds > 1 for row in rows) else [""]
    head = ["data", "model", "split", "seeds"]
    table: list[list[object]] = [[*head, *(name + end for name in titles for end in suffixes)]]
    for row in rows:
        pairs = ((row.mean(title), row.deviation(title)) for title in titles)
        numbers = [part for pair in pairs for part in pair[: len(suffixes)]]
        table.append([row.data, row.label, split, row.seeds, *numbers])
    return csv_text(table)


FORMATS = {"markdown": markdown_table, "csv": csv_table, "latex": latex_table}
EXTENSIONS = {"markdown": "md", "csv": "csv", "latex": "tex"}


def cells(rows: list[Row]) -> list[list[str]]:
    """Header and cells: a mean, ± its deviation over seeds; the best of each data set in ``**``."""
    titles = ordered(title for row in rows for title in row.columns)
    best = {(row.data, title): _best(rows, row.data, title) for row in rows for title in titles}
    table = [["data", "model", "seeds", *titles]]
    for row in rows:
        shown = [_cell(row, title, best[row.data, title]) for title in titles]
        table.append([row.data, row.label, str(row.seeds), *shown])
    return table


def _note(rows: list[Row], split: str) -> str:
    return note(f"{split} split", (title for row in rows for title in row.columns), _SEEDS)


def _heading(result: dict[str, Any]) -> str:
    return (
        f"# {result['model']} on {result['data']}, trainer={result['trainer']},"
        f" seed {result['seed']}"
    )


def _size(result: dict[str, Any], splits: list[str]) -> str:
    size = f"{result['parameters']:,} parameters"
    epoch = f"checkpoint of epoch {result['best_epoch']} (from 0)"
    if result["tokens_per_second"] is None:
        return f"{size}, {epoch}"
    text = all(result[split]["tokens_no_eos"] is not None for split in splits)
    speed = f"{result['tokens_per_second']:,.0f} real {'tokens' if text else 'frames'} per second"
    return f"{size}, {epoch}, {speed}"


def _best(rows: list[Row], data: str, title: str) -> float | None:
    """The lowest mean of a data set's rows, where low is better and there are several."""
    means = [row.mean(title) for row in rows if row.data == data]
    found = [mean for mean in means if mean is not None]
    return min(found) if kind(title) in LOWER_IS_BETTER and len(found) > 1 else None


def _cell(row: Row, title: str, best: float | None) -> str:
    values = row.values(title)
    mean = row.mean(title)
    deviation = row.deviation(title)
    shown = _number(values[0] if len(values) == 1 else mean)  # a count of one run stays an integer
    if mean is not None and deviation is not None:
        shown = f"{mean:{_format(mean)}} ± {deviation:{_format(mean)}}"
    if not_converged(title, {each: row.mean(each) for each in row.columns}):
        shown += DAGGER
    return f"**{shown}**" if mean is not None and mean == best else shown


def _marked(title: str, values: Values) -> str:
    return _number(values.get(title)) + DAGGER * not_converged(title, values)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:{_format(value)}}"


def _format(value: float) -> str:
    """How a mean and its deviation are written: two decimals from 10 on, as a power from 1e9 on."""
    if abs(value) >= 1e9:
        return ".2e"
    return ",.2f" if abs(value) >= 10 else ",.3f"
