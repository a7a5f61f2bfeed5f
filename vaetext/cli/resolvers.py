"""The resolvers that ``conf/`` uses: where a job writes. Imports no torch."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from vaetext.runs.folder import check_is_run, check_links, is_bare, make_folder
from vaetext.runs.layout import CONFIG
from vaetext.runs.sweep import job_name

SWEPT = "VAETEXT_SWEPT"  # the options that vary in this sweep, for processes of a launcher too

_claimed: dict[str, list[Path]] = {}  # path -> the folder made for it, then parents made, upwards


def register_resolvers() -> None:
    """Makes every resolver known, as ``${vaetext.<name>:...}``."""
    resolvers: dict[str, Any] = {
        "claim": claim,
        "output": output_folder,
        "outputs": outputs_folder,
        "job": job_folder,
        "run": run_folder,
        "runs": runs_folder,
        "scratch": scratch,
    }
    for name, resolver in resolvers.items():
        OmegaConf.register_new_resolver(f"vaetext.{name}", resolver, replace=True)


def claim(path: str) -> str:
    """Makes the folder ``path``, or ``path-2``, ``path-3``, ... if another process has made it."""
    if path not in _claimed:
        first = Path(path).expanduser().absolute()
        parents = [each for each in first.parents if not each.exists()]
        _claimed[path] = [make_folder(first), *parents]
    return str(_claimed[path][0])


@contextmanager
def released_on_error() -> Iterator[None]:
    """On an error, removes folders claimed meanwhile to which no result was written."""
    _claimed.clear()
    try:
        yield
    except BaseException:
        for folder, *parents in _claimed.values():
            _remove(folder, parents)
        raise


def output_folder(given: str | None, path: str) -> str:
    """The folder ``given`` for a command's results, or else a new one at ``path``.

    Raises:
        ValueError: the given one holds a run.
    """
    folder = outputs_folder(given, path)
    return folder if given and Path(folder).exists() else claim(folder)


def outputs_folder(given: str | None, path: str) -> str:
    """The same, of the folder in which each job of a multirun makes its own.

    Raises:
        ValueError: the given one holds a run.
    """
    if not given:
        return path
    folder = Path(given).expanduser().absolute()
    if (folder / CONFIG).is_file():
        raise ValueError(
            f"output={given} is a run folder, whose own files would be replaced; give another one,"
            f" such as {Path(given) / 'mine'}"
        )
    return str(folder)


def job_folder(*, _root_: DictConfig) -> str:
    """The folder of a job in that of its sweep, named by the options that vary, or its number."""
    choices = _root_.hydra.runtime.choices
    keys = os.environ.get(SWEPT, "").split()
    values = {key: choices.get(key) or OmegaConf.select(_root_, key) for key in keys}
    return job_name(values) or str(_root_.hydra.job.num)


def run_folder(path: str) -> str:
    """The absolute path of a run folder.

    Raises:
        ValueError: the folder does not exist, contains no run, or has a link out of it.
    """
    check_is_run(Path(path))
    check_links(Path(path))
    return str(Path(path).absolute())


def runs_folder(path: str) -> str:
    """The absolute path of a run folder, or of one that holds some, as that of a sweep.

    Raises:
        ValueError: the folder is neither, or has a link out of it.
    """
    holds_runs = any(Path(path).rglob(CONFIG))
    check_links(Path(path))
    return str(Path(path).absolute()) if holds_runs else run_folder(path)


@cache
def scratch() -> str:
    """A temporary folder for Hydra's record of a multirun that has no folder of its own."""
    folder = tempfile.mkdtemp(prefix="vaetext-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _remove(folder: Path, parents: list[Path]) -> None:
    """Removes a folder without results, and the parents that were made for it."""
    with suppress(OSError):  # it is gone, or a parent has other content now
        if is_bare(folder):
            shutil.rmtree(folder)
            for each in parents:
                each.rmdir()
