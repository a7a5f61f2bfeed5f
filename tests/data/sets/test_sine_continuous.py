"""Noisy sine curves: their density against other integrations, and the splits."""

import numpy as np
import pytest

from vaetext.config.data import SineContinuous
from vaetext.data import corpora
from vaetext.data.curves import STEPS, heights, phases, sample_factors
from vaetext.data.sets.sine_continuous import log_density, noisy
from vaetext.data.standardizer import Standardizer


@pytest.mark.parametrize(("noise", "points", "error"), [(0.1, 1000, 1e-3), (2.0, 400, 1e-5)])
def test_the_density_agrees_with_a_plain_sum(noise: float, points: int, error: float) -> None:
    rng = np.random.default_rng(0)
    y = noisy(sample_factors(20, rng), noise, rng)
    step = (np.arange(points) + 0.5) * 2 / points - 1
    total = np.zeros(len(y))
    for a in step:
        curves = heights(phases(np.column_stack([np.full(points, a), step])))
        squares = (y**2).sum(1)[:, None] - 2 * y @ curves.T + (curves**2).sum(1)
        total += np.exp(-squares / (2 * noise**2)).sum(1)
    expected = np.log(total / points**2) - STEPS * np.log(noise * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(log_density(y, noise), expected, rtol=0, atol=error)


def test_the_density_agrees_with_an_average_over_drawn_factors() -> None:
    wide = 0.5
    draws = 100_000
    rng = np.random.default_rng(0)
    y = noisy(sample_factors(4, rng), 0.1, rng)
    curves = heights(phases(sample_factors(draws, rng)))
    squares = ((y[:, None] - curves) ** 2).sum(2)
    p = np.exp(-squares / (2 * wide**2) - STEPS / 2 * np.log(2 * np.pi * wide**2))
    error = p.std(1) / np.sqrt(draws)
    assert (abs(np.exp(log_density(y, wide)) - p.mean(1)) < 4.5 * error).all()


def test_splits_are_standardised_curves_of_their_factors() -> None:
    sizes = {"train_size": 500, "valid_size": 30, "test_size": 20}
    corpus = corpora.load(SineContinuous(name="sine-continuous", noise=0.1, **sizes))
    standardizer = corpus.format
    assert isinstance(standardizer, Standardizer)
    assert corpus.curve is not None
    train = corpus.splits["train"]
    test = corpus.splits["test"]
    assert test.x.dtype == np.float32
    assert test.x.shape == (20 * 16, 1)
    assert abs(train.x.mean()) < 0.1
    assert abs(train.x.std() - 1) < 0.1
    raw = np.stack([corpus.curve(test[n]) for n in range(20)])
    factors = np.column_stack([test.factors["a"], test.factors["b"]])
    assert abs((raw - heights(phases(factors))).std() - 0.1) < 0.02
    expected = log_density(raw, 0.1) + 16 * np.log(standardizer.std[0])
    np.testing.assert_allclose(test.log_p, expected, atol=1e-4)
    assert train.log_p is None
    assert not np.array_equal(train.epoch(0, 0).x, train.epoch(0, 1).x)


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_little_noise_has_no_true_density(noise: float) -> None:
    sizes = {"train_size": 5, "valid_size": 5, "test_size": 5}
    corpus = corpora.load(SineContinuous(name="sine-continuous", noise=noise, **sizes))
    assert all(split.log_p is None for split in corpus.splits.values())
    assert set(corpus.facts()) == {"differential entropy given a and b, raw values"}
