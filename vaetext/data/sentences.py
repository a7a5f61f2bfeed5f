"""What corpora of text share: their files, their lines, and the tokenized splits in the cache."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from vaetext.config.data import TextData
from vaetext.data import cache
from vaetext.data import tokenizer as tokenizers
from vaetext.data.corpora import Corpus
from vaetext.data.documents import Documents, documents, shifted
from vaetext.data.files import (
    Remote,
    Report,
    content_sum,
    locate,
    quiet,
    read_lines,
    stream_lines,
)
from vaetext.data.lines import Lines, Sentences, Watched, blocks, check_filled
from vaetext.data.loader import SPLITS, Split
from vaetext.data.mapped import SplitWriter, open_split
from vaetext.data.stop_words import stop_word_file, stop_words

log = logging.getLogger(__name__)


def text_corpus(
    config: TextData,
    files: list[Path],
    read: Callable[[], Lines],
    counts: dict[str, int] | None = None,
    report: Report = quiet,
) -> Corpus:
    """A corpus of lines, or documents of consecutive lines.

    It is from the cache where neither its files nor its options have changed.

    Args:
        files: what ``read`` reads; the sums of their bytes are part of the cache's key.
        read: the lines of each split; called where the cache lacks this corpus.
        counts: split -> how many of the files are its own, where it may have several.
        report: learns how far the text is tokenized.

    Raises:
        ValueError: a sequence is longer than ``data.max_length``, a file changes while it is read,
            or what ``read`` raises.
    """
    sums = [content_sum(path) for path in files]
    listed = [content_sum(path)] if (path := stop_word_file(config)) else []
    several = [f"{name}: {n}" for name, n in (counts or {}).items() if n > 1]

    def make(folder: Path) -> cache.Tokenized:
        made = tokenize(config, read(), folder, report)
        _check_unchanged(files, sums)
        return made

    found = cache.fetch(config, [*sums, *listed, *several], make)
    for caution in found.cautions:
        log.warning("data=%s: %s", config.name, caution)
    for name, split in found.splits.items():
        _check_longest(config, name, split, read, files)
    form = found.tokenizer
    splits = found.splits
    if config.document > 1:
        form = Documents(form.model)
        splits = {name: documents(split, config.document) for name, split in splits.items()}
    if config.document_shift:
        train = found.splits["train"]
        splits["train"] = replace(
            splits["train"],
            fresh=lambda seed, epoch: shifted(train, config.document, seed, epoch),
        )
    known = {"sentences": config.document, "stop_words": found.stop_words}
    source = [str(path) for path in files]
    return Corpus(config.name, form, splits, source, sums, known, lines=read, counts=counts or {})


def tokenize(
    config: TextData, lines: Lines, folder: Path, report: Report = quiet
) -> cache.Tokenized:
    """A tokenizer learned from the training lines, every split in its ids, and the stop words.

    Lines are gone through several times, few of them in memory.

    Args:
        folder: where the splits are written.
    """
    learned = tokenizers.train(
        Watched(lines["train"], "learning the tokens", report),
        config.tokens,
        config.vocab_size,
        config.min_count,
    )
    splits = {}
    cautions: list[str] = []
    for name in SPLITS:
        reserved: Counter[str] = Counter()
        path = folder / f"{name}.arrow"
        with SplitWriter(path) as writer:
            for block in blocks(Watched(lines[name], f"tokenizing {name}", report)):
                writer.add(learned.encode_all(block))
                reserved.update(tokenizers.reserved(block, config.tokens))
        splits[name] = open_split(path)
        cautions += reserved_text(name, reserved)
    cautions += repeated({**lines, "train": Watched(lines["train"], "comparing splits", report)})
    return cache.Tokenized(learned, splits, cautions, stop_words(config, learned))


def reserved_text(name: str, counts: Counter[str]) -> Iterator[str]:
    """A sentence for a split with text that becomes unknown since its signs are reserved."""
    if any(counts.values()):
        shown = ", ".join(f"{sign} ({n:,} times)" for sign, n in counts.items() if n)
        yield (
            f"{name} has text that the tokenizer reserves and that becomes unknown: {shown};"
            " replace it if it matters"
        )


def repeated(lines: Lines) -> Iterator[str]:
    """A sentence for each of valid and test that has lines of the training split.

    Lines are compared by hashes of 64 bits, of which only those of valid and test are kept.
    """
    hashes = {name: _hashes(lines[name]) for name in ("valid", "test")}
    known = np.unique(np.concatenate(list(hashes.values())))
    seen = np.zeros(len(known), dtype=bool)
    for block in blocks(lines["train"]):
        each = _hashes(block)
        place = np.minimum(np.searchsorted(known, each), len(known) - 1)
        seen[place[known[place] == each]] = True
    for name, own in hashes.items():
        if count := int(seen[np.searchsorted(known, own)].sum()):
            yield (
                f"{count:,} of {len(own):,} lines of {name}"
                f" ({100 * count / len(own):.1f} %) are also in train"
            )


def _hashes(lines: Sentences) -> np.ndarray:
    return np.fromiter(map(hash, lines), dtype=np.int64)


def _check_longest(
    config: TextData, name: str, split: Split, read: Callable[[], Lines], files: list[Path]
) -> None:
    """Raises ValueError where a sequence is longer than ``data.max_length``; names its line."""
    tokens = split.longest - 1
    if config.max_length and tokens > config.max_length:
        longest = int(split.lengths.argmax())
        line = next(islice(read()[name], longest, None))
        place = _place(line, files) or f"sequence {longest + 1} of {name}"
        raise ValueError(
            f"{place} has {tokens} tokens, more than data.max_length={config.max_length};"
            " raise it (0: no limit) or shorten the text"
        )


def _check_unchanged(files: list[Path], sums: list[str]) -> None:
    """Raises ValueError where a file is no longer what it was before it was read."""
    for path, before in zip(files, sums, strict=True):
        if content_sum(path) != before:
            raise ValueError(f"{path} changed while it was read; try again when it is complete")


def locate_all(remotes: Sequence[Remote], root: str | None, report: Report) -> list[Path]:
    """Published files, from a data root or else downloaded.

    Raises:
        ValueError: one is nowhere and cannot be fetched.
    """
    return [locate(remote, root, report) for remote in remotes]


def published_sentences(remotes: Sequence[Remote], files: list[Path]) -> list[list[str]]:
    """The lines of each published file.

    Raises:
        ValueError: a file's checksum is not that of the published one.
    """
    return [read_sentences(path, remote.sum) for remote, path in zip(remotes, files, strict=True)]


def read_sentences(path: Path, sum: str | None = None) -> list[str]:
    """The lines of a file that are not empty, stripped; a warning counts the empty ones.

    Args:
        sum: the checksum that the file must have.

    Raises:
        ValueError: all lines are empty, or the file cannot be read.
    """
    lines = [line.strip() for line in read_lines(path, sum)]
    kept = [line for line in lines if line]
    check_filled(path, len(kept), len(lines) - len(kept))
    return kept


def _place(sentence: str, files: list[Path]) -> str | None:
    """The file and line of a sentence; None where the files hold it otherwise, or not as UTF-8."""
    lines = ((path, n, line) for path in files for n, line in enumerate(stream_lines(path), 1))
    with suppress(ValueError):
        return next((f"{path}, line {n}," for path, n, line in lines if sentence in line), None)
    return None
