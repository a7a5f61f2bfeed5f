"""Sweeps: the jobs that their overrides name, and the folders of runs. No torch."""

from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

from vaetext.runs.folder import check_is_run
from vaetext.runs.layout import CONFIG


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
    """The run folder itself, or those at any depth below it in order, as the jobs of a sweep.

    Raises:
        ValueError: there is none.
    """
    found = {config.parents[1] for config in path.rglob(CONFIG)}
    if (path / CONFIG).is_file() or not found:
        check_is_run(path)
        return [path]
    return sorted(found, key=lambda folder: [(len(part), part) for part in folder.parts])
