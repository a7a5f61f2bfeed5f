"""Tokenized corpora in Arrow files: a corpus is read and tokenized once."""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

from vaetext.config.data import TextData
from vaetext.data.files import cache_folder
from vaetext.data.loader import SPLITS, Split
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


def fetch(config: TextData, sums: list[str], make: Callable[[], Tokenized]) -> Tokenized:
    """What ``make`` gives, from the cache where an earlier call had the same text and options.

    A damaged entry is rebuilt; a cache that cannot be written costs a warning.

    Args:
        sums: of the files' bytes. Sizes and times do not show that a file has changed.
    """
    folder = cache_folder() / "tokens" / _key(config, sums)
    try:
        if folder.is_dir():
            return _read(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s is damaged (%s) and is rebuilt", folder, error)
        shutil.rmtree(folder, ignore_errors=True)
    made = make()
    try:
        _store(made, folder)
    except OSError as error:
        log.warning("%s cannot be written (%s): the text is tokenized every time", folder, error)
    return made


def _key(config: TextData, sums: list[str]) -> str:
    unread = {"label": "", "segment": 0, "document": 1}  # they change no line
    options = {**asdict(config), **unread}
    text = json.dumps([FORMAT, options, sums], sort_keys=True)
    return f"{config.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _store(made: Tokenized, folder: Path) -> None:
    """Writes a folder whole, under a temporary name first: two processes may do so at once."""
    import datasets
    import pyarrow

    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{uuid4().hex}")
    temporary.mkdir()
    try:
        for name, split in made.splits.items():
            ids = pyarrow.LargeListArray.from_arrays(
                pyarrow.array(split.offsets), pyarrow.array(split.x)
            )
            with datasets.arrow_writer.ArrowWriter(path=str(temporary / f"{name}.arrow")) as writer:
                table = pyarrow.table({"ids": ids})
                writer.write_table(table, len(table))  # in one part, so that it is mapped as one
                writer.finalize()
        made.tokenizer.save(temporary / "tokenizer.model")
        meta = {
            "cautions": made.cautions,
            "stop_words": made.stop_words,
            "sums": _sums(made),
        }
        (temporary / META).write_text(json.dumps(meta))
        os.replace(temporary, folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _read(folder: Path) -> Tokenized:
    """What is stored in a folder.

    Raises:
        OSError, ValueError: it is incomplete, or not what was stored.
    """
    meta = json.loads((folder / META).read_text())
    found = Tokenized(
        Tokenizer.load(folder / "tokenizer.model"),
        {name: _flat(folder / f"{name}.arrow") for name in SPLITS},
        meta["cautions"],
        meta["stop_words"],
    )
    if _sums(found) != meta["sums"]:
        raise ValueError("its checksums differ")
    return found


def _sums(made: Tokenized) -> dict[str, str]:
    splits = {name: split.digest for name, split in made.splits.items()}
    return {**splits, "tokenizer": hashlib.sha256(made.tokenizer.model).hexdigest()}


def _flat(path: Path) -> Split:
    """Flat ids and offsets of an Arrow file: views of the file's map, nothing is copied."""
    import pyarrow

    with pyarrow.memory_map(str(path)) as file:
        (ids,) = pyarrow.ipc.open_stream(file).read_all().column("ids").chunks
    return Split(ids.values.to_numpy(), ids.offsets.to_numpy())
