"""The nearest training sentence, compared with a plain search through all of them."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from vaetext.config.data import Grammar
from vaetext.data import corpora
from vaetext.data import tokenizer as tokenizers
from vaetext.data.loader import Split
from vaetext.report import nearest
from vaetext.report.nearest import nearest_page, nearest_sequences

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


@pytest.mark.parametrize(("types", "compared"), [(3, 7), (3, 150), (40, 1 << 14)])
def test_the_nearest_is_the_first_at_the_smallest_edit_distance(
    types: int, compared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest, "COMPARED", compared)
    rng = np.random.default_rng(types)
    sentences = [tuple(rng.integers(2, types, rng.integers(0, 9)).tolist()) for _ in range(150)]
    split = Split.of([[*each, EOS] for each in sentences])
    unseen = types + 2  # two tokens that no sentence has
    queries = [tuple(rng.integers(2, unseen, rng.integers(0, 11)).tolist()) for _ in range(20)]
    queries += [*sentences[:5], ()]
    found = nearest_sequences([list(query) for query in queries], split)
    for query, (number, edits) in zip(queries, found, strict=True):
        distances = [distance(query, each) for each in sentences]
        assert edits == min(distances)
        assert number == distances.index(edits)


def test_large_token_ids_are_distinguished() -> None:
    split = Split.of([[2**31 - 1, 70000, EOS], [300, 70000, EOS]])
    assert nearest_sequences([[300, 70000], [44, 70000]], split) == [(1, 0), (0, 1)]


def test_the_page_shows_each_sample_its_neighbour_and_the_copies() -> None:
    corpus = corpora.load(Grammar(name="grammar", train_size=50, valid_size=5, test_size=5))
    known = corpus.format.decode(corpus.splits["train"][7])
    other = " ".join(known.split()[1:])
    shown = nearest_page(corpus.format.encode_all([known, other, ""]), corpus)
    assert "50 training sequences" in shown
    assert "1 of 3 are copies" in shown
    assert f"> {known}\n< {known}\n  0 edits, of {len(known.split())} tokens\n" in shown
    assert f"> {other}\n< {known}\n  1 edits, of {len(known.split()) - 1} tokens\n" in shown


def test_an_unknown_character_is_one_token() -> None:
    known = tokenizers.train(["abc", "cab"], "char", 0, 1)
    train = Split.of(known.encode_all(["abc", "cab"]))
    corpus = SimpleNamespace(splits={"train": train}, format=known, domain=known.domain(9))
    shown = nearest_page([known.encode("axc")], corpus)  # type: ignore[arg-type]
    assert "> a<unk>c\n< abc\n  1 edits, of 3 tokens\n" in shown
