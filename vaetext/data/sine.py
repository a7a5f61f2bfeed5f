"""Sine curves read in ten levels, whose log p(x) is exact (source 004, 3.1).

x_t = floor(10 (0.5 + 0.499 sin(3.14 (u_t a + b)))), t = 1..16, u_t from -1 to 1, the factors a and b ~ U(-1, 1). One symbol is constant
on each band between two parallel lines of the (a, b) plane, a sequence on the convex cells where 16 bands meet, and p(x) is the area of
its cells over the square's, 4. There are few enough to list them all: the law is a table of 13,636 sequences.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

LEVELS, STEPS = 10, 16
PLACES = np.linspace(-1, 1, STEPS)  # u
FACTORS = ("a", "b")
LEAST_NOISE = 0.02  # below it the quadrature of ``log_density`` would take minutes
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


def noisy(factors: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """[N, 16] real curves y_t = 0.5 + 0.499 sin(3.14 (u_t a + b)) + noise * e_t, e_t ~ N(0, 1), with ``factors`` [N, 2]."""
    return np.asarray(
        _heights(factors[:, :1] * PLACES + factors[:, 1:])
        + noise * rng.standard_normal((len(factors), STEPS))
    )


def log_density(y: np.ndarray, noise: float) -> np.ndarray:
    """log p(y) [N] = log of the mean over (a, b) of prod_t N(y_t; curve_t(a, b), noise^2), nats, of real curves [N, 16].

    By Gauss-Legendre quadrature with max(32, 16 / noise) nodes for each factor. In either direction a curve moves by at most
    0.499 * 3.14 * 4 = 6.3 times the step, so the integrand's deviation is no less than noise / 6.3, which is 0.8 of the distance between
    nodes, pi noise / 16: such a sum of a Gaussian is wrong by about 2 exp(-2 pi^2 0.8^2) = 1e-5 of its value, at most.
    """
    nodes, weights = np.polynomial.legendre.leggauss(max(32, int(np.ceil(16 / noise))))
    grid = np.stack(np.meshgrid(nodes, nodes), -1).reshape(-1, 2)
    curves = torch.from_numpy(_heights(grid[:, :1] * PLACES + grid[:, 1:])) / noise
    own = torch.from_numpy(np.log(np.outer(weights, weights).ravel() / 4)) - (curves**2).sum(1) / 2
    scaled = torch.from_numpy(y / noise)
    sums = torch.cat(
        [torch.addmm(own, part, curves.T).logsumexp(1) for part in torch.split(scaled, 8)]
    )
    return np.asarray(sums - (scaled**2).sum(1) / 2 - STEPS * np.log(noise * np.sqrt(2 * np.pi)))


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


def continuous_figures(noise: float, size: int = 2000) -> dict[str, float]:
    """What the law of noisy curves is like; nats per sequence, densities of raw values. I(x; a, b) = h(x) - h(x|a, b)."""
    given = STEPS * float(np.log(noise * np.sqrt(2 * np.pi * np.e))) if noise else -np.inf
    if noise < LEAST_NOISE:
        return {"differential entropy given a and b, raw values": given}
    rng = np.random.default_rng(0)
    log_p = log_density(noisy(sample(size, rng), noise, rng), noise)
    entropy, error = float(-log_p.mean()), float(log_p.std() / np.sqrt(size))
    return {
        "differential entropy, raw values": entropy,
        "its standard error": error,
        "differential entropy given a and b, raw values": given,
    }


@cache
def law() -> Law:
    """The table of all sequences: the square is cut into bands for each symbol in turn, and the areas of equal sequences added up."""
    edges = _edges()
    band_symbol = _symbols((edges[1:] + edges[:-1]) / 2)
    cells, x = (
        np.array([[[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]]),
        np.zeros((1, 0), dtype=np.int64),
    )
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
    return np.asarray(np.floor(LEVELS * _heights(phase)), dtype=np.int64)


def _heights(phase: np.ndarray) -> np.ndarray:
    """The curve itself at u_t a + b, any shape."""
    return np.asarray(0.5 + 0.499 * np.sin(3.14 * phase))


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
    corners = np.stack([cells, cells + share[..., None] * (following - cells)], 2).reshape(
        len(cells), -1, 2
    )
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
    (x, y), (next_x, next_y) = np.moveaxis(cells, 2, 0), np.moveaxis(np.roll(cells, -1, 1), 2, 0)
    return np.asarray((x * next_y - y * next_x).sum(1) / 2)


def _numbers(x: np.ndarray) -> np.ndarray:
    return np.asarray(x @ 10 ** np.arange(x.shape[1] - 1, -1, -1, dtype=np.int64))
