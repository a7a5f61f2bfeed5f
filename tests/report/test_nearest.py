"""The nearest training sentence against a plain search through all of them."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from vaetext.config.data import Grammar
from vaetext.data import corpora
from vaetext.data import tokenizer as tokenizers
from vaetext.data.loader import Split
from vaetext.report import nearest
from vaetext.report.nearest import Nearest, edit_distances

EOS = 1


def distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """The definition, by recursion."""

    @cache
    def between(n: int, m: int) -> int:
        if n == 0 or m == 0:
            return n + m
        return min(
            between(n - 1, m) + 1,
            between(n, m - 1) + 1,
            between(n - 1, m - 1) + (one[n - 1] != other[m - 1]),
        )

    return between(len(one), len(other))


@pytest.mark.parametrize("chunk", [1, 16, 10**6])
@pytest.mark.parametrize("types", [3, 40])
def test_the_nearest_is_that_of_a_plain_search(types: int, chunk: int) -> None:
    rng = np.random.default_rng(types)
    sentences = [tuple(rng.integers(2, types, rng.integers(0, 9)).tolist()) for _ in range(150)]
    search = Nearest(Split.of([[*each, EOS] for each in sentences]))
    search.chunk = chunk
    queries = [
        tuple(rng.integers(2, types + 2, rng.integers(0, 11)).tolist()) for _ in range(20)
    ]  # two types more than the split has
    for query in [*queries, *sentences[:5], ()]:
        number, found = search.find(np.array(query, dtype=np.int64))
        assert (
            found
            == min(distance(query, each) for each in sentences)
            == distance(query, sentences[number])
        )


def test_the_page_shows_each_line_its_neighbour_and_the_copies() -> None:
    corpus = corpora.load(Grammar(name="grammar", train_size=50, valid_size=5, test_size=5))
    known = corpus.tokenizer.decode(corpus.splits["train"][7])
    other = " ".join(known.split()[1:])
    shown = nearest.page(corpus.tokenizer.encode_all([known, other, ""]), corpus)
    assert "50 training sequences" in shown and "1 of 3 are copies" in shown
    assert f"> {known}\n< {known}\n  0 edits, of {len(known.split())} tokens\n" in shown
    assert f"> {other}\n< {known}\n  1 edits, of {len(known.split()) - 1} tokens\n" in shown


def test_the_search_compares_few_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, compared = np.random.default_rng(0), []

    def counted(sequence: np.ndarray, others: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        compared.append(len(others))
        return edit_distances(sequence, others, lengths)

    monkeypatch.setattr(nearest, "edit_distances", counted)
    ids, lengths = (2 + rng.zipf(1.3, 42000 * 20) % 9000).astype(np.int32), np.full(42000, 20)
    ids[lengths.cumsum() - 1] = EOS
    search = Nearest(Split(ids, np.concatenate([[0], lengths.cumsum()])))
    for number in range(10):
        search.find(2 + rng.zipf(1.3, 15 + number) % 9000)
    assert sum(compared) < 0.5 * 10 * 42000


def test_an_unknown_character_is_one_token() -> None:
    known = tokenizers.train(["abc", "cab"], "char", 0, 1)
    train = Split.of(known.encode_all(["abc", "cab"]))
    corpus = SimpleNamespace(splits={"train": train}, tokenizer=known)
    shown = nearest.page([known.encode("axc")], corpus)  # type: ignore[arg-type]
    assert "> a<unk>c\n< abc\n  1 edits, of 3 tokens\n" in shown
