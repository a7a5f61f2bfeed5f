"""``vaetext reproduce``: trains the rows of a published table, and shows ours beside theirs."""

import logging
import os
import subprocess
import sys
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from vaetext.config.quoting import quote
from vaetext.config.verbs import ReproduceConfig
from vaetext.report.output import write_output
from vaetext.report.published import published_page, published_row
from vaetext.runs.layout import TABLE
from vaetext.runs.signals import SIGNALS, Interrupted, signal_of
from vaetext.runs.sweep import config_folder

log = logging.getLogger(__name__)


def run(config: ReproduceConfig) -> None:
    """Trains every row that has not finished, then prints the table and writes ``table.md``.

    Each row has a folder and a process of its own.

    Raises:
        ValueError: the table has no such scale, or a row's training failed.
    """
    table = config.table
    if config.scale not in table.scales:
        raise ValueError(f"scale={config.scale}: table {table.name} has {', '.join(table.scales)}")
    folder = Path(config.outputs) / "tables" / table.name / config.scale
    rows = []
    for row in table.rows:
        run_folder = folder / str(row["name"]).replace(" ", "-")
        train([*row["overrides"], *table.scales[config.scale]], run_folder)
        rows.append(published_row(row, run_folder))
    page = published_page(table, config.scale, rows)
    write_output(page, folder, {TABLE: page})


def train(overrides: list[str], folder: Path) -> None:
    """Runs ``vaetext train`` into ``folder``; resumes an unfinished run, keeps a finished one.

    Raises:
        ValueError: training ended with an error, as where the folder holds a run of another
            configuration. The process has printed it.
        Interrupted: training was interrupted.
    """
    own = config_folder(HydraConfig.get().runtime) if HydraConfig.initialized() else []
    arguments = ["train", *own, *overrides, f"hydra.run.dir={quote(str(folder))}"]
    log.info("vaetext %s", " ".join(arguments))
    status = _status([sys.executable, "-m", "vaetext", *arguments])
    if status - 128 in SIGNALS:
        message = f"run the same command again to resume; {folder} is kept"
        raise Interrupted(status - 128, message)
    if status:
        raise ValueError(f"{folder} ended with status {status}; its error is shown above")


def _status(command: list[str]) -> int:
    """The exit status of a process that prints to stderr; 128 + a signal's number if interrupted.

    The process then gets SIGTERM: unlike Ctrl-C, a signal may have reached this one alone.
    """
    environment = {name: value for name, value in os.environ.items() if name != "HYDRA_FULL_ERROR"}
    with subprocess.Popen(command, stdout=sys.stderr.fileno(), env=environment) as process:
        try:
            return process.wait()
        except KeyboardInterrupt as error:  # it writes its checkpoint first
            process.terminate()
            process.wait()
            return 128 + signal_of(error)
