"""The grammar: log p(x) against enumeration, frequencies and a derivation count, and its facts."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from vaetext.config.data import Grammar
from vaetext.data import corpora
from vaetext.data.sets import grammar
from vaetext.data.slots import NOTHING, Distribution, Slot, distribution

SMALL = Grammar(name="grammar", train_size=600, valid_size=200, test_size=200)


@pytest.fixture(scope="module")
def splits() -> dict[str, grammar.Sample]:
    """The sentences of SMALL."""
    return grammar.generate(SMALL)


@pytest.fixture
def reduced(monkeypatch: pytest.MonkeyPatch) -> Distribution:
    """A grammar of few sentences: two topics, four syntaxes, one or two words a slot."""
    syntaxes = [0, 1, 14, 19]
    slots = []
    for n, slot in enumerate(distribution().slots):
        p = slot.p[:2] if slot.p.shape[0] > 1 else slot.p
        p = p[:, syntaxes] if slot.p.shape[1] > 1 else p
        kept = 2 if n in (3, 4, 8, 10) else 1
        p = np.where(p >= np.sort(p, axis=2)[:, :, [-kept]], p, 0.0)
        slots.append(Slot(slot.words, p / p.sum(2, keepdims=True)))
    small = Distribution(slots, np.array([0.7, 0.3]), np.array([0.4, 0.3, 0.2, 0.1]))
    monkeypatch.setattr(grammar, "distribution", lambda: small)
    return small


def rows(small: Distribution) -> Iterator[tuple[float, list[list[tuple[str, float]]]]]:
    """p(latents), and each slot's possible words with their probabilities, for all latents."""
    for topic, syntax in product(range(len(small.topic_p)), range(len(small.syntax_p))):
        given = [
            slot.p[min(topic, slot.p.shape[0] - 1), min(syntax, slot.p.shape[1] - 1)]
            for slot in small.slots
        ]
        choices = [
            [(word, p) for word, p in zip(slot.words, row, strict=True) if p > 0]
            for slot, row in zip(small.slots, given, strict=True)
        ]
        yield small.topic_p[topic] * small.syntax_p[syntax], choices


def enumerated(small: Distribution) -> dict[str, float]:
    """Every sentence with its probability, from the definition alone."""
    found: dict[str, float] = defaultdict(float)
    for prior, choices in rows(small):
        for words in product(*choices):
            sentence = " ".join(word for word, _ in words if word)
            found[sentence] += prior * math.prod(p for _, p in words)
    return found


def test_log_p_of_a_draw_is_the_general_sum(splits: dict[str, grammar.Sample]) -> None:
    for drawn in splits.values():
        expected = [grammar.log_prob(sentence) for sentence in drawn.sentences[:100]]
        np.testing.assert_allclose(drawn.log_p[:100], expected, rtol=0, atol=1e-10)


def test_draws_agree_with_their_latents(splits: dict[str, grammar.Sample]) -> None:
    times = {
        "past": {"yesterday", "earlier", "recently"},
        "present": set(),
        "future": {"tomorrow", "soon", "later"},
    }
    train = splits["train"]
    latents = (train.latents[name] for name in ("topic", "tense", "number", "type"))
    rows = zip(train.sentences, *latents, strict=True)
    for sentence, topic, tense, number, kind in rows:
        words = set(sentence.split())
        assert ("?" in words) == (kind == "question")
        assert ("reportedly" in words) == (kind == "report")
        assert ("not" in words) == (kind == "negation")
        assert not words & ({"these", "some"} if number == "one" else {"this", "every"})
        assert not any(words & said for other, said in times.items() if other != tense)
        assert topic == "sea" or not words & {"ship", "boat", "anchor"}


def test_every_value_of_every_latent_is_drawn(splits: dict[str, grammar.Sample]) -> None:
    values = {name: len(set(each)) for name, each in splits["train"].latents.items()}
    assert values == {"topic": 12, "tense": 3, "number": 2, "type": 4}


def test_log_prob_agrees_with_enumeration(reduced: Distribution) -> None:
    truth = enumerated(reduced)
    p = {sentence: np.exp(grammar.log_prob(sentence)) for sentence in truth}
    assert len(truth) > 100
    assert sum(p.values()) == pytest.approx(1, abs=1e-12)
    assert p == pytest.approx(truth, rel=1e-10)


def test_frequencies_of_draws_agree_with_enumeration(reduced: Distribution) -> None:
    truth = enumerated(reduced)
    draws = 20000
    drawn = grammar.sample(draws, np.random.default_rng(1))
    expected = [np.log(truth[sentence]) for sentence in drawn.sentences]
    np.testing.assert_allclose(drawn.log_p, expected, atol=1e-10)
    frequent = sorted(truth, key=lambda each: -truth[each])[:30]
    counts = Counter(drawn.sentences)
    found = np.array([counts[sentence] for sentence in frequent])
    wanted = np.array([draws * truth[sentence] for sentence in frequent])
    assert wanted.min() > 30  # enough for the normal approximation below
    assert (abs(found - wanted) < 4.5 * np.sqrt(wanted)).all()


def test_facts_agree_with_enumeration(reduced: Distribution) -> None:
    entropy = -sum(p * np.log(p) for p in enumerated(reduced).values())
    given = -sum(
        prior * sum(p * np.log(p) for choice in choices for _, p in choice)
        for prior, choices in rows(reduced)
    )
    found = grammar.facts(seed=0)
    assert abs(found["entropy"] - entropy) < 4 * found["entropy stderr"]
    error = found["I(x; latents)"] - (entropy - given)
    assert abs(error) < 4 * found["I(x; latents) stderr"] + 1e-9


