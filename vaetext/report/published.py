"""A published table: its figures beside those of our runs."""

from pathlib import Path
from typing import Any

from vaetext.config.verbs import Table
from vaetext.report.columns import PUBLISHED, Values, columns, kind, of_training
from vaetext.report.formats import markdown
from vaetext.report.table import DAGGER, Row, cells
from vaetext.runs.layout import RESULTS
from vaetext.runs.results import checked_results, read_metrics, read_results

NOTE = (
    "Each row of ours is one run, so rows that are close are not ranked by it."
    " * not converged: the bound on valid fell by more than 1 % in the last tenth of the epochs."
    f" {DAGGER} far from converged in K: few effective samples (docs/metrics.md)."
)


def published_page(table: Table, scale: str, rows: list[Row]) -> str:
    """The table of our rows beside the published ones, with its title and note, in Markdown."""
    data = ", ".join(dict.fromkeys(row.data for row in rows))
    shown = markdown(select_columns(cells(rows), table.columns))
    title = f"# {table.title} (scale={scale}, data={data})"
    return f"{title}\n\n{shown}\n{table.note} {NOTE}\n"


def published_row(row: dict[str, Any], folder: Path) -> Row:
    """A row of ``conf/table``: what its run measured on the test split, and what is published.

    The name of a run that had not converged is marked.

    Raises:
        ValueError: the run's results are damaged or of another version.
    """
    with checked_results(folder / RESULTS):
        result = read_results(folder)
        mark = " *" if not_converged(folder) else ""
        shown = Row(f"{row['name']}{mark}", result["data"])
        measured = {
            **columns(result["test"]),
            **other_conventions(result["test"]),
            **of_training(result),
        }
    published = row.get("published", {})
    shown.add(
        {**measured, **{f"{PUBLISHED}{title}": float(published[title]) for title in published}}
    )
    return shown


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
    """Of a table's columns the model, the published ones, ours beside them, and those of ``ours``.

    Args:
        table: header and rows.
        ours: columns without a latent's name or K.
    """
    head = table[0]
    kept = [
        number
        for number, title in enumerate(head)
        if title == "model"
        or title.startswith(PUBLISHED)
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
