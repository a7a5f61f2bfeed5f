"""Reading a run folder: its configuration, tokenizer, weights and data. A run folder is data, never code."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from vaetext.config.data import Data, UserText
from vaetext.config.quoting import resuming
from vaetext.config.store import override_trainer, read_config
from vaetext.config.train import TrainConfig
from vaetext.data import corpora
from vaetext.data.atomic import atomic_write
from vaetext.data.corpora import Corpus
from vaetext.data.domain import Domain, Frames, Symbols
from vaetext.data.files import find
from vaetext.data.standardizer import Standardizer
from vaetext.data.tokenizer import Tokenizer
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build
from vaetext.runs import checkpoint
from vaetext.runs.device import choose, use_threads
from vaetext.runs.layout import (
    BEST,
    CONFIG,
    DOMAIN,
    DONE,
    LAST,
    LOCK,
    METRICS,
    OVERRIDES,
    RESULTS,
    SOURCES,
    STANDARDIZER,
    SWEEP,
    TOKENIZER,
)

log = logging.getLogger(__name__)


@dataclass
class Run:
    """A trained run, finished or not.

    Attributes:
        folder: where it lies.
        config: as it was trained.
        tokenizer: of the run itself; ids of another corpus would not fit the weights.
        model: in evaluation mode, with the weights of one checkpoint.
        device: where the model is.
        epoch: the epoch those weights come from.
        seed: of the noise that what is asked of the run takes.
        checkpoint: "best" or "last".
    """

    folder: Path
    config: TrainConfig
    tokenizer: Tokenizer | Standardizer
    model: SequenceModel
    device: torch.device
    epoch: int
    seed: int
    checkpoint: str = "best"

    @cached_property
    def corpus(self) -> Corpus:
        """The run's data.

        Raises:
            ValueError: the data found now has another vocabulary or scale than the run's.
        """
        corpus = corpora.load(relocate_files(self.config.data, self.folder))
        require_corpus(self.folder, corpus)
        if names := changed(self.folder, corpus):
            log.warning(
                "%s: data=%s has changed since training (%s): other sequences are scored",
                self.folder,
                corpus.name,
                names,
            )
        return corpus


def load_run(
    path: str | Path, which: str = "best", device: str = "auto", seed: int | None = None
) -> Run:
    """Reads a run folder.

    Args:
        path: the run folder.
        which: the checkpoint, "best" (lowest valid -ELBO; of a run that was stopped before it had one, the last) or "last".
        device: as ``trainer.device``.
        seed: of the noise; the run's own where it is None.

    Raises:
        ValueError: the folder is no run, lacks that checkpoint, or comes from another version.
    """
    folder = Path(path)
    config = load_config(folder)
    use_threads(config.trainer.threads)
    where = choose(device, "device")
    tokenizer = read_tokenizer(folder)
    model = build(config.model, read_domain(folder)).to(where)
    best, last = folder / BEST, folder / LAST
    if which == "best" and last.is_file() and not best.is_file():
        log.warning(
            "%s was stopped before its first validation: its last checkpoint is read", folder
        )
        which = "last"
    source = best if which == "best" else last
    groups, state = checkpoint.load(source, where)
    checkpoint.load_weights(model, groups["model"], source)
    epoch = state["epoch"] - (
        which == "last" and state["batch"] == 0
    )  # saved between epochs, its state counts those that are done
    return Run(
        folder,
        config,
        tokenizer,
        model.eval(),
        where,
        epoch,
        config.seed if seed is None else seed,
        which,
    )


def relocate_files(data: Data, folder: Path) -> Data:
    """A run's data set, its user's files where training in ``folder`` read them, if it has begun.

    Those that are gone from there are looked for at the paths they were given by, then by their bare names, data roots included.
    """
    if not isinstance(data, UserText) or not (folder / SOURCES).is_file():
        return data
    given = {name: path for name in ("train", "valid", "test") if (path := getattr(data, name))}
    places = zip(given.items(), read_json(folder / SOURCES).get("files", []), strict=False)
    found: dict[str, Any] = {
        name: _present(read, path, Path(path).name, root=data.root) or path
        for (name, path), read in places
    }
    return replace(data, **found)


def _present(*paths: str, root: str | None) -> str | None:
    """The first path at which there is a file, as it is or in a data root."""
    return next((path for path in paths if Path(path).is_file() or find(path, root)), None)


def load_config(folder: Path) -> TrainConfig:
    """The configuration a run was trained with, changes by ``resume`` included, checked against this version's schemas.

    Raises:
        ValueError: the folder is no run folder, or its configuration does not fit this version.
    """
    if not (folder / CONFIG).is_file():
        hint = "does not exist" if not folder.exists() else f"is no run folder (it has no {CONFIG})"
        raise ValueError(
            f"run={folder} {hint}; name a folder that `vaetext train` wrote, such as outputs/grammar/vrae/latest"
        )
    return override_trainer(read_config(folder / CONFIG), read_overrides(folder))


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Holds a run folder while this process trains there.

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
    try:
        yield
    finally:
        lock.release()


def read_overrides(folder: Path) -> dict[str, Any]:
    """The trainer's options that ``resume`` changed."""
    changed = folder / OVERRIDES
    return read_json(changed) if changed.is_file() else {}


