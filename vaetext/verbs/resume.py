"""``vaetext resume``: a run, or every run of a sweep, goes on where it stopped."""

import logging
import shlex
from pathlib import Path

import yaml
from hydra.errors import HydraException

from vaetext.cli.launch import config_folder
from vaetext.cli.sweeps import jobs
from vaetext.config.errors import explain
from vaetext.config.quoting import quote
from vaetext.config.store import override_trainer
from vaetext.config.verbs import ResumeConfig
from vaetext.runs.folder import is_done, load_config
from vaetext.runs.layout import CONFIG, LAST, SWEEP
from vaetext.training.train_run import train

log = logging.getLogger(__name__)


def run(config: ResumeConfig) -> None:
    """Goes on with each run in turn; trainer.* overrides hold for what is left of it.

    Raises:
        ValueError: the folder is neither a run nor a sweep, or some runs of a sweep failed, after all others; names them.
    """
    path = Path(config.run)
    if (path / CONFIG).is_file():
        return resume(path, config.trainer)
    failed = []
    for folder in runs(path):
        try:
            resume(folder, config.trainer)
        except Exception as error:
            log.error("error: %s: %s", folder, explain(error), exc_info=config.debug)
            failed.append(f"{folder} ({explain(error)})")
    report_unbegun(path, config.trainer)
    if failed:
        raise ValueError(f"{len(failed)} of the runs failed: {'; '.join(failed)}")


def report_unbegun(sweep: Path, overrides: dict[str, object]) -> None:
    """Says which jobs of a sweep never began, the command that starts them, and that it knows nothing of what was overridden here."""
    if not (sweep / SWEEP).is_file():
        return
    try:
        hydra = yaml.safe_load((sweep / SWEEP).read_text())["hydra"]
        given, own = hydra["overrides"]["task"], config_folder(hydra["runtime"])
        count = len(jobs(given))
    except (
        HydraException,
        KeyError,
        TypeError,
        ValueError,
        yaml.YAMLError,
    ) as error:  # another sweeper's, say
        return log.debug("%s: %s", sweep / SWEEP, error)
    missing = [str(n) for n in range(count) if not (sweep / str(n) / CONFIG).is_file()]
    if missing:
        command = shlex.join(
            [
                "vaetext",
                "train",
                "-m",
                *own,
                *given,
                f"hydra.sweep.dir={quote(str(sweep.resolve()))}",
            ]
        )
        changes = ", ".join(f"trainer.{key}" for key in overrides)
        changed = (
            f"\nThey start as the sweep was given; then resume it with {changes} changed once more."
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


def runs(path: Path) -> list[Path]:
    """The run folder itself, or the jobs of a sweep in order.

    Raises:
        ValueError: it is neither.
    """
    jobs = [
        job.parent.parent for job in path.glob(f"*/{CONFIG}") if not job.parent.parent.is_symlink()
    ]  # "latest" is one of them
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
