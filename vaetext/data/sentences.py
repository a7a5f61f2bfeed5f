"""What corpora of text share: their files, their lines, and the tokenized splits in the cache."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from vaetext.config.data import TextData
from vaetext.data import cache
from vaetext.data import tokenizer as tokenizers
from vaetext.data.corpora import Corpus
from vaetext.data.documents import Documents, documents
from vaetext.data.files import Remote, Report, content_sum, locate, read_lines
from vaetext.data.loader import SPLITS, Split
from vaetext.data.stop_words import stop_word_file, stop_words

log = logging.getLogger(__name__)
Lines = dict[str, list[str]]  # split -> its sentences


def text_corpus(
    config: TextData,
    files: list[Path],
    read: Callable[[], Lines],
    counts: dict[str, int] | None = None,
) -> Corpus:
    """A corpus of lines, or documents of consecutive lines.

    It is from the cache where neither its files nor its options have changed.

    Args:
        files: what ``read`` reads; the sums of their bytes are part of the cache's key.
        read: the lines of each split; called where the cache lacks this corpus.
        counts: split -> how many of the files are its own, where it may have several.

    Raises:
        ValueError: a sequence is longer than ``data.max_length``, a file changes while it is read,
            or what ``read`` raises.
    """
    sums = [content_sum(path) for path in files]
    listed = [content_sum(path)] if (path := stop_word_file(config)) else []
    several = [f"{name}: {n}" for name, n in (counts or {}).items() if n > 1]
    found = cache.fetch(
        config,
        [*sums, *listed, *several],
        lambda: tokenize(config, _unchanged(read, files, sums)),
    )
    for caution in found.cautions:
        log.warning("data=%s: %s", config.name, caution)
    for name, split in found.splits.items():
        tokens = split.longest - 1
        if config.max_length and tokens > config.max_length:
            longest = int(split.lengths.argmax())
            place = _place(read()[name][longest], files) or f"sequence {longest + 1} of {name}"
            raise ValueError(
                f"{place} has {tokens} tokens, more than data.max_length={config.max_length};"
                " raise it (0: no limit) or shorten the text"
            )
    form = found.tokenizer
    splits = found.splits
    if config.document > 1:
        form = Documents(form.model)
        splits = {name: documents(split, config.document) for name, split in splits.items()}
    known = {"sentences": config.document, "stop_words": found.stop_words}
    source = [str(path) for path in files]
    return Corpus(config.name, form, splits, source, sums, known, lines=read, counts=counts or {})


def tokenize(config: TextData, lines: Lines) -> cache.Tokenized:
    """A tokenizer learned from the training lines, every split in its ids, and the stop words."""
    learned = tokenizers.train(lines["train"], config.tokens, config.vocab_size, config.min_count)
    splits = {name: Split.of(learned.encode_all(lines[name])) for name in SPLITS}
    cautions = [*reserved_text(config, lines), *repeated(lines)]
    return cache.Tokenized(learned, splits, cautions, stop_words(config, learned))


def reserved_text(config: TextData, lines: Lines) -> Iterator[str]:
    """A sentence for each split with text that becomes unknown since its signs are reserved."""
    for name in SPLITS:
        if counts := tokenizers.reserved(lines[name], config.tokens):
            shown = ", ".join(f"{sign} ({count:,} times)" for sign, count in counts.items())
            yield (
                f"{name} has text that the tokenizer reserves and that becomes unknown: {shown};"
                " replace it if it matters"
            )


def repeated(lines: Lines) -> Iterator[str]:
    """A sentence for each of valid and test that has lines of the training split."""
    known = set(lines["train"])
    for name in ("valid", "test"):
        count = sum(line in known for line in lines[name])
        if count:
            yield (
                f"{count:,} of {len(lines[name]):,} lines of {name}"
                f" ({100 * count / len(lines[name]):.1f} %) are also in train"
            )


def _unchanged(read: Callable[[], Lines], files: list[Path], sums: list[str]) -> Lines:
    """The lines, of files that are the same before and after they are read.

    Raises:
        ValueError: a file has changed meanwhile.
    """
    lines = read()
    for path, before in zip(files, sums, strict=True):
        if content_sum(path) != before:
            raise ValueError(f"{path} changed while it was read; try again when it is complete")
    return lines


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
    if not kept:
        raise ValueError(f"{path} is empty: it must hold a sequence a line")
    if len(kept) < len(lines):
        log.warning("%s: %s empty lines are left out", path, len(lines) - len(kept))
    return kept


def _place(sentence: str, files: list[Path]) -> str | None:
    """The file and line of a sentence; None where the files hold it otherwise, or not as UTF-8."""
    lines = ((path, n, line) for path in files for n, line in enumerate(read_lines(path), 1))
    with suppress(ValueError):
        return next((f"{path}, line {n}," for path, n, line in lines if sentence in line), None)
    return None
