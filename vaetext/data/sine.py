"""Sine curves read in ten levels, whose log p(x) is exact (source 004, 3.1).

x_t = floor(10 (0.5 + 0.499 sin(3.14 (u_t a + b)))), t = 1..16, u_t from -1 to 1, the factors a and b ~ U(-1, 1). One symbol is constant
on each band between two parallel lines of the (a, b) plane, a sequence on the convex cells where 16 bands meet, and p(x) is the area of
its cells over the square's, 4. There are few enough to list them all: the law is a table of 13,636 sequences.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

LEVELS, STEPS = 10, 16
PLACES = np.linspace(-1, 1, STEPS)  # u
FACTORS = ("a", "b")
_SLIVER = 1e-14  # cells this small are rounding: the smallest true one has an area of 1.7e-12


@dataclass(frozen=True)
class Law:
    """Every sequence that can be drawn: ``numbers`` [S], its 16 symbols read as one decimal number, ascending, and ``p`` [S]."""

    numbers: np.ndarray
    p: np.ndarray


def sequences(factors: np.ndarray) -> np.ndarray:
    """[N, 16] symbols 0..9 of the curves with ``factors`` [N, 2], a and b."""
    return _symbols(factors[:, :1] * PLACES + factors[:, 1:])


def sample(size: int, rng: np.random.Generator) -> np.ndarray:
    """[size, 2] factors a and b, drawn from U(-1, 1)."""
    return rng.uniform(-1, 1, (size, 2))


def log_prob(x: np.ndarray) -> np.ndarray:
    """The exact log p(x) [N] of sequences [N, 16], nats; -inf where no curve gives them."""
    numbers = _numbers(x)
    place = np.minimum(np.searchsorted(law().numbers, numbers), len(law().p) - 1)
    known = law().numbers[place] == numbers
    return np.where(known, np.log(law().p[place]), -np.inf)


def figures() -> dict[str, float]:
    """What the law is like, exactly; nats per sequence. I(x; a, b) is the entropy, for the factors leave nothing to chance."""
    p = law().p
    return {
        "sequences": float(len(p)),
        "entropy": float(-(p * np.log(p)).sum()),
        "uniform law": STEPS * float(np.log(LEVELS)),
        "likeliest sequence": float(-np.log(p.max())),
    }


@cache
def law() -> Law:
    """The table of all sequences: the square is cut into bands for each symbol in turn, and the areas of equal sequences added up."""
    edges = _edges()
    band_symbol = _symbols((edges[1:] + edges[:-1]) / 2)
    cells, x = np.array([[[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]]), np.zeros((1, 0), dtype=np.int64)
    for place in PLACES:
        normal = np.array([place, 1.0])
        which, band = _bands(cells @ normal, edges)
        cells = cells[which]
        cells = _clipped(cells, cells @ normal - edges[band, None])
        cells = _clipped(cells, edges[band + 1, None] - cells @ normal)
        real = _areas(cells) > _SLIVER
        cells, x = cells[real], np.column_stack([x[which], band_symbol[band]])[real]
    numbers, sequence = np.unique(_numbers(x), return_inverse=True)
    return Law(numbers, np.bincount(sequence, _areas(cells)) / 4)


def _symbols(phase: np.ndarray) -> np.ndarray:
    """The level of a curve at u_t a + b, any shape."""
    return np.floor(LEVELS * (0.5 + 0.499 * np.sin(3.14 * phase))).astype(np.int64)


def _edges() -> np.ndarray:
    """Values of u_t a + b in [-2, 2] at which the symbol changes, with the two ends."""
    rising = np.arcsin((np.arange(1, LEVELS) / LEVELS - 0.5) / 0.499)
    turns = 2 * np.pi * np.arange(-2, 3)[:, None]
    edges = np.concatenate([turns + rising, turns + np.pi - rising], axis=None) / 3.14
    return np.unique(np.concatenate([[-2.0, 2.0], edges[abs(edges) < 2]]))


def _bands(values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of a cell and a band that it reaches into, for the values of u_t a + b at its corners [cells, W]: two arrays [pairs]."""
    first, last = (np.searchsorted(edges[1:-1], ends) for ends in (values.min(1), values.max(1)))
    count = last - first + 1
    which = np.repeat(np.arange(len(values)), count)
    return which, np.arange(len(which)) - (np.cumsum(count) - count - first)[which]


def _clipped(cells: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Convex cells [N, W, 2] cut by a line each, at whose corners ``inside`` [N, W] is positive where they stay (Sutherland-Hodgman).

    A cell with fewer corners than others repeats its last one.
    """
    following, beyond = np.roll(cells, -1, 1), np.roll(inside, -1, 1)
    crosses = (inside > 0) != (beyond > 0)
    share = inside / np.where(crosses, inside - beyond, 1)
    corners = np.stack([cells, cells + share[..., None] * (following - cells)], 2).reshape(len(cells), -1, 2)
    distinct = (cells != following).any(2)
    kept = np.stack([(inside > 0) & distinct, crosses], 2).reshape(len(cells), -1)
    count = kept.sum(1)
    order = np.argsort(~kept, 1, kind="stable")
    order = np.take_along_axis(order, np.minimum(np.arange(count.max()), np.maximum(count - 1, 0)[:, None]), 1)
    return np.take_along_axis(corners, order[..., None], 1)


def _areas(cells: np.ndarray) -> np.ndarray:
    """[N] areas of convex cells [N, W, 2]."""
    (x, y), (next_x, next_y) = np.moveaxis(cells, 2, 0), np.moveaxis(np.roll(cells, -1, 1), 2, 0)
    return np.asarray((x * next_y - y * next_x).sum(1) / 2)


def _numbers(x: np.ndarray) -> np.ndarray:
    return np.asarray(x @ 10 ** np.arange(x.shape[1] - 1, -1, -1, dtype=np.int64))
