"""The cache of tokenized corpora: when it is used, rebuilt, shared and done without."""

import gzip
import hashlib
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
from vaetext.data.sets import text


def own(**options: Any) -> Corpus:
    return corpora.load(UserText(name="text", **options))


def counts(corpus: Corpus) -> list[tuple[int, int]]:
    return [(len(split), len(split.x)) for split in corpus.splits.values()]


@pytest.fixture
def tokenized(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The kind of tokens of each corpus that is tokenized, not read from the cache."""
    kinds: list[str] = []
    tokenize = sentences.tokenize

    def counted(config: TextData, *others: Any) -> Any:
        kinds.append(config.tokens)
        return tokenize(config, *others)

    monkeypatch.setattr(sentences, "tokenize", counted)
    return kinds


def test_the_cache_gives_the_same_corpus_without_tokenizing(
    real_data: str, fresh_cache: Path, tokenized: list[str]
) -> None:
    first, again = (corpora.load(TextData(name="ptb", root=real_data)) for _ in range(2))
    assert tokenized == ["word"]
    assert first.format == again.format
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
    write("all.txt", "a c\n" * 50)
    own(train=path)
    assert tokenized == ["word", "char", "word"]


def test_another_text_of_the_same_size_and_time_is_another_corpus(
    write: Any, fresh_cache: Path
) -> None:
    path = write("all.txt", "a b\n" * 50)
    os.utime(path, ns=(1, 1))
    first = own(train=path)
    write("all.txt", "a c\n" * 50)
    os.utime(path, ns=(1, 1))
    second = own(train=path)
    assert first.format != second.format
    assert second.format.pieces[2:] == ["\u2581a", "\u2581c"]
    assert second.sums == [hashlib.sha256(b"a c\n" * 50).hexdigest()]
    assert first.sums != second.sums


def test_the_same_text_packed_has_the_same_sum(write: Any, fresh_cache: Path) -> None:
    plain = own(train=write("all.txt", "a b\n" * 50))
    packed = own(train=write("all.txt.gz", gzip.compress(b"a b\n" * 50)))
    assert plain.sums == packed.sums


def test_a_file_that_changes_while_it_is_read_is_refused(
    write: Any, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("all.txt", "a b\n" * 50)
    read = text.read

    def slow(*args: Any) -> Any:
        lines = read(*args)
        write("all.txt", "a c\n" * 50)
        return lines

    monkeypatch.setattr(text, "read", slow)
    with pytest.raises(ValueError, match=r"all\.txt changed while it was read"):
        own(train=path)


def test_a_cache_whose_tokens_were_altered_is_rebuilt(
    write: Any, fresh_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write("all.txt", "a b c\n" * 50)
    first = own(train=path)
    (stored,) = fresh_cache.rglob("train.arrow")
    content = stored.read_bytes()
    ids = np.array([2, 3, 4], dtype=np.int32).tobytes()
    assert ids in content
    stored.unlink()  # what is mapped stays as it was
    stored.write_bytes(content.replace(ids, ids[4:] + ids[:4]))
    again = own(train=path)
    assert "rebuilt" in caplog.text
    np.testing.assert_array_equal(again.splits["train"].x, first.splits["train"].x)


def test_cautions_are_repeated_from_the_cache(
    write: Any, fresh_cache: Path, caplog: pytest.LogCaptureFixture, tokenized: list[str]
) -> None:
    train = write("train.txt", "a b\na </s> b\n")
    valid = write("valid.txt", "b\n")
    test = write("test.txt", "a b\nb a\nb\n")
    for _ in range(2):
        caplog.clear()
        own(train=train, valid=valid, test=test)
        assert "train has text that the tokenizer reserves" in caplog.text
        assert "</s> (1 times)" in caplog.text
        assert "1 of 3 lines of test (33.3 %) are also in train" in caplog.text
        assert "of valid" not in caplog.text
    assert len(tokenized) == 1


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
