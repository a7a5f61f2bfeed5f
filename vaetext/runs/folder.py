"""A run folder: making it, its configuration, its lock, its version. Imports no torch."""

import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from vaetext import __version__
from vaetext.config.quoting import resuming
from vaetext.config.saved import config_text, flat, override_trainer, read_config
from vaetext.config.train import TrainConfig
from vaetext.data.atomic import atomic_write
from vaetext.runs.layout import (
    CONFIG,
    ENVIRONMENT,
    GIVEN,
    HYDRA,
    LATEST,
    LOCK,
    METRICS,
    OVERRIDES,
    SWEEP,
)
from vaetext.runs.results import is_done, read_json

log = logging.getLogger(__name__)
ELSEWHERE = (  # options that may differ where a run is resumed
    *("outputs", "sweep", "debug", "data.root"),
    *("trainer.device", "trainer.devices", "trainer.threads"),
)


def make_folder(path: Path) -> Path:
    """Makes the folder ``path``, or ``path-2``, ``path-3``, ... where it exists already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = path
    number = 1
    while True:
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            number += 1
            folder = path.with_name(f"{path.name}-{number}")


def is_bare(folder: Path) -> bool:
    """Whether a folder holds nothing but a configuration, logs and a lock: no run has begun."""
    return all(
        each.name in (HYDRA, LOCK, SWEEP) or each.suffix == ".log" for each in folder.iterdir()
    )


def check_is_run(folder: Path) -> None:
    """Checks that a folder holds a run, begun or finished.

    Raises:
        ValueError: it does not exist, or holds none.
    """
    if (folder / CONFIG).is_file():
        return
    problem = f"is not a run folder (no {CONFIG})" if folder.exists() else "does not exist"
    raise ValueError(
        f"run={folder} {problem}; give a folder that `vaetext train` wrote, such as"
        " outputs/grammar/vrae/latest"
    )


def check_links(folder: Path) -> None:
    """Checks that what is written in a folder is written nowhere else.

    No link may lead out of it, and no file in it may have a second name (a hard link), since logs
    and metrics are appended to. A folder that does not exist passes.

    Raises:
        ValueError: there is one; names it.
    """
    for place, folders, files in os.walk(folder.resolve()):
        for name in (*folders, *files):
            check_link(Path(place, name), folder.resolve())


def check_link(path: Path, root: Path) -> None:
    """Checks that ``path`` is no link out of the folder ``root``, and no hard link.

    Raises:
        ValueError: it is one.
    """
    if path.is_symlink():
        leads_out = not path.resolve().is_relative_to(root)
        problem = f"is a link to {path.readlink()}, outside {root}" if leads_out else ""
    else:
        shared = path.is_file() and path.stat().st_nlink > 1
        problem = "has another name too (a hard link)" if shared else ""
    if problem:
        raise ValueError(
            f"{path} {problem}, where this command would then write; remove the link, or put a copy"
            " in its place"
        )


def load_config(folder: Path) -> TrainConfig:
    """The configuration a run was trained with, with the options that ``resume`` changed.

    Raises:
        ValueError: the folder holds no run, or that of another version.
    """
    check_is_run(folder)
    check_version(folder)
    return override_trainer(read_config(folder / CONFIG), read_overrides(folder))


def save_config(folder: Path, config: TrainConfig, given: Sequence[str] = ()) -> None:
    """Saves the values that a run is trained with; those of a run that has begun stay as they are.

    Args:
        given: overrides of the command line, kept beside them.

    Raises:
        ValueError: another configuration has begun in this folder.
    """
    check_same_config(folder, config)
    if not (folder / CONFIG).is_file() or is_bare(folder):
        atomic_write(folder / CONFIG, config_text(config))
        if given:
            atomic_write(folder / GIVEN, yaml.safe_dump(list(given), allow_unicode=True))


def check_version(folder: Path) -> None:
    """Checks that a run was written by this version of vaetext; a new patch release counts as one.

    Raises:
        ValueError: it was written by another version; names it.
    """
    written = _environment(folder).get("vaetext")
    if written is not None and str(written).split(".")[:2] != __version__.split(".")[:2]:
        raise ValueError(origin(folder))


def origin(folder: Path) -> str:
    """Which version wrote a run folder, as a message for where it does not fit this one."""
    found = _environment(folder)
    version = f"vaetext {found['vaetext']}" if "vaetext" in found else "another version of vaetext"
    commit = f" (commit {found['commit']})" if found.get("commit") else ""
    return (
        f"{folder} was written by {version}{commit}, this is {__version__}; train it again, or use"
        " that version"
    )


def _environment(folder: Path) -> dict[str, Any]:
    return read_json(folder / ENVIRONMENT) if (folder / ENVIRONMENT).is_file() else {}


def check_same_config(folder: Path, config: TrainConfig) -> None:
    """Checks that a run that has begun in ``folder`` has this configuration.

    Options that say where a run is trained may differ.

    Raises:
        ValueError: it has another one, and names the first option that differs; or a link in the
            folder leads out of it.
    """
    check_links(folder)
    if not (folder / CONFIG).is_file() or is_bare(folder):
        return
    check_version(folder)
    before = flat(asdict(read_config(folder / CONFIG)))
    now = flat(asdict(config))
    for key in {**before, **now}:
        if key not in ELSEWHERE and before.get(key) != now.get(key):
            raise ValueError(
                f"{folder} holds a run with {key}={before.get(key)}, not {now.get(key)}; choose"
                " another folder (sweep= or hydra.run.dir=), delete that one, or change trainer.*"
                f" of the run with {resuming(folder)}"
            )


@contextmanager
def run_lock(folder: Path) -> Iterator[Callable[[], None]]:
    """Holds a run folder while this process trains there.

    Yields:
        A check that the folder is still the same one; a ValueError says that it is not.

    Raises:
        ValueError: another process does.
    """
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(
            f"{folder}: another process trains there; wait for it, stop it, or take another folder"
        ) from None
    held = (folder / LOCK).stat()

    def check() -> None:
        try:
            same = os.path.samestat((folder / LOCK).stat(), held)
        except (FileNotFoundError, NotADirectoryError):
            same = False
        if not same:
            raise ValueError(
                f"{folder} was deleted or moved during training, which ends here: nothing can be"
                " written to it; where it was moved, continue with `vaetext resume` and its new"
                " path"
            )

    try:
        yield check
    finally:
        lock.release()


def read_overrides(folder: Path) -> dict[str, Any]:
    """The trainer's options that ``resume`` changed.

    Raises:
        ValueError: the file is not as it was written.
    """
    path = folder / OVERRIDES
    if not path.is_file():
        return {}
    found = read_json(path)
    trainer = found.get("trainer")
    if not isinstance(trainer, dict) or found != _with_sum(trainer):
        raise ValueError(
            f"{path} is not as it was written (its checksum is missing or another); copy it again,"
            " or train a new run"
        )
    return trainer


def write_overrides(folder: Path, overrides: dict[str, Any]) -> None:
    """Adds to the options that ``resume`` changed; the saved configuration is never touched."""
    changed = _with_sum({**read_overrides(folder), **overrides})
    atomic_write(folder / OVERRIDES, json.dumps(changed) + "\n")


def _with_sum(trainer: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(trainer, sort_keys=True)
    return {"trainer": trainer, "sha256": sha256(text.encode()).hexdigest()}


def resume_command(folder: Path) -> str:
    """The command that resumes a run that was stopped, or the sweep that it is a job of."""
    return resuming(sweep_folder(folder) or folder)


def sweep_folder(folder: Path) -> Path | None:
    """The folder of the sweep in which a run folder is, if it is in one."""
    return next((each for each in folder.parents if (each / SWEEP).is_file()), None)


def has_trained(folder: Path) -> bool:
    """Whether a run has finished its first epoch, so that it must have a last checkpoint."""
    if is_done(folder):
        return True
    metrics = folder / METRICS
    past_first = re.compile(rb'^{"epoch": [1-9]', re.M)
    return metrics.is_file() and past_first.search(metrics.read_bytes()) is not None


def link_latest(folder: Path, create: bool) -> None:
    """Points ``latest`` beside the run folder at it, where the file system has links.

    A file or folder of that name stays as it is.

    Args:
        create: also where there is no ``latest`` yet. A run that is resumed may have been moved to
            a folder that needs none.
    """
    link = folder.parent / LATEST
    temporary = folder.parent / f".{LATEST}.{folder.name}"
    if not link.is_symlink() and (link.exists() or not create):
        return
    try:
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(folder.name)
        temporary.replace(link)
    except OSError as error:
        log.debug("no link %s: %s", link, error)
