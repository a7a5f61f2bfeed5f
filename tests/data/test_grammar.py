"""The grammar's law against enumeration, sampling and a derivation count, and the figures it promises."""

import math
from collections import Counter, defaultdict
from itertools import product

import numpy as np
import pytest

from vaetext.config.data import Grammar
from vaetext.data import grammar
from vaetext.data.grammar import NOTHING, Law, Slot

SMALL = Grammar(name="grammar", train_size=600, valid_size=200, test_size=200)


def reduced() -> Law:
    """The grammar with few enough sentences to list: two topics, four syntaxes, one or two words a slot."""
    full, syntaxes = grammar.law(), [0, 1, 14, 19]
    slots = []
    for n, slot in enumerate(full.slots):
        p = slot.p[:2] if slot.p.shape[0] > 1 else slot.p
        p = p[:, syntaxes] if slot.p.shape[1] > 1 else p
        kept = 2 if n in (3, 4, 8, 10) else 1
        p = np.where(p >= np.sort(p, axis=2)[:, :, [-kept]], p, 0.0)
        slots.append(Slot(slot.words, p / p.sum(2, keepdims=True)))
    return Law(slots, np.array([0.7, 0.3]), np.array([0.4, 0.3, 0.2, 0.1]))


def enumerate_sentences(law: Law) -> tuple[dict[str, float], float]:
    """Every sentence with its probability, and H(x | latents) in nats, from nothing but the definition."""
    found: dict[str, float] = defaultdict(float)
    conditional = 0.0
    for topic, syntax in product(range(len(law.topic_p)), range(len(law.syntax_p))):
        prior = law.topic_p[topic] * law.syntax_p[syntax]
        rows = [
            slot.p[min(topic, slot.p.shape[0] - 1), min(syntax, slot.p.shape[1] - 1)]
            for slot in law.slots
        ]
        choices = [
            [(word, p) for word, p in zip(slot.words, row, strict=True) if p > 0]
            for slot, row in zip(law.slots, rows, strict=True)
        ]
        for said in product(*choices):
            p = math.prod(each for _, each in said)
            found[" ".join(word for word, _ in said if word)] += prior * p
        conditional -= prior * sum(p * np.log(p) for row in choices for _, p in row)
    return found, conditional


def test_draws_carry_the_log_p_of_the_general_sum() -> None:
    for drawn in grammar.generate(SMALL).values():
        np.testing.assert_allclose(
            drawn.log_p,
            [grammar.log_prob(sentence) for sentence in drawn.sentences],
            rtol=0,
            atol=1e-10,
        )


def test_draws_carry_what_they_were_made_from() -> None:
    drawn = grammar.generate(SMALL)["train"]
    topic, tense, number, kind = (
        drawn.latents[name] for name in ("topic", "tense", "number", "type")
    )
    for sentence, t, m, n, k in zip(drawn.sentences, topic, tense, number, kind, strict=True):
        words = set(sentence.split())
        assert ("?" in words, "reportedly" in words, "not" in words) == (
            k == "question",
            k == "report",
            k == "negation",
        )
        assert not words & {"these", "some"} if n == "one" else not words & {"this", "every"}
        times = {
            "past": {"yesterday", "earlier", "recently"},
            "future": {"tomorrow", "soon", "later"},
        }
        assert not any(words & said for tense, said in times.items() if tense != m)
        assert not words & {"ship", "boat", "anchor"} if t != "sea" else True
    assert len(set(topic)) == 12 and {len(set(each)) for each in (tense, number, kind)} == {2, 3, 4}


def test_reduced_law_sums_to_one_and_agrees_with_enumeration_and_frequencies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    law = reduced()
    monkeypatch.setattr(grammar, "law", lambda: law)
    truth, conditional = enumerate_sentences(law)
    p = {sentence: np.exp(grammar.log_prob(sentence)) for sentence in truth}
    assert len(truth) > 100
    assert sum(p.values()) == pytest.approx(1, abs=1e-12)
    assert p == pytest.approx(truth, rel=1e-10)

    draws = 20000
    drawn = grammar.sample(draws, np.random.default_rng(1))
    np.testing.assert_allclose(
        drawn.log_p, [np.log(truth[sentence]) for sentence in drawn.sentences], atol=1e-10
    )
    often, counts = sorted(truth, key=lambda each: -truth[each])[:30], Counter(drawn.sentences)
    expected = np.array([draws * truth[sentence] for sentence in often])
    assert expected.min() > 30  # enough for the normal approximation below
    assert (
        abs(np.array([counts[sentence] for sentence in often]) - expected) < 4.5 * np.sqrt(expected)
    ).all()

    entropy = -sum(each * np.log(each) for each in truth.values())
    found = grammar.figures(SMALL)
    assert abs(found["entropy"] - entropy) < 4 * found["entropy stderr"]
    assert (
        abs(found["I(x; latents)"] - (entropy - conditional))
        < 4 * found["I(x; latents) stderr"] + 1e-9
    )


