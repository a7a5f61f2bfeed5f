"""The sine law's exact table against sampling, entropies, and its draws."""

import numpy as np
import pytest

from vaetext.config.data import Sine, SineContinuous
from vaetext.data import corpora, sine
from vaetext.data.loader import Split
from vaetext.data.standardizer import Standardizer

SMALL = Sine(name="sine", train_size=300, valid_size=200, test_size=100)


def draws(size: int, seed: int = 0) -> np.ndarray:
    return sine.sequences(sine.sample(size, np.random.default_rng(seed)))


def words(split: Split) -> np.ndarray:
    return split.x.reshape(len(split), -1)


def test_a_curve_by_hand() -> None:
    assert sine.sequences(np.array([[0.0, 0.5], [0.0, -0.5], [0.0, 0.1]])).tolist() == [
        [9] * 16,
        [0] * 16,
        [6] * 16,
    ]
    (rising,) = sine.sequences(np.array([[0.5, 0.0]])).tolist()
    assert rising == sorted(rising) and (rising[0], rising[-1]) == (0, 9)


def test_the_table_is_a_law() -> None:
    law = sine.law()
    assert len(law.numbers) == len(law.p) == 13636
    assert (np.diff(law.numbers) > 0).all()
    assert law.p.min() > 0
    assert law.p.sum() == pytest.approx(1, abs=1e-12)


def test_areas_agree_with_frequencies() -> None:
    size = 400_000
    place = np.searchsorted(sine.law().numbers, sine._numbers(draws(size)))
    np.testing.assert_array_equal(
        sine.law().numbers[place], sine._numbers(draws(size))
    )  # every sequence drawn is in the table
    found, expected = np.bincount(place, minlength=len(sine.law().p)), size * sine.law().p
    often = expected > 50
    assert often.sum() > 500
    z = (found - expected)[often] / np.sqrt(expected[often] * (1 - sine.law().p[often]))
    assert abs(z).max() < 5.5
    assert abs((z**2).mean() - 1) < 5 * np.sqrt(2 / often.sum())


def test_the_symmetries_of_the_law() -> None:
    """-a for a mirrors a curve in time, -a and -b for a and b in height: neither changes its probability."""
    x = draws(2000)
    np.testing.assert_allclose(sine.log_prob(x[:, ::-1]), sine.log_prob(x), rtol=1e-3, atol=1e-9)
    np.testing.assert_allclose(sine.log_prob(9 - x), sine.log_prob(x), rtol=1e-3, atol=1e-9)


def test_entropies() -> None:
    found, log_p = sine.figures(), sine.log_prob(draws(1_000_000))
    assert found["entropy"] == pytest.approx(8.506, abs=1e-3)
    assert abs(-log_p.mean() - found["entropy"]) < 4 * log_p.std() / 1000
    assert log_p.std() / 1000 < 2e-3
    assert found["uniform law"] == pytest.approx(36.84, abs=5e-3)


def test_what_no_curve_gives_has_no_probability() -> None:
    assert sine.log_prob(np.array([[0, 9] * 8, [9] * 16]))[0] == -np.inf
    assert np.isfinite(sine.log_prob(np.array([[9] * 16]))).all()


def test_splits_carry_digits_factors_and_truth() -> None:
    corpus = corpora.load(SMALL)
    assert [len(split) for split in corpus.splits.values()] == [300, 200, 100]
    assert corpus.curve is not None
    for split in corpus.splits.values():
        x = np.array(
            [[int(digit) for digit in corpus.tokenizer.decode(row)] for row in words(split)]
        )
        np.testing.assert_array_equal(
            x, sine.sequences(np.column_stack([split.factors["a"], split.factors["b"]]))
        )
        np.testing.assert_array_equal(x[0], corpus.curve(split[0]))
        np.testing.assert_array_equal(split.log_p, sine.log_prob(x))
        assert (words(split)[:, -1] == corpus.tokenizer.eos).all()
    assert np.isnan(corpus.curve([corpus.tokenizer.eos, corpus.tokenizer.unk, 5])).tolist() == [
        True,
        True,
    ]


