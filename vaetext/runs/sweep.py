"""Sweeps: the jobs that their overrides name, and the folders of those that began. No torch."""

import shlex
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from vaetext.config.quoting import quote
from vaetext.runs.folder import load_config
from vaetext.runs.layout import CONFIG, SWEEP


def jobs(overrides: list[str]) -> list[list[str]]:
    """The overrides of each job of a sweep.

    ``["seed=1,2", "model=vrae"]`` -> ``[["seed=1", "model=vrae"], ["seed=2", "model=vrae"]]``.

    Raises:
        HydraException: they are not overrides of Hydra's basic sweeper.
    """
    parsed = OverridesParser.create().parse_overrides(overrides)
    (every,) = BasicSweeper.split_arguments(parsed, None)
    return every


def config_folder(runtime: Any) -> list[str]:
    """``--config-dir FOLDER`` of the command that started a job, as words; none if it had none.

    Args:
        runtime: Hydra's record of the job, ``hydra.runtime``.
    """
    given = [
        source["path"]
        for source in runtime["config_sources"]
        if source["provider"] == "command-line"
    ]
    return [word for path in given for word in ("--config-dir", path)]


def run_folders(path: Path) -> list[Path]:
    """The run folder itself, or the jobs of a sweep in order.

    Raises:
        ValueError: it is neither.
    """
    found = [config.parents[1] for config in path.glob(f"*/{CONFIG}")]
    folders = [folder for folder in found if not folder.is_symlink()]  # ``latest`` is one of them
    if (path / CONFIG).is_file() or not folders:
        load_config(path)
        return [path]
    return sorted(folders, key=lambda folder: (len(folder.name), folder.name))


def jobs_not_begun(sweep: Path) -> tuple[list[str], str]:
    """The numbers of a sweep's jobs that have no folder, and the command that starts them.

    Nothing where the folder is not a sweep, or that of another sweeper.
    """
    if not (sweep / SWEEP).is_file():
        return [], ""
    try:
        hydra = yaml.safe_load((sweep / SWEEP).read_text())["hydra"]
        given = hydra["overrides"]["task"]
        own = config_folder(hydra["runtime"])
        count = len(jobs(given))
    except (HydraException, KeyError, TypeError, ValueError, yaml.YAMLError):
        return [], ""
    missing = [str(n) for n in range(count) if not (sweep / str(n) / CONFIG).is_file()]
    place = f"hydra.sweep.dir={quote(str(sweep.resolve()))}"
    return missing, shlex.join(["vaetext", "train", "-m", *own, *given, place])