def test_log_prob_sums_over_ambiguous_derivations(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (
        Slot([NOTHING, "a"], np.array([[[0.75, 0.25]], [[0.5, 0.5]]])),
        Slot(["a", NOTHING], np.array([[[0.5, 0.5]]])),
    )
    law = Law([first, second], np.array([0.5, 0.5]), np.array([1.0]))
    monkeypatch.setattr(grammar, "law", lambda: law)
    by_hand = {
        "": 0.5 * (0.375 + 0.25),
        "a": 0.5 * (0.125 + 0.375) + 0.5 * (0.25 + 0.25),
        "a a": 0.5 * (0.125 + 0.25),
    }
    assert {line: np.exp(grammar.log_prob(line)) for line in by_hand} == pytest.approx(by_hand)


def test_no_sentence_has_two_derivations() -> None:
    """Walks two derivations of the same words side by side: none that part ways can both end."""
    slots = grammar.law().slots
    said = [
        {word for n, word in enumerate(slot.words) if word and slot.p[:, :, n].any()}
        for slot in slots
    ]
    silent = [
        NOTHING in slot.words and slot.p[:, :, slot.words.index(NOTHING)].any() for slot in slots
    ]
    reachable = [
        [m for m in range(n, len(slots) + 1) if all(silent[n:m])] for n in range(len(slots) + 1)
    ]
    seen, waiting = set(), [(0, 0, False)]
    while waiting:
        n, m, parted = state = waiting.pop()
        if state in seen:
            continue
        seen.add(state)
        assert not (parted and len(slots) in reachable[n] and len(slots) in reachable[m])
        steps = [
            (a, b)
            for a, b in product(reachable[n], reachable[m])
            if max(a, b) < len(slots) and said[a] & said[b]
        ]
        waiting += [(a + 1, b + 1, parted or a != b) for a, b in steps]
    assert (len(slots), len(slots), False) in seen


def test_every_slot_is_a_law_of_distinct_words() -> None:
    for slot in grammar.law().slots:
        assert len(set(slot.words)) == len(slot.words) == slot.p.shape[2]
        np.testing.assert_allclose(slot.p.sum(2), 1, atol=1e-12)
        assert not ((slot.p > 0) & (slot.p < 1e-6)).any()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "the",
        "the old sailor",
        "sailor the old .",
        "the sailor steered the boat near the harbour tomorrow .",
    ],
)
def test_lines_outside_the_grammar_have_no_probability(line: str) -> None:
    assert grammar.log_prob(line) == -np.inf
    assert np.isfinite(grammar.log_prob("the sailor steered the boat near the harbour yesterday ."))


def test_draws_depend_on_the_seed_alone_and_splits_differ() -> None:
    once, again = grammar.generate(SMALL), grammar.generate(SMALL)
    assert {name: drawn.sentences for name, drawn in once.items()} == {
        name: drawn.sentences for name, drawn in again.items()
    }
    assert [len(once[name].sentences) for name in ("train", "valid", "test")] == [600, 200, 200]
    assert not set(once["valid"].sentences) & set(once["test"].sentences)
    other = Grammar(name="grammar", seed=1, train_size=600, valid_size=200, test_size=200)
    assert grammar.generate(other)["train"].sentences != once["train"].sentences


def test_figures_are_those_of_the_ground_truth() -> None:
    found = grammar.figures(SMALL)
    assert 12 <= found["mean length with EOS"] <= 25
    assert found["entropy"] - 4 * found["entropy stderr"] >= 20
    assert found["entropy"] + 4 * found["entropy stderr"] <= 45
    assert found["I(x; latents)"] - 4 * found["I(x; latents) stderr"] >= 3
    assert found["types"] > 300
    lengths = [len(sentence.split()) + 1 for sentence in grammar.generate(SMALL)["train"].sentences]
    assert found["mean length with EOS"] == pytest.approx(np.mean(lengths), abs=0.3)
