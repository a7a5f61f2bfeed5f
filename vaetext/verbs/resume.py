"""``vaetext resume``: continues a run, or every run of a sweep, where it stopped."""

import logging
from pathlib import Path
from typing import Any

from vaetext.config.errors import explain
from vaetext.config.verbs import ResumeConfig
from vaetext.report.console import show
from vaetext.runs.layout import CONFIG, TABLE
from vaetext.runs.results import is_done
from vaetext.runs.sweep import jobs_not_begun, run_folders
from vaetext.training import session

log = logging.getLogger(__name__)


def run(config: ResumeConfig) -> None:
    """Resumes each run in turn; trainer.* overrides apply to what is left of it.

    Raises:
        ValueError: the folder is neither a run nor a sweep, or some runs of a sweep failed; the
            others are resumed first.
    """
    path = Path(config.run)
    if (path / CONFIG).is_file():
        return _resume(path, config.trainer)
    failed = []
    for folder in run_folders(path):
        try:
            _resume(folder, config.trainer)
        except Exception as error:
            log.error("error: %s: %s", folder, explain(error), exc_info=config.debug)
            failed.append(f"{folder} ({explain(error)})")
    _warn_of_jobs_not_begun(path, config.trainer)
    if failed:
        raise ValueError(f"{len(failed)} of the runs failed: {'; '.join(failed)}")


def _resume(folder: Path, overrides: dict[str, Any]) -> None:
    unchanged = is_done(folder) and not overrides
    session.resume(folder, overrides)
    if not unchanged:
        show((folder / TABLE).read_text())


def _warn_of_jobs_not_begun(sweep: Path, overrides: dict[str, Any]) -> None:
    """Names a sweep's jobs that never began, and the command that starts them."""
    missing, command = jobs_not_begun(sweep)
    if not missing:
        return
    names = ", ".join(f"trainer.{key}" for key in overrides)
    changed = (
        f"\nThey start with the sweep's own options; then resume it with {names} changed once more."
        if overrides
        else ""
    )
    log.warning(
        "%s: jobs %s never began; start them with: %s%s",
        sweep,
        ", ".join(missing),
        command,
        changed,
    )
