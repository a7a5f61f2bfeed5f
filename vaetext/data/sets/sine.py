"""Sine curves read in ten levels (Petersen, 3.1), whose log p(x) is exact.

x_t = floor(10 y_t), y_t the curve at u_t a + b. One level is constant on each band between two
parallel lines of the (a, b) plane, a sequence on the convex cells where 16 bands meet, and p(x) is
the area of its cells over the square's, 4. There are few enough to list them all: the distribution
is a table of 13,636 sequences.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from vaetext.config.data import Sine
from vaetext.data import tokenizer as tokenizers
from vaetext.data.corpora import Corpus
from vaetext.data.curves import PLACES, STEPS, draw_splits, heights, phases
from vaetext.data.files import Report
from vaetext.data.loader import Split

LEVELS = 10
_SLIVER = 1e-14  # cells this small are rounding: the smallest true one has an area of 1.7e-12


@dataclass(frozen=True)
class Table:
    """The distribution: every sequence with its probability.

    Attributes:
        numbers: [S], the 16 digits of each sequence read as one decimal number, ascending.
        p: [S], their probabilities.
    """

    numbers: np.ndarray
    p: np.ndarray


def load(config: Sine, report: Report) -> Corpus:
    """Sequences of digits with an EOS.

    The length is fixed, so p(x) and p(x, EOS) are one, and a trained EOS costs nothing.
    """
    digits = [str(level) for level in range(LEVELS)]
    learned = tokenizers.train(["".join(digits)], "char")
    ids = np.array([learned.encode(digit)[0] for digit in digits], dtype=np.int32)

    def split(factors: np.ndarray, rng: np.random.Generator) -> Split:
        x = sequences(factors)
        rows = np.column_stack([ids[x], np.full(len(x), learned.eos, dtype=np.int32)])
        return Split(rows.ravel(), np.arange(len(x) + 1) * rows.shape[1], log_prob(x))

    levels = np.full(learned.size, np.nan)
    levels[ids] = np.arange(LEVELS)
    return Corpus(
        config.name,
        learned,
        draw_splits(config, split),
        curve=lambda row: levels[np.asarray(row[:-1], dtype=np.int64)],
        facts=facts,
    )


def sequences(factors: np.ndarray) -> np.ndarray:
    """[N, 16] levels 0..9 of the curves with ``factors`` [N, 2], a and b."""
    return _levels(phases(factors))


def log_prob(x: np.ndarray) -> np.ndarray:
    """The exact log p(x) [N] of sequences [N, 16], nats; -inf where no curve gives them."""
    numbers = _numbers(x)
    place = np.minimum(np.searchsorted(table().numbers, numbers), len(table().p) - 1)
    known = table().numbers[place] == numbers
    return np.where(known, np.log(table().p[place]), -np.inf)


def facts() -> dict[str, float]:
    """Exact facts of the distribution; nats per sequence.

    I(x; a, b) is the entropy, for x is a function of a and b.
    """
    p = table().p
    return {
        "sequences": float(len(p)),
        "entropy": float(-(p * np.log(p)).sum()),
        "uniform distribution": STEPS * float(np.log(LEVELS)),
        "most likely sequence": float(-np.log(p.max())),
    }


@cache
def table() -> Table:
    """The table of all sequences.

    The square is cut into bands of one level for each step in turn; then the areas of cells with
    the same sequence are summed.
    """
    edges = _edges()
    band_level = _levels((edges[1:] + edges[:-1]) / 2)
    cells = np.array([[[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]])
    x = np.zeros((1, 0), dtype=np.int64)
    for place in PLACES:
        normal = np.array([place, 1.0])
        which, band = _bands(cells @ normal, edges)
        cells = cells[which]
        cells = _clipped(cells, cells @ normal - edges[band, None])
        cells = _clipped(cells, edges[band + 1, None] - cells @ normal)
        real = _areas(cells) > _SLIVER
        cells = cells[real]
        x = np.column_stack([x[which], band_level[band]])[real]
    numbers, sequence = np.unique(_numbers(x), return_inverse=True)
    return Table(numbers, np.bincount(sequence, _areas(cells)) / 4)


def _levels(phase: np.ndarray) -> np.ndarray:
    """The level of a curve where u_t a + b is ``phase``, of any shape."""
    return np.asarray(np.floor(LEVELS * heights(phase)), dtype=np.int64)


def _edges() -> np.ndarray:
    """Values of u_t a + b in [-2, 2] at which the level changes, with the two ends."""
    rising = np.arcsin((np.arange(1, LEVELS) / LEVELS - 0.5) / 0.499)
    turns = 2 * np.pi * np.arange(-2, 3)[:, None]
    edges = np.concatenate([turns + rising, turns + np.pi - rising], axis=None) / 3.14
    return np.unique(np.concatenate([[-2.0, 2.0], edges[abs(edges) < 2]]))


def _bands(values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of a cell and a band that it reaches into: two arrays [pairs].

    Args:
        values: u_t a + b at the corners of each cell, [cells, W].
    """
    first, last = (np.searchsorted(edges[1:-1], ends) for ends in (values.min(1), values.max(1)))
    count = last - first + 1
    which = np.repeat(np.arange(len(values)), count)
    return which, np.arange(len(which)) - (np.cumsum(count) - count - first)[which]


def _clipped(cells: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Convex cells [N, W, 2], each cut by a line (Sutherland and Hodgman 1974).

    A cell with fewer corners than others repeats its last one.

    Args:
        inside: [N, W], positive at the corners that are kept.
    """
    following = np.roll(cells, -1, 1)
    beyond = np.roll(inside, -1, 1)
    crosses = (inside > 0) != (beyond > 0)
    share = inside / np.where(crosses, inside - beyond, 1)
    corners = np.stack([cells, cells + share[..., None] * (following - cells)], 2)
    corners = corners.reshape(len(cells), -1, 2)
    distinct = (cells != following).any(2)
    kept = np.stack([(inside > 0) & distinct, crosses], 2).reshape(len(cells), -1)
    count = kept.sum(1)
    order = np.argsort(~kept, 1, kind="stable")
    order = np.take_along_axis(
        order, np.minimum(np.arange(count.max()), np.maximum(count - 1, 0)[:, None]), 1
    )
    return np.take_along_axis(corners, order[..., None], 1)


def _areas(cells: np.ndarray) -> np.ndarray:
    """[N] areas of convex cells [N, W, 2]."""
    x, y = np.moveaxis(cells, 2, 0)
    next_x, next_y = np.moveaxis(np.roll(cells, -1, 1), 2, 0)
    return np.asarray((x * next_y - y * next_x).sum(1) / 2)


def _numbers(x: np.ndarray) -> np.ndarray:
    return np.asarray(x @ 10 ** np.arange(x.shape[1] - 1, -1, -1, dtype=np.int64))
