"""Sine curves as real values with Gaussian noise; log p(x) by quadrature.

y_t = 0.5 + 0.499 sin(3.14 (u_t a + b)) + noise * e_t, e_t ~ N(0, 1), standardised.
"""

from dataclasses import replace

import numpy as np
import torch

from vaetext.config.data import SineContinuous
from vaetext.data.corpora import Corpus
from vaetext.data.curves import STEPS, draw_splits, heights, phases, sample_factors
from vaetext.data.files import Report
from vaetext.data.loader import Split
from vaetext.data.standardizer import Standardizer

LEAST_NOISE = 0.02  # below it the quadrature of ``log_density`` would take minutes
STATISTICS = 20_000  # curves that give mean and deviation, the same for every seed and size


def load(config: SineContinuous, report: Report) -> Corpus:
    """Noisy curves, one frame of one number a step.

    log p(x) is the density of the standardised values; of valid and test alone, for each takes
    a quadrature.
    """
    standardizer = _standardizer(config.noise)

    def split(factors: np.ndarray, rng: np.random.Generator) -> Split:
        y = noisy(factors, config.noise, rng)
        x = standardizer.encoded(y.reshape(-1, 1))
        return Split(x, np.arange(len(y) + 1) * STEPS)

    splits = draw_splits(config, split)
    if config.noise >= LEAST_NOISE:
        for name in ("valid", "test"):
            log_p = _log_prob(splits[name], standardizer, config.noise)
            splits[name] = replace(splits[name], log_p=log_p)
    return Corpus(
        config.name,
        standardizer,
        splits,
        curve=lambda frames: standardizer.raw(np.asarray(frames))[:, 0],
        facts=lambda: facts(config.noise),
    )


def noisy(factors: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """[N, 16] curves with noise, of ``factors`` [N, 2]."""
    curves = heights(phases(factors))
    return np.asarray(curves + noise * rng.standard_normal((len(factors), STEPS)))


def log_density(y: np.ndarray, noise: float) -> np.ndarray:
    """log p(y) [N] in nats, of raw curves ``y`` [N, 16].

    p(y) is the mean over (a, b) of prod_t N(y_t; curve_t(a, b), noise^2), by Gauss-Legendre
    quadrature with max(32, 16 / noise) nodes for each factor. In either direction a curve moves by
    at most 0.499 * 3.14 * 4 = 6.3 times the step, so the integrand's deviation is no less than
    noise / 6.3, which is 0.8 of the distance between nodes, pi noise / 16: such a sum of a Gaussian
    is wrong by about 2 exp(-2 pi^2 0.8^2) = 1e-5 of its value, at most.
    """
    nodes, weights = np.polynomial.legendre.leggauss(max(32, int(np.ceil(16 / noise))))
    grid = np.stack(np.meshgrid(nodes, nodes), -1).reshape(-1, 2)
    curves = torch.from_numpy(heights(phases(grid))) / noise
    own = torch.from_numpy(np.log(np.outer(weights, weights).ravel() / 4)) - (curves**2).sum(1) / 2
    scaled = torch.from_numpy(y / noise)
    sums = torch.cat(
        [torch.addmm(own, part, curves.T).logsumexp(1) for part in torch.split(scaled, 8)]
    )
    return np.asarray(sums - (scaled**2).sum(1) / 2 - STEPS * np.log(noise * np.sqrt(2 * np.pi)))


def facts(noise: float, size: int = 2000) -> dict[str, float]:
    """Entropies of the distribution, nats per sequence, of raw values; by Monte Carlo.

    I(x; a, b) = h(x) - h(x | a, b).
    """
    given = STEPS * float(np.log(noise * np.sqrt(2 * np.pi * np.e))) if noise else -np.inf
    if noise < LEAST_NOISE:
        return {"differential entropy given a and b, raw values": given}
    rng = np.random.default_rng(0)
    log_p = log_density(noisy(sample_factors(size, rng), noise, rng), noise)
    return {
        "differential entropy, raw values": float(-log_p.mean()),
        "its standard error": float(log_p.std() / np.sqrt(size)),
        "differential entropy given a and b, raw values": given,
    }


def _standardizer(noise: float) -> Standardizer:
    factors = sample_factors(STATISTICS, np.random.default_rng(0))
    raw = noisy(factors, noise, np.random.default_rng(1))
    return Standardizer.fit(raw.reshape(-1, 1))


def _log_prob(split: Split, standardizer: Standardizer, noise: float) -> np.ndarray:
    """log p(x) [N] of a split's standardised values."""
    raw = standardizer.raw(split.x).reshape(-1, STEPS)
    return np.asarray(log_density(raw, noise) + STEPS * np.log(standardizer.std).sum())
