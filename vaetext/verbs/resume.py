"""``vaetext resume``: continues a run, or every run of a sweep, where it stopped."""

import logging
from pathlib import Path
from typing import Any

from vaetext.config.errors import explain
from vaetext.config.verbs import ResumeConfig
from vaetext.parallel.outside import follows, outside
from vaetext.report.console import show
from vaetext.runs.layout import CONFIG, TABLE
from vaetext.runs.results import is_done
from vaetext.runs.sweep import is_surplus, run_folders
from vaetext.training import session

log = logging.getLogger(__name__)


def run(config: ResumeConfig) -> None:
    """Resumes each run in turn, and starts the jobs of a sweep that never began.

    trainer.* overrides apply to what is left of each.

    Raises:
        ValueError: the folder holds no run, or some runs of a sweep failed; the others are resumed
            first.
    """
    path = Path(config.run)
    if (path / CONFIG).is_file():
        return _resume(path, config.trainer)
    if outside():
        raise ValueError(
            f"{path} is no run: processes that were started outside resume one run each time; start"
            " them for one of its runs, or leave them out and set trainer.devices"
        )
    failed = []
    for folder in run_folders(path):
        try:
            if is_surplus(folder):
                log.warning(
                    "%s is no job of its sweep and never began: it is left as it is", folder
                )
                continue
            _resume(folder, config.trainer)
        except Exception as error:
            log.error("error: %s: %s", folder, explain(error), exc_info=config.debug)
            failed.append(f"{folder} ({explain(error)})")
    if failed:
        raise ValueError(f"{len(failed)} of the runs failed: {'; '.join(failed)}")


def _resume(folder: Path, overrides: dict[str, Any]) -> None:
    unchanged = is_done(folder) and not overrides
    session.resume(folder, overrides)
    if not unchanged and not follows():
        show((folder / TABLE).read_text())