def test_log_prob_sums_over_ambiguous_derivations(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Slot([NOTHING, "a"], np.array([[[0.75, 0.25]], [[0.5, 0.5]]]))
    second = Slot(["a", NOTHING], np.array([[[0.5, 0.5]]]))
    ambiguous = Distribution([first, second], np.array([0.5, 0.5]), np.array([1.0]))
    monkeypatch.setattr(grammar, "distribution", lambda: ambiguous)
    by_hand = {
        "": 0.5 * (0.375 + 0.25),
        "a": 0.5 * (0.125 + 0.375) + 0.5 * (0.25 + 0.25),
        "a a": 0.5 * (0.125 + 0.25),
    }
    assert {line: np.exp(grammar.log_prob(line)) for line in by_hand} == pytest.approx(by_hand)


def test_no_sentence_has_two_derivations() -> None:
    """Two derivations of the same words, side by side: none that part ways can both end."""
    slots = distribution().slots
    given = [
        {word for n, word in enumerate(slot.words) if word and slot.p[:, :, n].any()}
        for slot in slots
    ]
    skipped = [
        NOTHING in slot.words and slot.p[:, :, slot.words.index(NOTHING)].any() for slot in slots
    ]
    reachable = [
        [m for m in range(n, len(slots) + 1) if all(skipped[n:m])] for n in range(len(slots) + 1)
    ]
    seen = set()
    waiting = [(0, 0, False)]
    while waiting:
        n, m, parted = state = waiting.pop()
        if state in seen:
            continue
        seen.add(state)
        assert not (parted and len(slots) in reachable[n] and len(slots) in reachable[m])
        steps = [
            (a, b)
            for a, b in product(reachable[n], reachable[m])
            if max(a, b) < len(slots) and given[a] & given[b]
        ]
        waiting += [(a + 1, b + 1, parted or a != b) for a, b in steps]
    assert (len(slots), len(slots), False) in seen


def test_every_slot_is_a_distribution_over_distinct_words() -> None:
    for slot in distribution().slots:
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
def test_a_line_outside_the_grammar_has_no_probability(line: str) -> None:
    assert grammar.log_prob(line) == -np.inf


def test_a_sentence_of_the_grammar_has_a_probability() -> None:
    assert np.isfinite(grammar.log_prob("the sailor steered the boat near the harbour yesterday ."))


def test_draws_are_a_function_of_the_seed(splits: dict[str, grammar.Sample]) -> None:
    again = grammar.generate(SMALL)
    other = grammar.generate(Grammar(name="grammar", seed=1, train_size=600))
    assert all(again[name].sentences == drawn.sentences for name, drawn in splits.items())
    assert other["train"].sentences != splits["train"].sentences


def test_a_large_split_is_drawn_part_by_part_into_the_cache(
    monkeypatch: pytest.MonkeyPatch, fresh_cache: Path
) -> None:
    monkeypatch.setattr(grammar, "LARGE", 100)
    monkeypatch.setattr(grammar, "PART", 64)
    config = Grammar(name="grammar", train_size=150, valid_size=70, test_size=9)
    seen: list[tuple[str, int, int | None]] = []
    first = corpora.load(config, lambda *each: seen.append(each))
    assert seen == [("drawing train", n, 150) for n in (64, 128, 150)]
    again = corpora.load(config, lambda *each: seen.append(each))
    assert len(seen) == 3
    for corpus in (first, again):
        assert [len(split) for split in corpus.splits.values()] == [150, 70, 9]
        train = corpus.splits["train"]
        assert train.log_p is not None
        lines = [corpus.format.decode(train[n]) for n in range(150)]
        assert len(set(lines)) > 120
        np.testing.assert_allclose(train.log_p, list(map(grammar.log_prob, lines)), atol=1e-10)
        assert not train.factors
        assert len(corpus.splits["valid"].factors["topic"]) == 70
    assert [each.digest for each in first.splits.values()] == [
        each.digest for each in again.splits.values()
    ]


def test_parts_change_no_log_p(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = grammar.generate(SMALL)["train"]
    monkeypatch.setattr(grammar, "SCORED", 64)
    parts = grammar.generate(SMALL)["train"]
    assert parts.sentences == whole.sentences
    np.testing.assert_allclose(parts.log_p, whole.log_p, rtol=1e-13)


def test_splits_have_their_sizes_and_differ(splits: dict[str, grammar.Sample]) -> None:
    assert [len(drawn.sentences) for drawn in splits.values()] == [600, 200, 200]
    assert not set(splits["valid"].sentences) & set(splits["test"].sentences)


def test_facts_are_in_their_expected_ranges(splits: dict[str, grammar.Sample]) -> None:
    found = grammar.facts(seed=0)
    assert 12 <= found["mean length with EOS"] <= 25
    assert found["entropy"] - 4 * found["entropy stderr"] >= 20
    assert found["entropy"] + 4 * found["entropy stderr"] <= 45
    assert found["I(x; latents)"] - 4 * found["I(x; latents) stderr"] >= 3
    assert found["types"] > 300
    lengths = [len(sentence.split()) + 1 for sentence in splits["train"].sentences]
    assert found["mean length with EOS"] == pytest.approx(np.mean(lengths), abs=0.3)


def test_the_corpus_has_log_p_and_every_word() -> None:
    corpus = corpora.load(Grammar(name="grammar", train_size=50, valid_size=40, test_size=300))
    assert [len(split) for split in corpus.splits.values()] == [50, 40, 300]
    for split in corpus.splits.values():
        assert split.log_p is not None
        assert corpus.format.unk not in split.x
        sentence = corpus.format.decode(split[3])
        assert split.log_p[3] == pytest.approx(grammar.log_prob(sentence))
