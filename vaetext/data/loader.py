"""From flat arrays, which may be mapped files, to batches, without Python per token."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

from vaetext.data.batch import Batch
from vaetext.data.domain import Domain

SPLITS = ("train", "valid", "test")
LARGE = 1 << 20  # sequences above which a corpus is cut and shuffled part by part
PART = 1 << 16  # sequences that are looked at in one go
Sequences = Sequence[Any]  # each a list or array of ids with EOS, or an array of frames [T, F]


@dataclass(frozen=True)
class Split:
    """The sequences of one split in one array, with offsets.

    Attributes:
        x: all sequences in order: [tokens] int32, each ending in EOS, or [frames, F] float32.
        offsets: [N + 1] int64, sequence n is ``x[offsets[n]:offsets[n + 1]]``.
        log_p: [N] float64, the true log p(x) in nats where it is known.
        factors: name -> [N], what the sequences were made from, where that is known.
        fresh: (seed, epoch) -> as many new sequences of the same distribution, where each epoch
            trains on new ones.
    """

    x: np.ndarray
    offsets: np.ndarray
    log_p: np.ndarray | None = None
    factors: dict[str, np.ndarray] = field(default_factory=dict)
    fresh: Callable[[int, int], "Split"] | None = None

    @property
    def lengths(self) -> np.ndarray:
        """[N] tokens of each sequence with EOS, or frames."""
        return np.diff(self.offsets)

    def lengths_of(self, index: np.ndarray) -> np.ndarray:
        """[B] tokens or frames of the sequences ``index`` [B]."""
        return np.asarray(self.offsets[index + 1] - self.offsets[index])

    @cached_property
    def longest(self) -> int:
        """Tokens or frames of the longest sequence."""
        return max((int(part.lengths.max()) for part in self.parts()), default=0)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, n: int) -> np.ndarray:
        return self.x[self.offsets[n] : self.offsets[n + 1]]

    @cached_property
    def digest(self) -> str:
        """The sha256 of the sequences, in order."""
        return digest_of(self.offsets, self.x)

    def epoch(self, seed: int, number: int) -> "Split":
        """What epoch ``number`` trains on: these sequences, or fresh ones."""
        return self if self.fresh is None else self.fresh(seed, number)

    @staticmethod
    def of(sequences: Sequences, log_p: np.ndarray | None = None) -> "Split":
        """A split from lists of ids (each with its EOS), or from arrays of frames [T, F]."""
        lengths = np.array([len(each) for each in sequences], dtype=np.int64)
        if len(sequences) and np.ndim(sequences[0]) == 2:
            flat = np.concatenate(sequences)
        else:
            ids = (i for each in sequences for i in each)
            flat = np.fromiter(ids, dtype=np.int32, count=int(lengths.sum()))
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Split(flat, offsets, log_p)

    @staticmethod
    def joined(parts: Sequence["Split"]) -> "Split":
        """The sequences of several splits, one after another."""
        ends = np.cumsum([0, *(len(part.x) for part in parts)])
        offsets = [part.offsets[1:] + end for part, end in zip(parts, ends[:-1], strict=True)]
        flat = np.concatenate([part.x for part in parts])
        return Split(flat, np.concatenate([[0], *offsets]).astype(np.int64))

    def parts(self, size: int | None = None) -> Iterator["Split"]:
        """The sequences in splits of at most ``size``, or ``PART``, one after another."""
        size = size or PART
        for start in range(0, len(self), size):
            offsets = self.offsets[start : start + size + 1]
            yield Split(self.x[offsets[0] : offsets[-1]], offsets - offsets[0])


def digest_of(*arrays: np.ndarray) -> str:
    """The sha256 of the bytes of arrays, one after another, in hex."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def collate(split: Split, index: np.ndarray, domain: Domain) -> Batch:
    """The sequences ``index`` [B] of a split as one padded batch."""
    starts = split.offsets[index]
    return pad(split, index, starts, split.offsets[index + 1] - starts, domain)


def pad(
    split: Split,
    index: np.ndarray,
    starts: np.ndarray,
    lengths: np.ndarray,
    domain: Domain,
    begins: np.ndarray | None = None,
) -> Batch:
    """B rows of a split, each from ``starts`` [B] on, padded to the longest of ``lengths`` [B].

    Args:
        index: [B] the sequences that they are of.
        begins: [B] of segments: whether each is the first of its sequence.
    """
    steps = np.arange(lengths.max())
    where = np.minimum(starts[:, None] + steps, len(split.x) - 1)
    real = steps < lengths[:, None]
    return Batch(
        torch.from_numpy(domain.padded(split.x[where], real)),
        torch.from_numpy(lengths),
        torch.from_numpy(index.astype(np.int64)),
        domain,
        None if begins is None else torch.from_numpy(begins),
    )


def evaluation_order(split: Split, tokens: int) -> Iterator[np.ndarray]:
    """Every sequence once, by length, in batches of at most ``tokens`` tokens with padding.

    A batch has at least one sequence.
    """
    order = np.argsort(split.lengths, kind="stable")
    lengths = split.lengths[order]
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * lengths[stop] <= tokens:
            stop += 1
        yield order[start:stop]
        start = stop
