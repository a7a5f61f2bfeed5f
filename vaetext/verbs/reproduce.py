"""``vaetext reproduce``: a published table, every row trained, ours beside theirs."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig

from vaetext.cli.launch import config_folder
from vaetext.config.quoting import quote
from vaetext.config.verbs import ReproduceConfig
from vaetext.report.output import write_output
from vaetext.report.table import PUBLISHED, Row, Values, cells, columns, kind, markdown
from vaetext.runs.folder import checked_results, read_results
from vaetext.runs.layout import METRICS, RESULTS, TABLE

NOT_CONVERGED = (
    "* not converged: valid -ELBO fell by more than 1 % in the last tenth of the epochs."
)
log = logging.getLogger(__name__)


def run(config: ReproduceConfig) -> None:
    """Trains every row that has not finished, each in a folder and a process of its own, then prints the table and writes ``table.md``.

    Raises:
        ValueError: the table has no such scale, or a row's training failed.
    """
    table = config.table
    folder = Path(config.outputs) / "tables" / table.name / config.scale
    if config.scale not in table.scales:
        raise ValueError(f"scale={config.scale}: table {table.name} has {', '.join(table.scales)}")
    rows = []
    for row in table.rows:
        run = folder / str(row["name"]).replace(" ", "-")
        train([*row["overrides"], *table.scales[config.scale]], run)
        with checked_results(run / RESULTS):
            rows.append(line(row, read_results(run), not_converged(run)))
    data = ", ".join(dict.fromkeys(row.data for row in rows))
    shown = markdown(select_columns(cells(rows), table.columns))
    write_output(
        f"# {table.title} (scale={config.scale}, data={data})\n\n{shown}\n{table.note} {NOT_CONVERGED}\n",
        folder / TABLE,
    )


def line(row: dict[str, Any], result: dict[str, Any], not_converged: bool) -> Row:
    """A row's measured columns on test, then the published ones; a run that had not converged is marked."""
    shown = Row(f"{row['name']}{' *' * not_converged}", result["data"])
    published = {
        f"{PUBLISHED}{name}": float(value) for name, value in row.get("published", {}).items()
    }
    shown.add({**columns(result["test"]), **source(result["test"]), **published})
    return shown


def source(record: dict[str, Any]) -> Values:
    """A model's figures as source 004 counts them: Reconstruction a mean over tokens without EOS, KL a sum over latents, ELBO no bound."""
    if not record["kl"] or not record["tokens_no_eos"]:
        return {}
    rec, kl = (
        record["rec"] * record["sequences"] / record["tokens_no_eos"],
        sum(record["kl"].values()),
    )
    return {"ELBO (source)": -(rec + kl), "Reconstruction (source)": -rec, "KL (source)": kl}


def select_columns(table: list[list[str]], ours: list[str]) -> list[list[str]]:
    """Of a table's columns the model, those that are published, ours beside them, and the kinds named in ``ours``."""
    head = table[0]
    kept = [
        n
        for n, name in enumerate(head)
        if name == "model"
        or name.startswith(PUBLISHED)
        or f"{PUBLISHED}{name}" in head
        or kind(name) in ours
    ]
    return [[line[n] for n in kept] for line in table]


def not_converged(folder: Path) -> bool:
    """Whether the lowest valid -ELBO of a run's last tenth of epochs is more than 1 % below the lowest before."""
    lines = [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]
    bounds = [line["neg_elbo"] for line in lines if line["split"] == "valid"]
    last = -(-len(bounds) // 10)
    return len(bounds) > last and min(bounds[:-last]) - min(bounds[-last:]) > 0.01 * abs(
        min(bounds[-last:])
    )


def train(overrides: list[str], folder: Path) -> None:
    """``vaetext train`` into ``folder``: a run that was begun there goes on, one that has finished is left alone.

    Raises:
        ValueError: the run ended with an error, which stands above, as where the folder holds a run of another configuration.
    """
    own = config_folder(HydraConfig.get().runtime) if HydraConfig.initialized() else []
    arguments = ["train", *own, *overrides, f"hydra.run.dir={quote(str(folder))}"]
    log.info("vaetext %s", " ".join(arguments))
    with subprocess.Popen(
        [sys.executable, "-m", "vaetext", *arguments],
        stdout=sys.stderr.fileno(),
        env=_environment(),
    ) as process:
        try:
            status = process.wait()
        except KeyboardInterrupt:  # it was interrupted too, and writes its checkpoint
            process.wait()
            status = 130
    if status == 130:
        raise KeyboardInterrupt(f"go on with the same command; {folder} is kept")
    if status:
        raise ValueError(f"{folder} ended with status {status}; its error stands above")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "HYDRA_FULL_ERROR"}
