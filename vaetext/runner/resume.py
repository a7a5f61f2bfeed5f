"""``vaetext resume``: a run, or every run of a sweep, goes on where it stopped."""

import logging
from pathlib import Path

from vaetext.config.store import override_trainer
from vaetext.config.verbs import ResumeConfig
from vaetext.runner.run_folder import CONFIG, is_done, load_config
from vaetext.runner.train import train
from vaetext.runner.training import LAST

log = logging.getLogger(__name__)


def run(config: ResumeConfig) -> None:
    """Goes on with each run in turn; trainer.* overrides hold for what is left of it.

    Raises:
        ValueError: the folder is neither a run nor a sweep.
    """
    for folder in runs(Path(config.run)):
        resume(folder, config.trainer)


def runs(path: Path) -> list[Path]:
    """The run folder itself, or the jobs of a sweep in order.

    Raises:
        ValueError: it is neither.
    """
    jobs = [job.parent.parent for job in path.glob(f"*/{CONFIG}") if not job.parent.parent.is_symlink()]  # "latest" is one of them
    if (path / CONFIG).is_file() or not jobs:
        load_config(path)
        return [path]
    return sorted(jobs, key=lambda job: (len(job.name), job.name))


def resume(folder: Path, overrides: dict[str, object]) -> None:
    """Goes on with one run; a finished run is left alone unless something is overridden."""
    if is_done(folder) and not overrides:
        log.info("%s has finished; nothing to resume", folder)
        return
    config = override_trainer(load_config(folder), overrides)
    train(config, folder, resume=(folder / LAST).is_file(), overrides=overrides)
