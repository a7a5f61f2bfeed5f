"""Lines of text that can be gone through again and again, and need not be in memory."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain, compress, islice
from pathlib import Path
from typing import Protocol

import numpy as np

from vaetext.config.data import OwnFiles
from vaetext.data.files import Report, quiet, stream_lines
from vaetext.data.format import Format
from vaetext.data.loader import SPLITS, Split
from vaetext.data.own import cut_parts, cut_sizes

log = logging.getLogger(__name__)
BLOCK = 1 << 14  # lines that are encoded at once
REPORTED = 1 << 16  # lines between two reports


class Sentences(Protocol):
    """Lines that can be gone through several times: a list, or those of files."""

    def __iter__(self) -> Iterator[str]: ...

    def __len__(self) -> int: ...


Lines = Mapping[str, Sentences]  # split -> its sentences


class FileLines:
    """The lines of files that are not empty, stripped; they are read again whenever they are used.

    ``len`` reads all of them, and warns of empty ones.

    Args:
        report: called while they are counted.

    Raises:
        ValueError: by ``len`` or iteration, where a file cannot be read or has empty lines alone.
    """

    def __init__(self, paths: list[Path], report: Report = quiet) -> None:
        self.paths = paths
        self.report = report

    def __iter__(self) -> Iterator[str]:
        for path in self.paths:
            yield from filter(None, map(str.strip, stream_lines(path)))

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _count(self) -> int:
        return sum(map(self._counted, self.paths))

    def _counted(self, path: Path) -> int:
        lines = watched(stream_lines(path), f"reading {path.name}", None, self.report)
        empty = kept = 0
        for line in lines:
            if line and not line.isspace():
                kept += 1
            else:
                empty += 1
        check_filled(path, kept, empty)
        return kept


class CutLines:
    """The lines of one of the splits that ``data.split`` cuts.

    Args:
        name: of the split.

    Raises:
        ValueError: the shares are not three or do not sum to one, or a split has no line.
    """

    def __init__(self, config: OwnFiles, lines: Sentences, name: str) -> None:
        self.config = config
        self.lines = lines
        self.number = SPLITS.index(name)
        self.size = cut_sizes(config, len(lines), config.train, "lines")[self.number]

    def __iter__(self) -> Iterator[str]:
        parts = cut_parts(self.config, len(self.lines))
        return compress(self.lines, chain.from_iterable((each == self.number) for each in parts))

    def __len__(self) -> int:
        return self.size


def check_filled(path: Path, kept: int, empty: int) -> None:
    """Warns of a file's empty lines.

    Raises:
        ValueError: it has no others.
    """
    if not kept:
        raise ValueError(f"{path} is empty: it must hold a sequence a line")
    if empty:
        log.warning("%s: %s empty lines are left out", path, empty)


class Watched:
    """Lines, while ``report`` learns how many of them are gone through.

    Args:
        what: is done with them.
    """

    def __init__(self, lines: Sentences, what: str, report: Report) -> None:
        self.lines = lines
        self.what = what
        self.report = report

    def __iter__(self) -> Iterator[str]:
        return watched(self.lines, self.what, len(self.lines), self.report)

    def __len__(self) -> int:
        return len(self.lines)


def watched(lines: Iterable[str], what: str, count: int | None, report: Report) -> Iterator[str]:
    """The lines, of which there are ``count`` if that is known, as ``Watched`` gives them."""
    done = 0
    for done, line in enumerate(lines, 1):
        yield line
        if done % REPORTED == 0:
            report(what, done, count)
    if done > REPORTED:
        report(what, done, done)


def blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """The lines, ``BLOCK`` at a time."""
    rest = iter(lines)
    while block := list(islice(rest, BLOCK)):
        yield block


def sample(lines: Sentences, most: int) -> list[str]:
    """At most ``most`` of the lines, in their order: one drawn from each of as many equal parts."""
    if len(lines) <= most:
        return list(lines)
    edges = np.arange(most + 1) * len(lines) // most
    drawn = np.random.default_rng(0).random(most) * np.diff(edges)
    chosen = iter((edges[:-1] + drawn.astype(np.int64)).tolist())
    return list(_at(lines, chosen))


def _at(lines: Iterable[str], chosen: Iterator[int]) -> Iterator[str]:
    """The lines of ascending numbers."""
    number = next(chosen)
    for n, line in enumerate(lines):
        if n == number:
            yield line
            number = next(chosen, -1)


def encode(form: Format, lines: Sentences) -> Split:
    """The lines as ``form`` reads them."""
    return Split.joined([Split.of(form.encode_all(block)) for block in blocks(lines)])
