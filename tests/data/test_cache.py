"""The cache of tokenized corpora: when it is used, rebuilt, shared and done without."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaetext.config.data import TextData, UserText
from vaetext.data import corpora, sentences
from vaetext.data.corpora import Corpus


def own(**options: Any) -> Corpus:
    return corpora.load(UserText(name="text", **options))


def counts(corpus: Corpus) -> list[tuple[int, int]]:
    return [(len(split), len(split.x)) for split in corpus.splits.values()]


@pytest.fixture
def tokenized(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The kind of tokens of each corpus that is tokenized, not read from the cache."""
    kinds: list[str] = []
    tokenize = sentences.tokenize

    def counted(config: TextData, lines: Any) -> Any:
        kinds.append(config.tokens)
        return tokenize(config, lines)

    monkeypatch.setattr(sentences, "tokenize", counted)
    return kinds


def test_the_cache_gives_the_same_corpus_without_tokenizing(
    real_data: str, fresh_cache: Path, tokenized: list[str]
) -> None:
    first, again = (corpora.load(TextData(name="ptb", root=real_data)) for _ in range(2))
    assert tokenized == ["word"]
    assert first.tokenizer == again.tokenizer
    for name, split in again.splits.items():
        np.testing.assert_array_equal(split.x, first.splits[name].x)
        np.testing.assert_array_equal(split.offsets, first.splits[name].offsets)
        assert (split.x.dtype, split.offsets.dtype) == (np.int32, np.int64)


def test_a_changed_file_or_option_is_tokenized_again(
    write: Any, fresh_cache: Path, tokenized: list[str]
) -> None:
    path = write("all.txt", "a b\n" * 50)
    for _ in range(2):
        own(train=path)
    assert tokenized == ["word"]
    own(train=path, tokens="char")
    assert tokenized == ["word", "char"]
    os.utime(path, ns=(1, 1))
    own(train=path)
    assert tokenized == ["word", "char", "word"]


def test_a_damaged_cache_is_rebuilt(
    write: Any, fresh_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write("all.txt", "a b c\n" * 50)
    first = own(train=path)
    (folder,) = (fresh_cache / "tokens").iterdir()
    damaged = {"train.arrow": (folder / "train.arrow").read_bytes()[:100], "tokenizer.model": b""}
    for name, content in damaged.items():
        (folder / name).write_bytes(content)
        assert counts(own(train=path)) == counts(first)
        assert "rebuilt" in caplog.text
        caplog.clear()
    (folder / "test.arrow").unlink()
    assert counts(own(train=path)) == counts(first)


def test_a_cache_that_cannot_be_written_costs_a_warning(
    write: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("VAETEXT_CACHE", write("no-folder", ""))
    assert len(own(train=write("all.txt", "a b\n" * 50)).splits["train"]) == 45
    assert "cannot be written" in caplog.text


def test_a_cache_has_the_permissions_of_any_new_folder(
    tmp_path: Path, write: Any, fresh_cache: Path
) -> None:
    own(train=write("my.txt", "a b\nc d\n" * 20))
    (stored,) = fresh_cache.rglob("train.arrow")
    (tmp_path / "plain").mkdir()
    assert stored.parent.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_processes_that_tokenize_the_same_corpus_do_not_disturb_each_other(
    write: Any, fresh_cache: Path
) -> None:
    path = write("all.txt", "a b c\n" * 2000)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: counts(own(train=path)), range(4)))
    assert found == [found[0]] * 4
    assert len(list((fresh_cache / "tokens").iterdir())) == 1
