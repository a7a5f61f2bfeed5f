"""One page with every reproduced table: results, the sources' figures, commands, machines.

It is one file, which needs nothing else to be shown.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from vaetext.config.table import Table
from vaetext.report.published import NOTE, select_columns
from vaetext.report.rows import Row
from vaetext.report.table import cells
from vaetext.runs.layout import ENVIRONMENT
from vaetext.runs.planned import PlannedRun
from vaetext.runs.results import read_json

LINES = 20  # of a text that are shown


@dataclass(frozen=True)
class Reproduced:
    """A table with what was measured.

    Attributes:
        table: as it is published.
        rows: of the runs that have finished.
        runs: those of all rows.
    """

    table: Table
    rows: list[Row]
    runs: list[PlannedRun]


def index_page(reproduced: Sequence[Reproduced], scale: str) -> str:
    """``index.html`` of all tables."""
    page = Template((files("vaetext.report") / "index.html").read_text(encoding="utf-8"))
    links = (
        f'<li><a href="#{each.table.name}">{escape(each.table.title)}</a></li>'
        for each in reproduced
    )
    return page.substitute(
        scale=escape(scale),
        note=escape(NOTE),
        links="\n".join(links),
        tables="\n".join(map(_section, reproduced)),
    )


def _section(each: Reproduced) -> str:
    table = each.table
    done = [run for run in each.runs if run.done]
    missing = [run.title for run in each.runs if not run.done]
    parts = [
        f'<section id="{table.name}">',
        f"<h2>{escape(table.title)}</h2>",
        _table(select_columns(cells(each.rows), table.columns)) if each.rows else "",
        f"<p>{escape(table.note)}</p>" if table.note else "",
        f"<p>Not finished: {escape('; '.join(missing))}.</p>" if missing else "",
        *(_figure(figure, done) for figure in table.figures),
        _commands(done),
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def _table(shown: list[list[str]]) -> str:
    """Header and cells; a cell in ``**`` is bold."""
    head, *body = shown
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    rows = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in body)
    return f'<div class="wide"><table>\n<tr>{titles}</tr>\n{rows}\n</table></div>'


def _cell(cell: str) -> str:
    text = escape(cell.replace("**", ""))
    return f"<td><b>{text}</b></td>" if cell.startswith("**") else f"<td>{text}</td>"


def _figure(figure: dict[str, str], done: list[PlannedRun]) -> str:
    """A picture or text of the first seed of a row; nothing where the run has not written it."""
    of_row = (run.folder / figure["file"] for run in done if run.row["name"] == figure["row"])
    path = next((path for path in of_row if path.is_file()), None)
    if path is None:
        return ""
    caption = escape(f"{figure['title']}: {figure['row']}")
    return f"<figure>{_content(path, caption)}<figcaption>{caption}</figcaption></figure>"


def _content(path: Path, caption: str) -> str:
    if path.suffix == ".png":
        data = b64encode(path.read_bytes()).decode()
        return f'<img alt="{caption}" src="data:image/png;base64,{data}">'
    lines = path.read_text(encoding="utf-8").splitlines()[:LINES]
    return f"<pre>{escape(chr(10).join(lines))}</pre>"


def _commands(done: list[PlannedRun]) -> str:
    """How each run was made, and where."""
    if not done:
        return ""
    items = "\n".join(
        f"<li><code>{escape(run.command)}</code><br>{escape(_made(run.folder))}</li>"
        for run in done
    )
    return f"<details><summary>Commands, commits, machines</summary><ul>{items}</ul></details>"


def _made(folder: Path) -> str:
    made = read_json(folder / ENVIRONMENT)
    threads = made.get("threads")
    return (
        f"vaetext {made.get('vaetext')}, commit {made.get('commit')}, {made.get('device')},"
        f" {threads} thread{'' if threads == 1 else 's'}, in {folder}"
    )
