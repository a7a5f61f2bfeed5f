"""A published table: its figures beside those of our runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vaetext.config.table import Table
from vaetext.report.columns import DIFFERENCE, PUBLISHED, Values, columns, kind, of_training
from vaetext.report.formats import csv_text, latex, markdown
from vaetext.report.rows import Row
from vaetext.report.table import DAGGER, cells
from vaetext.runs.layout import RESULTS
from vaetext.runs.results import checked_results, read_metrics, read_results

NOTE = (
    "difference: ours less the published figure. Rows that are closer than seeds differ are not"
    " ranked. * not converged: the bound on valid fell by more than 1 % in the last tenth of the"
    f" epochs. {DAGGER} far from converged in K: few effective samples (docs/metrics.md)."
)


def published_files(table: Table, scale: str, rows: list[Row]) -> dict[str, str]:
    """File name -> the table in Markdown, CSV and LaTeX."""
    shown = select_columns(cells(rows), table.columns)
    plain = [[cell.replace("**", "") for cell in row] for row in shown]
    return {
        f"{table.name}.md": published_page(table, scale, rows),
        f"{table.name}.csv": csv_text(plain),
        f"{table.name}.tex": latex(shown),
    }


def published_page(table: Table, scale: str, rows: list[Row]) -> str:
    """The table of our rows beside the published ones, with its title and note, in Markdown."""
    data = ", ".join(dict.fromkeys(row.data for row in rows))
    shown = markdown(select_columns(cells(rows), table.columns))
    title = f"# {table.title} (scale={scale}, data={data})"
    return f"{title}\n\n{shown}\n{f'{table.note} {NOTE}'.strip()}\n"


def published_row(row: dict[str, Any], folders: Sequence[Path]) -> Row:
    """A row of ``conf/table``: what its runs measured on the test split, and what is published.

    The name is marked where a run had not converged.

    Args:
        folders: of the runs, one a seed.

    Raises:
        ValueError: the results of a run are damaged or of another version.
    """
    mark = " *" if any(map(not_converged, folders)) else ""
    shown = Row(f"{row['name']}{mark}", "")
    published = {title: float(value) for title, value in row.get("published", {}).items()}
    for folder in folders:
        with checked_results(folder / RESULTS):
            result = read_results(folder)
            shown.data = result["data"]
            measured = {
                **columns(result["test"]),
                **other_conventions(result["test"]),
                **of_training(result),
            }
        shown.add({**measured, **_beside(published, measured)})
    return shown


def _beside(published: dict[str, float], measured: Values) -> Values:
    """The published columns, and how much ours are above them."""
    differences = {
        f"{DIFFERENCE}{title}": ours - value
        for title, value in published.items()
        if (ours := measured.get(title)) is not None
    }
    return {**{f"{PUBLISHED}{title}": value for title, value in published.items()}, **differences}


def other_conventions(record: dict[str, Any]) -> Values:
    """A split's figures in conventions that published tables use beside our own columns.

    KL (sum) is the sum over latents. Reconstruction (Petersen) is minus rec over the tokens without
    EOS, and ELBO (Petersen) is Reconstruction (Petersen) - KL (sum), which is not a bound.
    """
    if not record["kl"] or not record["tokens_no_eos"]:
        return {}
    rec = record["rec"] * record["sequences"] / record["tokens_no_eos"]
    kl = sum(record["kl"].values())
    return {"KL (sum)": kl, "ELBO (Petersen)": -(rec + kl), "Reconstruction (Petersen)": -rec}


def select_columns(table: list[list[str]], ours: list[str]) -> list[list[str]]:
    """The model, the published columns with ours and the difference, and those of ``ours``.

    The number of seeds is left out where it is 1 everywhere.

    Args:
        table: header and rows.
        ours: columns without a latent's name or K.
    """
    head, *rows = table
    shown = ["model"]
    if any(row[head.index("seeds")] != "1" for row in rows):
        shown.append("seeds")
    kept = [
        number
        for number, title in enumerate(head)
        if title in shown
        or title.startswith((PUBLISHED, DIFFERENCE))
        or f"{PUBLISHED}{title}" in head
        or kind(title) in ours
    ]
    return [[row[number] for number in kept] for row in table]


def not_converged(folder: Path) -> bool:
    """Whether a run's lowest bound on valid fell by more than 1 % in its last tenth of epochs.

    That is -ELBO, or the bound that was trained on.
    """
    lines = [line for line in read_metrics(folder) if line["split"] == "valid"]
    keys = [key for key in ("fivo_nll", "iw_nll", "neg_elbo") if lines and key in lines[-1]]
    bounds: list[float] = [line[keys[0]] for line in lines if keys[0] in line]
    last = -(-len(bounds) // 10)
    if len(bounds) <= last:
        return False
    lowest = min(bounds[-last:])
    return min(bounds[:-last]) - lowest > 0.01 * abs(lowest)
