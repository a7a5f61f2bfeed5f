"""``vaetext tables``: any runs as one table."""

import logging
from pathlib import Path

from vaetext.config.verbs import TablesConfig
from vaetext.data.atomic import atomic_write
from vaetext.report.collect import collect, find_runs
from vaetext.report.console import show
from vaetext.report.table import EXTENSIONS, FORMATS

log = logging.getLogger(__name__)


def run(config: TablesConfig) -> None:
    """Prints one table of all finished runs in the given folders.

    With ``output`` the table is also written there, in all three formats.

    Raises:
        ValueError: no folder is given, one does not exist, or none holds a finished run.
    """
    rows = collect(find_runs(config.runs), config.split)
    if config.output:
        for name, extension in EXTENSIONS.items():
            path = Path(config.output) / f"table.{extension}"
            atomic_write(path, FORMATS[name](rows, config.split))
        log.info("written to %s", Path(config.output).resolve())
    show(FORMATS[config.format](rows, config.split).rstrip("\n"))
