"""What data sets of sine curves share: the curves, their factors, and splits of fresh draws.

y_t = 0.5 + 0.499 sin(3.14 (u_t a + b)), t = 1..16, u_t from -1 to 1, with the factors
a and b ~ U(-1, 1) (Petersen, 3.1).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from vaetext.config.data import Curves
from vaetext.data.loader import SPLITS, Split

STEPS = 16
PLACES = np.linspace(-1, 1, STEPS)  # u
FACTORS = ("a", "b")


def sample_factors(size: int, rng: np.random.Generator) -> np.ndarray:
    """[size, 2] factors a and b, drawn from U(-1, 1)."""
    return rng.uniform(-1, 1, (size, 2))


def phases(factors: np.ndarray) -> np.ndarray:
    """[N, 16] u_t a + b of ``factors`` [N, 2]."""
    return np.asarray(factors[:, :1] * PLACES + factors[:, 1:])


def heights(phase: np.ndarray) -> np.ndarray:
    """The curve's value where u_t a + b is ``phase``, of any shape."""
    return np.asarray(0.5 + 0.499 * np.sin(3.14 * phase))


def draw_splits(
    config: Curves, make: Callable[[np.ndarray, np.random.Generator], Split]
) -> dict[str, Split]:
    """Train, valid and test of curves, with their factors.

    With ``config.fresh``, each epoch trains on new curves, a function of (seed, epoch).

    Args:
        make: the sequences of factors [N, 2], with a generator for what else is random.
    """

    def draw(size: int, *key: int) -> Split:
        rng = np.random.default_rng([config.seed, *key])
        factors = sample_factors(size, rng)
        return replace(make(factors, rng), factors=dict(zip(FACTORS, factors.T, strict=True)))

    sizes = (config.train_size, config.valid_size, config.test_size)
    splits = {name: draw(size, n) for n, (name, size) in enumerate(zip(SPLITS, sizes, strict=True))}
    if config.fresh:
        splits["train"] = replace(
            splits["train"],
            fresh=lambda seed, epoch: draw(config.train_size, len(SPLITS), seed, epoch),
        )
    return splits
