"""From a verb and its overrides to its run, by Hydra; the resolvers that conf/ uses. Imports no torch."""

import atexit
import logging
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from vaetext.config.errors import explain
from vaetext.config.quoting import resuming
from vaetext.config.store import VERBS, flat, read_config, register, typed
from vaetext.runs.layout import CONFIG, HYDRA, LOCK, SWEEP

log = logging.getLogger(__name__)
ELSEWHERE = (
    "outputs",
    "sweep",
    "debug",
    "data.root",
    "trainer.device",
    "trainer.threads",
)  # a run may go on in another place
_claimed: dict[
    str, list[Path]
] = {}  # path asked for -> the folder made, and those above it that were made for it, deepest first


class Failed(BaseException):
    """A run ended with an error; no Exception, so that Hydra adds no lines of its own to it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def start(verb: str, arguments: list[str]) -> None:
    """Runs a verb with Hydra's flags and overrides; errors are raised as they are, and leave no folder that nothing was written to."""
    sys.argv = ["vaetext", *arguments]
    logging.raiseExceptions = False  # a log that cannot be written, on a full disk, hides no message of ours behind its traceback
    _claimed.clear()
    register()
    try:
        hydra.main(version_base="1.3", config_path="pkg://vaetext.conf", config_name=verb)(task)()
    except BaseException:
        release()
        raise


def task(config: DictConfig) -> Any:
    """One job of one verb: ``vaetext.verbs.<verb>.run`` with the typed configuration.

    Raises:
        Failed: with the error.
        ValueError: in a multirun, which goes on with its other jobs; names the job that failed.
    """
    job = HydraConfig.get()
    verb = str(job.job.config_name)
    try:
        return import_module(f"vaetext.verbs.{verb}").run(typed(config, VERBS[verb]))
    except Exception as error:
        if job.mode != RunMode.MULTIRUN:
            raise Failed(error) from error
        log.error("error: job %s: %s", job.job.num, explain(error), exc_info=config.debug)
        raise ValueError(
            f"job {job.job.num} failed ({' '.join(job.overrides.task)}): {explain(error)}"
        ) from error


def claim(path: str, *, _root_: DictConfig) -> str:
    """Makes the folder ``path``, or ``path-2``, ``path-3``, ... where it is taken; a wrong configuration makes none."""
    if path not in _claimed:
        typed(_root_, OmegaConf.get_type(_root_) or VERBS["train"])
        first = folder = Path(path).expanduser().absolute()
        above, number = _missing(folder), 1
        folder.parent.mkdir(parents=True, exist_ok=True)
        while not _made(folder):
            number += 1
            folder = first.with_name(f"{first.name}-{number}")
        _claimed[path] = [folder, *above]
    return str(_claimed[path][0])


def sweep_folder(path: str) -> str:
    """The path itself, of a multirun's folder; one that is not there yet is released as a claimed one is."""
    if path not in _claimed and not (folder := Path(path).absolute()).exists():
        _claimed[path] = [folder, *_missing(folder)]
    return path


def config_folder(runtime: Any) -> list[str]:
    """``--config-dir FOLDER``, if that is how the job was started of which ``runtime`` is Hydra's record, as words of a command."""
    given = [
        source["path"]
        for source in runtime["config_sources"]
        if source["provider"] == "command-line"
    ]
    return [word for path in given for word in ("--config-dir", path)]


def _missing(folder: Path) -> list[Path]:
    """The folders above that are not there yet, deepest first."""
    return [each for each in folder.parents if not each.exists()]


def release() -> None:
    """Removes claimed folders in which nothing stands but a configuration and a log, and those above that were made for them."""
    for folder, *above in _claimed.values():
        with suppress(OSError):  # it is gone, or another run's folder stands beside it
            if _bare(folder):
                shutil.rmtree(folder)
                for each in above:
                    each.rmdir()


def _bare(folder: Path) -> bool:
    """Whether nothing stands in a folder but a configuration (a multirun's, too), a log and a lock."""
    return all(
        each.name in (HYDRA, LOCK, SWEEP) or each.suffix == ".log" for each in folder.iterdir()
    )


def _made(folder: Path) -> bool:
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def saved(*, _root_: DictConfig) -> str:
    """Where in a job's folder Hydra saves the configuration; what a run there was begun with is not overwritten with another one.

    Raises:
        ValueError: the run there was begun with another configuration; names the folder and the first key that differs.
    """
    folder = Path(OmegaConf.select(_root_, "hydra.runtime.output_dir", default=""))
    if "model" in _root_ and folder.name and (folder / CONFIG).is_file() and not _bare(folder):
        before, now = (
            flat(asdict(read_config(folder / CONFIG))),
            flat(asdict(typed(_root_, VERBS["train"]))),
        )
        for key in (
            each
            for each in {**before, **now}
            if each not in ELSEWHERE and before.get(each) != now.get(each)
        ):
            raise ValueError(
                f"{folder} holds a run with {key}={before.get(key)}, not {now.get(key)}; take another folder (sweep= or hydra.run.dir=),"
                f" delete that one, or change trainer.* of the run with {resuming(folder)}"
            )
    return str(Path(CONFIG).parent)


def run_folder(path: str) -> str:
    """The absolute path of a folder, if a run is in it.

    Raises:
        ValueError: it is none.
    """
    if not (Path(path) / CONFIG).is_file():
        state = (
            f"is no run folder (it has no {CONFIG})" if Path(path).exists() else "does not exist"
        )
        raise ValueError(
            f"run={path} {state}; name a folder that `vaetext train` wrote, such as outputs/grammar/vrae/latest"
        )
    return str(Path(path).absolute())


def runs_folder(path: str) -> str:
    """The absolute path of a folder, if it is a run or a multirun.

    Raises:
        ValueError: it is neither.
    """
    return str(Path(path).absolute()) if any(Path(path).glob(f"*/{CONFIG}")) else run_folder(path)


@cache
def scratch() -> str:
    """A temporary folder for what Hydra writes of a multirun whose jobs write elsewhere, or nothing; it goes with the process."""
    folder = tempfile.mkdtemp(prefix="vaetext-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


for _name, _resolver in (
    ("claim", claim),
    ("saved", saved),
    ("run", run_folder),
    ("runs", runs_folder),
    ("scratch", scratch),
    ("sweep", sweep_folder),
):
    OmegaConf.register_new_resolver(f"vaetext.{_name}", _resolver, replace=True)
