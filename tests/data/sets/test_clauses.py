"""Sentences of clauses: log p(x) against enumeration, frequencies, the factor, and its facts."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from vaetext.config.data import Clauses
from vaetext.data import corpora
from vaetext.data.sets import clauses

SIZES = {"train_size": 400, "valid_size": 50, "test_size": 300}


def enumerated(most: int) -> dict[str, float]:
    """Every sentence with its probability, from the definition alone."""
    kinds = clauses.clauses()
    return {
        clauses.AND.join(chosen): 1 / most / len(kinds) ** count
        for count in range(1, most + 1)
        for chosen in product(kinds, repeat=count)
    }


def counts_of(sentences: list[str]) -> np.ndarray:
    return np.array([len(each.split(" and ")) for each in sentences])


@pytest.mark.parametrize("most", [1, 2, 3])
def test_log_prob_agrees_with_enumeration(most: int) -> None:
    truth = enumerated(most)
    assert len(truth) == sum(20**count for count in range(1, most + 1))  # no sentence twice
    found = np.exp(clauses.log_prob(counts_of(list(truth)), most))
    assert found.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(found, list(truth.values()), rtol=1e-12)


def test_frequencies_of_draws_agree_with_enumeration() -> None:
    truth = enumerated(2)
    draws = 40_000
    drawn = clauses.sample(draws, 2, np.random.default_rng(0)).sentences
    counts = Counter(drawn)
    assert set(counts) <= set(truth)
    wanted = draws * np.array(list(truth.values()))
    found = np.array([counts[sentence] for sentence in truth])
    assert wanted.min() > 30  # enough for the normal approximation below
    assert (abs(found - wanted) < 4.5 * np.sqrt(wanted)).all()


def test_splits_hold_their_factor_and_truth() -> None:
    corpus = corpora.load(Clauses(name="clauses", clauses=3, **SIZES))
    for split in corpus.splits.values():
        sentences = [corpus.format.decode(split[n]) for n in range(len(split))]
        known = split.factors["clauses"]
        np.testing.assert_array_equal(known, counts_of(sentences))
        assert set(known) == {1, 2, 3}
        np.testing.assert_allclose(split.log_p, -np.log(3) - known * np.log(20))


def test_facts_agree_with_draws() -> None:
    facts = clauses.facts(4)
    drawn = clauses.sample(40_000, 4, np.random.default_rng(0))
    tokens = np.array([len(each.split()) + 1 for each in drawn.sentences])
    truth = -clauses.log_prob(drawn.clauses, 4)
    for name, values in (
        ("mean clauses", drawn.clauses),
        ("mean length with EOS", tokens),
        ("entropy", truth),
    ):
        error = values.std() / np.sqrt(len(values))
        assert abs(values.mean() - facts[name]) < 4 * error
    found = np.corrcoef(tokens, drawn.clauses)[0, 1]
    assert found == pytest.approx(facts["corr(tokens, clauses)"], abs=0.01)
    assert found < 0.8
    assert facts["types"] == len({word for each in drawn.sentences for word in each.split()})


def test_another_seed_gives_other_sentences() -> None:
    one, same, other = (
        corpora.load(Clauses(name="clauses", seed=seed, **SIZES)).splits["test"].digest
        for seed in (0, 0, 1)
    )
    assert one == same != other


def test_no_clause_is_out_of_range() -> None:
    with pytest.raises(ValueError, match=r"^clauses=0 is out of range: it must be at least 1$"):
        Clauses(name="clauses", clauses=0)