def write_overrides(folder: Path, overrides: dict[str, Any]) -> None:
    """Adds to the options that ``resume`` changed."""
    atomic_write(folder / OVERRIDES, json.dumps({**read_overrides(folder), **overrides}) + "\n")


def require_corpus(folder: Path, corpus: Corpus) -> None:
    """Checks that a corpus has the vocabulary, or scale, that the run in ``folder`` was trained with.

    Raises:
        ValueError: it has another one, as when its files have changed since.
    """
    if corpus.tokenizer != read_tokenizer(folder):
        files = f" ({', '.join(corpus.source)})" if corpus.source else ""
        raise ValueError(
            f"{folder}: data={corpus.name}{files} gives another vocabulary or scale now than in training; put back"
            " the files it was trained on (data.root or $VAETEXT_DATA), or train a new run"
        )


def changed(folder: Path, corpus: Corpus) -> str:
    """The splits, by name, that hold other sequences than those that the run in ``folder`` was begun with."""
    begun = read_json(folder / SOURCES).get("sha256", {}) if (folder / SOURCES).is_file() else {}
    return ", ".join(
        name
        for name, digest in begun.items()
        if name in corpus.splits and corpus.splits[name].digest != digest
    )


def write_corpus(folder: Path, corpus: Corpus) -> None:
    """Writes what a run must keep of its data: ``tokenizer.model`` or ``standardizer.json``, ``domain.json``, and the files' paths and sums."""
    corpus.tokenizer.save(
        folder / (STANDARDIZER if isinstance(corpus.tokenizer, Standardizer) else TOKENIZER)
    )
    atomic_write(folder / DOMAIN, json.dumps(vars(corpus.domain)) + "\n")
    files = [str(Path(each).resolve()) for each in corpus.source]
    sums = {name: split.digest for name, split in corpus.splits.items()}
    atomic_write(folder / SOURCES, json.dumps({"files": files, "sha256": sums}) + "\n")


def read_tokenizer(folder: Path) -> Tokenizer | Standardizer:
    """From lines to sequences and back, as in a run's training.

    Raises:
        ValueError: the run folder has none, or it is damaged.
    """
    return (
        Standardizer.load(folder / STANDARDIZER)
        if (folder / STANDARDIZER).is_file()
        else Tokenizer.load(folder / TOKENIZER)
    )


def read_domain(folder: Path) -> Domain:
    """What a run's model knew of its data.

    Raises:
        ValueError: the run folder does not say, or says it in another version's way.
    """
    try:
        found = json.loads((folder / DOMAIN).read_text())
        return Symbols(**found) if "eos" in found else Frames(**found)
    except (FileNotFoundError, TypeError, ValueError) as error:
        raise ValueError(
            f"{folder / DOMAIN} is missing or not of this version ({error}); train the run again"
        ) from error


def resume_command(folder: Path) -> str:
    """The command that goes on with a run that was stopped, or with the sweep that it is a job of."""
    return resuming(folder.parent if (folder.parent / SWEEP).is_file() else folder)


def is_done(folder: Path) -> bool:
    """Whether a run has finished, results and all."""
    return (folder / DONE).is_file()


def has_trained(folder: Path) -> bool:
    """Whether a run has finished or come past its first epoch, so that it must have a last checkpoint."""
    metrics = folder / METRICS
    return is_done(folder) or (
        metrics.is_file()
        and re.search(rb'^{"epoch": [1-9]', metrics.read_bytes(), re.M) is not None
    )


def read_results(folder: Path) -> dict[str, Any]:
    """A finished run's ``results.json``.

    Raises:
        ValueError: the run has none, or it is damaged.
    """
    if not (folder / RESULTS).is_file():
        raise ValueError(
            f"{folder} has no {RESULTS}: the run has not finished; go on with {resuming(folder)}"
        )
    return read_json(folder / RESULTS)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object that a verb wrote.

    Raises:
        ValueError: the file holds something else.
    """
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); copy it again, or delete it") from error
    if not isinstance(found, dict):
        raise ValueError(
            f"{path} is damaged (it holds no JSON object); copy it again, or delete it"
        )
    return found


@contextmanager
def checked_results(path: Path) -> Iterator[None]:
    """For what reads the figures in a file of results.

    Raises:
        ValueError: one is missing or of another kind, as in another version's file; names the file.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(
            f"{path} does not fit this version of vaetext ({reason}); leave it out, or train the run again"
        ) from error
