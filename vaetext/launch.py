"""From a verb and its overrides to its run, by Hydra; the resolvers that conf/ uses. Imports no torch."""

import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from vaetext.config.store import VERBS, register, typed
from vaetext.errors import explain

log = logging.getLogger(__name__)
SAVED = ".hydra/config.yaml"
_claimed: dict[str, str] = {}


class Failed(BaseException):
    """A run ended with an error; no Exception, so that Hydra adds no lines of its own to it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def start(verb: str, arguments: list[str]) -> None:
    """Runs a verb with Hydra's flags and overrides; errors are raised as they are."""
    sys.argv = ["vaetext", *arguments]
    _claimed.clear()
    register()
    hydra.main(version_base="1.3", config_path="pkg://vaetext.conf", config_name=verb)(task)()


def task(config: DictConfig) -> Any:
    """One job of one verb: ``vaetext.runner.<verb>.run`` with the typed configuration.

    Raises:
        Failed: with the error.
        ValueError: in a multirun, which goes on with its other jobs; names the job that failed.
    """
    job = HydraConfig.get()
    verb = str(job.job.config_name)
    try:
        return import_module(f"vaetext.runner.{verb}").run(typed(config, VERBS[verb]))
    except Exception as error:
        if job.mode != RunMode.MULTIRUN:
            raise Failed(error) from error
        log.error("error: job %s: %s", job.job.num, explain(error), exc_info=config.debug)
        raise ValueError(f"job {job.job.num} failed ({' '.join(job.overrides.task)}): {explain(error)}") from error


def claim(path: str, *, _root_: DictConfig) -> str:
    """Makes the folder ``path``, or ``path-2``, ``path-3``, ... where it is taken; a wrong configuration leaves no folder behind."""
    if path not in _claimed:
        typed(_root_, OmegaConf.get_type(_root_) or VERBS["train"])
        folder, number = Path(path), 1
        folder.parent.mkdir(parents=True, exist_ok=True)
        while not _made(folder):
            number += 1
            folder = Path(f"{path}-{number}")
        _claimed[path] = str(folder)
    return _claimed[path]


def _made(folder: Path) -> bool:
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def run_folder(path: str) -> str:
    """The folder itself, if a run is in it.

    Raises:
        ValueError: it is none.
    """
    if not (Path(path) / SAVED).is_file():
        state = f"is no run folder (it has no {SAVED})" if Path(path).exists() else "does not exist"
        raise ValueError(f"run={path} {state}; name a folder that `vaetext train` wrote, such as outputs/grammar/vrae/latest")
    return path


def runs_folder(path: str) -> str:
    """The folder itself, if it is a run or a multirun.

    Raises:
        ValueError: it is neither.
    """
    return path if any(Path(path).glob(f"*/{SAVED}")) else run_folder(path)


for _name, _resolver in (("claim", claim), ("run", run_folder), ("runs", runs_folder)):
    OmegaConf.register_new_resolver(f"vaetext.{_name}", _resolver, replace=True)
