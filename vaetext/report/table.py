"""Results as tables: one run's, or those of many runs with means over seeds."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vaetext.config.options import option_text, short_names
from vaetext.report.columns import (
    LOWER_IS_BETTER,
    Values,
    columns,
    kind,
    not_converged,
    note,
    ordered,
)
from vaetext.report.formats import csv_text, latex, latex_float, markdown
from vaetext.report.rows import Row, all_titles, option_keys
from vaetext.report.settings import varying

DAGGER = "†"  # follows a figure that is far from converged
SPLIT_ORDER: list[str] = ["valid", "test", "train"]
NAMES = ("data.name", "data.label", "model.name")  # shown as data and model


@dataclass
class Shown:
    """What a table shows.

    Attributes:
        rows: of the table.
        split: of which the figures are.
        titles: of the columns of figures.
        note: a sentence on how the rows were chosen.
    """

    rows: list[Row]
    split: str = "test"
    titles: list[str] = field(default_factory=list)
    note: str = ""

    def __post_init__(self) -> None:
        self.titles = self.titles or all_titles(self.rows)


def run_table(result: dict[str, Any]) -> str:
    """One run's ``table.md``: a line for each quantity, a column for each split."""
    splits = [split for split in SPLIT_ORDER if split in result]
    values = {split: columns(result[split]) for split in splits}
    titles = ordered(title for split in splits for title in values[split])
    rows = [[title, *(_marked(title, values[split]) for split in splits)] for title in titles]
    table = markdown([["", *splits], *rows])
    below = note("split", titles, chosen=result.get("chosen_by"))
    return f"{_heading(result)}\n\n{_size(result, splits)}\n\n{table}\n{below}\n"


def markdown_table(table: Shown) -> str:
    """Many runs in Markdown, with a note on what the columns mean."""
    return f"{markdown(cells(table.rows, table.titles), words=_words(table))}\n{_note(table)}\n"


def latex_table(table: Shown) -> str:
    r"""Many runs as a LaTeX table, with caption and label, the note as a comment above it.

    It needs ``\usepackage{booktabs}``.
    """
    tabular = latex(cells(table.rows, table.titles), words=_words(table))
    data = ", ".join(dict.fromkeys(row.data for row in table.rows))
    marks = " ".join(_marks(table))
    caption = f"Results on the {table.split} split of {data}, in nats per sequence. {marks}".strip()
    label = re.sub(r"[^A-Za-z0-9]+", "-", f"{data}-{table.split}").strip("-")
    comment = textwrap.indent(f"{_note(table)}\n\\usepackage{{booktabs}}", "% ")
    return f"{comment}\n{latex_float(tabular, caption, f'tab:{label}')}"


def csv_table(table: Shown) -> str:
    """A line for each run, with every option that differs, its seed, folder and commit."""
    runs = [(row, run) for row in table.rows for run in row.runs]
    differing = [key for key in varying([run.setting for _, run in runs]) if key not in NAMES]
    keys = list(dict.fromkeys([*option_keys(table.rows), *differing]))
    names = short_names(keys).values()
    lines: list[list[object]] = [
        ["data", "model", *names, "seed", "split", *table.titles, "folder", "commit"]
    ]
    for row, run in runs:
        options = [option_text(run.setting[key]) if key in run.setting else None for key in keys]
        figures = Row(row.label, row.data)
        figures.add(run.values)
        numbers = (next(iter(figures.values(title)), None) for title in table.titles)
        start = [row.data, row.label, *options, run.seed, table.split]
        lines.append([*start, *numbers, run.folder, run.commit])
    return csv_text(lines)


FORMATS = {"markdown": markdown_table, "csv": csv_table, "latex": latex_table}
EXTENSIONS = {"markdown": "md", "csv": "csv", "latex": "tex"}


def cells(rows: list[Row], titles: Sequence[str] | None = None) -> list[list[str]]:
    """Header and cells: a mean, ± its deviation over seeds; the best of each data set in ``**``.

    Args:
        titles: of the columns of figures; all by default.
    """
    titles = all_titles(rows) if titles is None else titles
    keys = option_keys(rows)
    best = {(row.dataset, title): _best(rows, row, title) for row in rows for title in titles}
    table = [["data", "model", *short_names(keys).values(), "seeds", *titles]]
    for row in rows:
        options = [option_text(row.options[key]) if key in row.options else "-" for key in keys]
        shown = [_cell(row, title, best[row.dataset, title]) for title in titles]
        table.append([row.data, row.label, *options, str(row.seeds), *shown])
    return table


def _words(table: Shown) -> int:
    """How many of the first columns are text."""
    return 2 + len(option_keys(table.rows))


def _note(table: Shown) -> str:
    """What is there to be explained: no column, mark or choice that the table lacks."""
    more = " ".join([*_marks(table), *([table.note] if table.note else [])])
    daggers = any(DAGGER in cell for line in cells(table.rows, table.titles) for cell in line)
    titles = [*table.titles, *(["ESS"] if daggers else [])]
    eos = any("rec per token" in row.columns for row in table.rows)
    return note(f"{table.split} split", titles, more, eos=eos)


def _marks(table: Shown) -> list[str]:
    bold = any(cell.startswith("**") for row in cells(table.rows, table.titles) for cell in row)
    return [
        *(["± is the standard deviation over seeds."] if _has_seeds(table.rows) else []),
        *(["The best bound of each data set is bold."] if bold else []),
    ]


def _has_seeds(rows: list[Row]) -> bool:
    return any(row.seeds > 1 for row in rows)


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


def _best(rows: list[Row], of: Row, title: str) -> float | None:
    """The lowest mean of the rows on one's data set, where low is better and there are several."""
    means = [row.mean(title) for row in rows if row.dataset == of.dataset]
    found = [mean for mean in means if mean is not None]
    return min(found) if kind(title) in LOWER_IS_BETTER and len(found) > 1 else None


def _cell(row: Row, title: str, best: float | None) -> str:
    values = row.values(title)
    mean = row.mean(title)
    deviation = row.deviation(title)
    shown = number(values[0] if len(values) == 1 else mean)  # a count of one run stays an integer
    if mean is not None and deviation is not None:
        shown = f"{mean:{_format(mean)}} ± {deviation:{_format(mean)}}"
    if not_converged(title, {each: row.mean(each) for each in row.columns}):
        shown += DAGGER
    return f"**{shown}**" if mean is not None and mean == best else shown


def _marked(title: str, values: Values) -> str:
    return number(values.get(title)) + DAGGER * not_converged(title, values)


def number(value: float | None) -> str:
    """A figure as tables write it; - where there is none."""
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:{_format(value)}}"


def _format(value: float) -> str:
    """How a mean and its deviation are written: two decimals from 10 on, as a power from 1e9 on."""
    if abs(value) >= 1e9:
        return ".2e"
    return ",.2f" if abs(value) >= 10 else ",.3f"
