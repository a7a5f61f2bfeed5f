"""Tokenized corpora in Arrow files: a corpus is read or drawn, and tokenized, once."""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

from vaetext.config.data import Data
from vaetext.data.files import cache_folder
from vaetext.data.loader import SPLITS, Split, digest_of
from vaetext.data.mapped import open_split
from vaetext.data.tokenizer import Tokenizer

log = logging.getLogger(__name__)
FORMAT = 6  # raise it when tokenization or what is stored changes
META = "meta.json"  # cautions, stop words, and checksums of what is stored


@dataclass(frozen=True)
class Tokenized:
    """A tokenizer, the splits and stop words in its ids, and what a user must know of the text."""

    tokenizer: Tokenizer
    splits: dict[str, Split]
    cautions: list[str]
    stop_words: list[int] = field(default_factory=list)


def fetch(config: Data, sums: list[str], make: Callable[[Path], Tokenized]) -> Tokenized:
    """What ``make`` gives, from the cache where an earlier call had the same options and files.

    A damaged entry is rebuilt; a cache that cannot be written costs a warning. Of several processes
    that want the same text one makes it, and the others wait.

    Args:
        sums: of the bytes of its files. Sizes and times do not show that a file has changed.
        make: tokenizes the text, and writes its splits into a folder, from which they are mapped.
    """
    folder = cache_folder() / "tokens" / _key(config, sums)
    if found := _stored(folder):
        return found
    try:
        with _alone(folder):
            return _stored(folder, "and is rebuilt") or _prepared(folder, make)
    except OSError as error:
        log.warning("%s cannot be written (%s): the text is tokenized every time", folder, error)
    with TemporaryDirectory() as temporary:  # what is mapped stays until the process ends
        return make(Path(temporary))


def _stored(folder: Path, remedy: str = "") -> Tokenized | None:
    """What is stored in a folder; None where there is nothing, or it is damaged."""
    try:
        return _read(folder) if folder.is_dir() else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        if remedy:
            log.warning("%s is damaged (%s) %s", folder, error, remedy)
        return None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Waits until no other process makes the folder."""
    path = cache_folder() / "locks" / f"{folder.name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("another process prepares the same text; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _prepared(folder: Path, make: Callable[[Path], Tokenized]) -> Tokenized:
    """Makes a folder under a temporary name, which an interrupted process may have left before."""
    shutil.rmtree(folder, ignore_errors=True)
    temporary = folder.with_name(f".{folder.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        made = make(temporary)
        made.tokenizer.save(temporary / "tokenizer.model")
        meta = {
            "cautions": made.cautions,
            "stop_words": made.stop_words,
            "sums": _sums(made),
        }
        (temporary / META).write_text(json.dumps(meta))
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return made


def _key(config: Data, sums: list[str]) -> str:
    unread = {"label": "", "segment": 0, "document": 1}  # they change no line
    options = {**asdict(config), **unread}
    options.pop("document_shift", None)  # nor does it; what was stored before it keeps its key
    text = json.dumps([FORMAT, options, sums], sort_keys=True)
    return f"{config.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _read(folder: Path) -> Tokenized:
    """What is stored in a folder.

    Raises:
        OSError, ValueError: it is incomplete, or not what was stored.
    """
    meta = json.loads((folder / META).read_text())
    found = Tokenized(
        Tokenizer.load(folder / "tokenizer.model"),
        {name: open_split(folder / f"{name}.arrow") for name in SPLITS if name in meta["sums"]},
        meta["cautions"],
        meta["stop_words"],
    )
    if _sums(found) != meta["sums"]:
        raise ValueError("its checksums differ")
    return found


def _sums(made: Tokenized) -> dict[str, str]:
    splits = {name: split.digest for name, split in made.splits.items()}
    for name, split in made.splits.items():
        if split.log_p is not None:
            splits[f"{name}: log_p"] = digest_of(split.log_p)
    return {**splits, "tokenizer": hashlib.sha256(made.tokenizer.model).hexdigest()}
