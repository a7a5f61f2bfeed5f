"""Long recordings in segments: B of them are walked along side by side."""

from dataclasses import dataclass

import numpy as np

from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.data.loader import Split, pad


@dataclass(frozen=True)
class Segments:
    """The segments of one batch.

    Attributes:
        index: [B] numbers of the recordings.
        first: [B] step of its recording at which each segment begins.
        rows: [B] place of each row in the batch before, whose state it continues from.
    """

    index: np.ndarray
    first: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.index)


def segment_order(
    split: Split, batch_size: int, length: int, seed: int, epoch: int
) -> list[Segments]:
    """One epoch's batches of segments of ``length`` steps, a function of (seed, epoch) alone.

    Recordings are shuffled, and ``batch_size`` of them lie side by side. Each batch holds the next
    segment of every row, the last one of a recording shorter; a row whose recording has ended takes
    the next one, and is left out once there is none.
    """
    order = np.random.default_rng([seed, epoch]).permutation(len(split))
    index = order[:batch_size]
    waiting = order[batch_size:]
    first = np.zeros_like(index)
    rows = np.arange(len(index))
    found = []
    while len(index):
        found.append(Segments(index, first, rows))
        first = first + length
        ended = np.flatnonzero(first >= split.lengths[index])
        taken = ended[: len(waiting)]
        index = index.copy()
        index[taken] = waiting[: len(taken)]
        first[taken] = 0
        waiting = waiting[len(taken) :]
        rows = np.delete(np.arange(len(index)), ended[len(taken) :])
        index, first = index[rows], first[rows]
    return found


def collate_segments(split: Split, part: Segments, length: int, domain: Domain) -> Batch:
    """One batch, padded to its longest segment; ``begins`` is true at the first of a recording."""
    starts = split.offsets[part.index] + part.first
    lengths = np.minimum(split.lengths[part.index] - part.first, length)
    return pad(split, part.index, starts, lengths, domain, part.first == 0)
