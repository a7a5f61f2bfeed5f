"""Sine curves in ten levels: the exact table against sampling, entropies, and the splits."""

import numpy as np
import pytest

from vaetext.config.data import Sine
from vaetext.data import corpora
from vaetext.data.corpora import Corpus
from vaetext.data.curves import sample_factors
from vaetext.data.loader import Split
from vaetext.data.sets import sine

SMALL = Sine(name="sine", train_size=300, valid_size=200, test_size=100)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """The sequences of SMALL."""
    return corpora.load(SMALL)


def draws(size: int, seed: int = 0) -> np.ndarray:
    return sine.sequences(sample_factors(size, np.random.default_rng(seed)))


def rows(split: Split) -> np.ndarray:
    """[N, 17] ids."""
    return split.x.reshape(len(split), -1)


def test_flat_curves_have_one_level() -> None:
    flat = sine.sequences(np.array([[0.0, 0.5], [0.0, -0.5], [0.0, 0.1]]))
    assert flat.tolist() == [[9] * 16, [0] * 16, [6] * 16]


def test_a_rising_curve_has_rising_levels() -> None:
    (rising,) = sine.sequences(np.array([[0.5, 0.0]])).tolist()
    assert rising == sorted(rising)
    assert (rising[0], rising[-1]) == (0, 9)


def test_the_table_sums_to_one() -> None:
    table = sine.table()
    assert len(table.numbers) == len(table.p) == 13636
    assert (np.diff(table.numbers) > 0).all()
    assert table.p.min() > 0
    assert table.p.sum() == pytest.approx(1, abs=1e-12)


def test_probabilities_agree_with_frequencies() -> None:
    size = 200_000
    table = sine.table()
    numbers = draws(size) @ 10 ** np.arange(15, -1, -1)
    place = np.searchsorted(table.numbers, numbers)
    np.testing.assert_array_equal(table.numbers[place], numbers)  # every draw is in the table
    found = np.bincount(place, minlength=len(table.p))
    expected = size * table.p
    frequent = expected > 50
    assert frequent.sum() > 300
    z = (found - expected)[frequent] / np.sqrt(expected[frequent] * (1 - table.p[frequent]))
    assert abs(z).max() < 5.5
    assert abs((z**2).mean() - 1) < 5 * np.sqrt(2 / frequent.sum())


def test_mirrored_sequences_are_equally_likely() -> None:
    """-a for a mirrors a curve in time, -a and -b for a and b in height."""
    x = draws(2000)
    log_p = sine.log_prob(x)
    np.testing.assert_allclose(sine.log_prob(x[:, ::-1]), log_p, rtol=1e-3, atol=1e-9)
    np.testing.assert_allclose(sine.log_prob(9 - x), log_p, rtol=1e-3, atol=1e-9)


def test_the_entropy_agrees_with_draws() -> None:
    size = 200_000
    log_p = sine.log_prob(draws(size))
    error = log_p.std() / np.sqrt(size)
    assert error < 5e-3
    assert abs(-log_p.mean() - sine.facts()["entropy"]) < 4 * error


def test_facts_are_the_published_ones() -> None:
    found = sine.facts()
    assert found["entropy"] == pytest.approx(8.506, abs=1e-3)
    assert found["uniform distribution"] == pytest.approx(36.84, abs=5e-3)


def test_a_sequence_of_no_curve_has_no_probability() -> None:
    log_p = sine.log_prob(np.array([[0, 9] * 8, [9] * 16]))
    assert log_p[0] == -np.inf
    assert np.isfinite(log_p[1])


def test_splits_hold_the_curves_of_their_factors(corpus: Corpus) -> None:
    assert [len(split) for split in corpus.splits.values()] == [300, 200, 100]
    assert corpus.curve is not None
    for split in corpus.splits.values():
        digits = [corpus.format.decode(row) for row in rows(split)]
        x = np.array([[int(digit) for digit in line] for line in digits])
        factors = np.column_stack([split.factors["a"], split.factors["b"]])
        np.testing.assert_array_equal(x, sine.sequences(factors))
        np.testing.assert_array_equal(x[0], corpus.curve(split[0]))
        np.testing.assert_array_equal(split.log_p, sine.log_prob(x))
        assert (rows(split)[:, -1] == corpus.format.eos).all()


def test_ids_that_are_not_levels_have_no_height(corpus: Corpus) -> None:
    assert corpus.curve is not None
    heights = corpus.curve([corpus.format.eos, corpus.format.unk, 5])
    assert np.isnan(heights).tolist() == [True, True]


def test_fresh_draws_are_a_function_of_seed_and_epoch(corpus: Corpus) -> None:
    train = corpus.splits["train"]
    again = corpora.load(SMALL).splits["train"]
    first = rows(train.epoch(0, 0))
    assert len(train.epoch(3, 5)) == 300
    np.testing.assert_array_equal(first, rows(again.epoch(0, 0)))
    for other in (train, train.epoch(0, 1), train.epoch(1, 0), corpus.splits["valid"]):
        assert not np.array_equal(first[: len(other)], rows(other))


def test_only_training_has_fresh_draws(corpus: Corpus) -> None:
    assert corpus.splits["valid"].fresh is None
    sizes = {"train_size": 50, "valid_size": 20, "test_size": 20}
    fixed = corpora.load(Sine(name="sine", fresh=False, **sizes)).splits
    assert all(split.epoch(0, 4) is split for split in fixed.values())
