"""Sweeps: the jobs that their overrides name, and the folders of runs. No torch."""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from vaetext.config.options import option_text, short_names
from vaetext.runs.folder import check_is_run, is_bare, sweep_folder
from vaetext.runs.layout import CONFIG, GIVEN, SWEEP

LONGEST = 150  # of the name of a job's folder


def jobs(overrides: list[str]) -> list[list[str]]:
    """The overrides of each job of a sweep.

    ``["seed=1,2", "model=vrae"]`` -> ``[["seed=1", "model=vrae"], ["seed=2", "model=vrae"]]``.

    Raises:
        HydraException: they are not overrides of Hydra's basic sweeper.
    """
    parsed = OverridesParser.create().parse_overrides(overrides)
    (every,) = BasicSweeper.split_arguments(parsed, None)
    return every


def swept_options(overrides: list[str]) -> list[str]:
    """The options, or groups, of which overrides give several values, for any sweeper.

    Raises:
        HydraException: they are no overrides.
    """
    parsed = OverridesParser.create().parse_overrides(overrides)
    found = (each.get_key_element().lstrip("+") for each in parsed if each.is_sweep_override())
    return list(dict.fromkeys(found))


def job_name(values: Mapping[str, Any]) -> str:
    """The folder of a job: its values of the options that vary, ``latent_dim=16,seed=1``.

    What a folder's name should not hold becomes a dash. A long name ends with a checksum.

    Args:
        values: full key -> value.
    """
    names = short_names(values)
    parts = (f"{names[key]}={_plain(option_text(value))}" for key, value in values.items())
    name = ",".join(sorted(parts))
    return name if len(name) <= LONGEST else f"{name[:LONGEST]}-{_checksum(name)}"


def _plain(text: str) -> str:
    plain = re.sub(r"[^\w.+-]+", "-", text)
    return plain if plain == text else plain.strip("-")


def _checksum(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:6]


def sweep_overrides(hydra: Any) -> list[str]:
    """The overrides of a sweep, from its configuration and from the command line, as written.

    Args:
        hydra: what Hydra knows of the sweep, as plain containers.
    """
    params = hydra["sweeper"].get("params") or {}
    return [*(f"{key}={value}" for key, value in params.items()), *hydra["overrides"]["task"]]


def is_surplus(folder: Path) -> bool:
    """Whether no run has begun in a folder, and the sweep that holds it has no such job.

    An earlier sweep of other overrides leaves such folders. Of sweepers that choose their jobs
    nothing is known, so their folders are none.

    Raises:
        ValueError: the record of the sweep is damaged.
    """
    sweep = sweep_folder(folder)
    if sweep is None or not (folder / GIVEN).is_file() or not is_bare(folder):
        return False
    try:
        every = jobs(sweep_overrides(yaml.safe_load((sweep / SWEEP).read_text())["hydra"]))
        return yaml.safe_load((folder / GIVEN).read_text()) not in every
    except HydraException:
        return False
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{sweep / SWEEP} is damaged; delete it to start every run in {sweep}"
        ) from error


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
