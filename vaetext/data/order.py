"""The order of batches in training: shuffled, of like length, in bounded memory."""

from collections.abc import Sequence
from typing import overload

import numpy as np

from vaetext.data.loader import LARGE, Split

WINDOW = LARGE  # sequences that are shuffled at once
BLOCK = 1 << 12  # consecutive sequences that are shuffled as one where there are more than WINDOW
Window = tuple[np.ndarray, np.ndarray]  # sequences [N], batch by batch; order of the batches


class TrainingOrder(Sequence[np.ndarray]):
    """The batches of one epoch, as numbers of sequences: a function of (seed, epoch) alone.

    In each pass over the split the sequences are shuffled, sorted by length within pools of
    batches and cut into batches; then the batches are shuffled. A split of more than ``WINDOW``
    sequences has its blocks of ``BLOCK`` consecutive sequences shuffled first. Windows of about
    ``WINDOW`` sequences then follow one another, each shuffled, sorted, cut and shuffled as a whole
    split is, so that memory does not grow with the split.

    Args:
        pool: batches of a pool. A pool of 1 leaves batches unsorted; at 64 less than 1 % is
            padding.
        count: batches of an epoch; 0: those of a pass. Else one pass follows another, and an epoch
            may end anywhere in a pass.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        seed: int,
        epoch: int,
        pool: int = 64,
        count: int = 0,
    ) -> None:
        self.split = split
        self.batch_size = batch_size
        self.seed = seed
        self.pool = pool
        self.of_pass = -(-len(split) // batch_size)
        self.batches = count or self.of_pass
        self.first = epoch * self.batches
        self.windows = -(-len(split) // WINDOW)
        self.of_window = -(-self.of_pass // self.windows)
        self._kept: dict[tuple[int, int], Window] = {}  # the last two windows

    def __len__(self) -> int:
        return self.batches

    @overload
    def __getitem__(self, number: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, number: slice) -> list[np.ndarray]: ...
    def __getitem__(self, number: int | slice) -> np.ndarray | list[np.ndarray]:
        """The sequences of a batch [B], or of several."""
        if isinstance(number, slice):
            return [self[n] for n in range(len(self))[number]]
        passes, place = divmod(self.first + range(len(self))[number], self.of_pass)
        window, place = divmod(place, self.of_window)
        order, places = self._kept_window(passes, window)
        start = int(places[place]) * self.batch_size
        return order[start : start + self.batch_size]

    def _kept_window(self, number: int, window: int) -> Window:
        """A window, which is kept while the next one is used: a step may have batches of both."""
        key = (number, window)
        if key not in self._kept:
            self._kept = dict(list(self._kept.items())[-1:])
            self._kept[key] = self._window(number, window)
        return self._kept[key]

    def _window(self, number: int, window: int) -> Window:
        """The sequences of a window of pass ``number``, batch by batch, and the batches' order."""
        rng = np.random.default_rng([self.seed, number, window])  # window 0: that of [seed, number]
        order = self._members(number, window)
        rng.shuffle(order)
        for start in range(0, len(order), self.pool * self.batch_size):
            drawn = order[start : start + self.pool * self.batch_size]
            drawn[:] = drawn[np.argsort(self.split.lengths_of(drawn), kind="stable")]
        return order, rng.permutation(-(-len(order) // self.batch_size))

    def _members(self, number: int, window: int) -> np.ndarray:
        """The sequences of a window: its part of the shuffled blocks, one after another."""
        total = len(self.split)
        if self.windows == 1:
            return np.arange(total)
        rng = np.random.default_rng([self.seed, number, self.windows])
        blocks = rng.permutation(-(-total // BLOCK))
        ends = np.cumsum(np.minimum(BLOCK, total - blocks * BLOCK))  # the last block is shorter
        first = window * self.of_window * self.batch_size
        last = min(first + self.of_window * self.batch_size, total)
        begin, end = np.searchsorted(ends, [first, last - 1], side="right")
        members = np.concatenate(
            [np.arange(n * BLOCK, min((n + 1) * BLOCK, total)) for n in blocks[begin : end + 1]]
        )
        skipped = first - (ends[begin - 1] if begin else 0)
        return members[skipped : skipped + last - first]