def test_fresh_draws_depend_on_seed_and_epoch_alone() -> None:
    train, again = corpora.load(SMALL).splits["train"], corpora.load(SMALL).splits["train"]
    first = words(train.epoch(0, 0))
    np.testing.assert_array_equal(first, words(again.epoch(0, 0)))
    others = [
        words(train),
        words(train.epoch(0, 1)),
        words(train.epoch(1, 0)),
        words(corpora.load(SMALL).splits["valid"]),
    ]
    assert all(not np.array_equal(first[: len(other)], other[:300]) for other in others)
    assert len(train.epoch(3, 5)) == 300


def test_draws_that_are_not_fresh_stay() -> None:
    fixed = corpora.load(
        Sine(name="sine", train_size=50, valid_size=20, test_size=20, fresh=False)
    ).splits
    assert all(split.epoch(0, 4) is split for split in fixed.values())
    assert corpora.load(SMALL).splits["valid"].fresh is None


@pytest.mark.parametrize(("noise", "points", "error"), [(0.1, 2000, 1e-3), (2.0, 400, 1e-5)])
def test_the_density_of_noisy_curves_agrees_with_a_plain_sum(
    noise: float, points: int, error: float
) -> None:
    rng = np.random.default_rng(0)
    y = sine.noisy(sine.sample(40, rng), noise, rng)
    step = (np.arange(points) + 0.5) * 2 / points - 1
    total = np.zeros(len(y))
    for a in step:
        curves = 0.5 + 0.499 * np.sin(3.14 * (a * sine.PLACES + step[:, None]))
        squares = (y**2).sum(1)[:, None] - 2 * y @ curves.T + (curves**2).sum(1)
        total += np.exp(-squares / (2 * noise**2)).sum(1)
    expected = np.log(total / len(step) ** 2) - sine.STEPS * np.log(noise * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(sine.log_density(y, noise), expected, rtol=0, atol=error)


def test_the_density_of_noisy_curves_agrees_with_sampling() -> None:
    rng, wide = np.random.default_rng(0), 0.5
    y, factors = (
        sine.noisy(sine.sample(4, rng), 0.1, rng),
        sine.sample(200_000, rng),
    )  # E over the prior of p(y|a, b)
    weights = -((y[:, None] - sine.noisy(factors, 0.0, rng)) ** 2).sum(2) / (
        2 * wide**2
    ) - 8 * np.log(2 * np.pi * wide**2)
    mean, error = np.exp(weights).mean(1), np.exp(weights).std(1) / np.sqrt(len(factors))
    assert (abs(np.exp(sine.log_density(y, wide)) - mean) < 4.5 * error).all()


def test_continuous_splits_are_standardised_and_carry_factors_and_truth() -> None:
    corpus = corpora.load(
        SineContinuous(
            name="sine-continuous", noise=0.1, train_size=500, valid_size=30, test_size=20
        )
    )
    numbers, test = corpus.tokenizer, corpus.splits["test"]
    assert isinstance(numbers, Standardizer) and corpus.curve is not None
    assert test.x.dtype == np.float32 and test.x.shape == (20 * 16, 1)
    assert (
        abs(corpus.splits["train"].x.mean()) < 0.1 and abs(corpus.splits["train"].x.std() - 1) < 0.1
    )
    raw = np.stack([corpus.curve(test[n]) for n in range(20)])
    rest = raw - sine.noisy(
        np.column_stack([test.factors["a"], test.factors["b"]]), 0.0, np.random.default_rng(0)
    )
    assert abs(rest.std() - 0.1) < 0.02
    np.testing.assert_allclose(
        test.log_p, sine.log_density(raw, 0.1) + 16 * np.log(numbers.std[0]), atol=1e-4
    )
    assert corpus.splits["train"].log_p is None
    assert not np.array_equal(
        corpus.splits["train"].epoch(0, 0).x, corpus.splits["train"].epoch(0, 1).x
    )


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_little_noise_has_no_truth(noise: float) -> None:
    corpus = corpora.load(
        SineContinuous(name="sine-continuous", noise=noise, train_size=5, valid_size=5, test_size=5)
    )
    assert all(split.log_p is None for split in corpus.splits.values())
    assert set(sine.continuous_figures(noise)) == {"differential entropy given a and b, raw values"}
