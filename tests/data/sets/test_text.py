"""A user's own text: how it is split and tokenized, and the errors of faulty files."""

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from vaetext.config.data import UserText
from vaetext.data import corpora
from vaetext.data.corpora import Corpus
from vaetext.data.loader import SPLITS

LONG = "a b\n" * 20 + "\n" + "w " * 100_000 + "\n" + "a b\n" * 20


def own(**options: Any) -> Corpus:
    return corpora.load(UserText(name="text", **options))


def lines_of(corpus: Corpus, name: str) -> list[str]:
    split = corpus.splits[name]
    return [corpus.format.decode(split[n]) for n in range(len(split))]


def test_three_files_are_the_three_splits(write: Any) -> None:
    windows = write("train.txt", "\ufeffone two\r\n\r\n  three  \r\n")
    corpus = own(
        train=windows, valid=write("v.txt", "one\n"), test=write("t.txt", "two unseen three")
    )
    assert lines_of(corpus, "train") == ["one two", "three"]
    assert lines_of(corpus, "test") == ["two <unk> three"]


def test_one_file_is_split_by_shares_and_seed(write: Any, caplog: pytest.LogCaptureFixture) -> None:
    path = write("all.txt", "".join(f"line {n}\n\n" for n in range(100)))
    with caplog.at_level(logging.WARNING):
        corpus = own(train=path, split=[0.8, 0.1, 0.1], tokens="char")
    assert "100 empty lines are left out" in caplog.text
    splits = [set(lines_of(corpus, name)) for name in SPLITS]
    assert [len(lines) for lines in splits] == [80, 10, 10]
    assert len(set.union(*splits)) == 100
    other = own(train=path, split=[0.8, 0.1, 0.1], split_seed=1, tokens="char")
    assert set(lines_of(other, "test")) != splits[2]


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_subwords_give_back_the_text(write: Any, kind: str) -> None:
    path = write("all.txt", "".join(f"the number {n} is a number\n" for n in range(200)))
    corpus = own(train=path, tokens=kind, vocab_size=40)
    assert corpus.format.size == 40
    assert all(line.startswith("the number") for line in lines_of(corpus, "valid"))


def test_a_file_is_found_below_the_data_root(tmp_path: Path, write: Any) -> None:
    write("deep.txt", "a b\n" * 40)
    assert len(own(train="deep.txt", root=str(tmp_path)).splits["train"]) == 36


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, r"my\.txt is empty"),
        ("\n \n\r\n", {}, r"my\.txt is empty"),
        (b"fine\nbad \xff\n", {}, r"my\.txt, line 2: not UTF-8"),
        ("a\nb\n", {}, r"data\.split=.* leaves a split of .*my\.txt \(lines: 2\) empty"),
        ("a\n" * 50, {"split": [0.5, 0.5]}, "must be three shares that sum to 1"),
        ("a\n" * 50, {"split": [0.9, 0.9, 0.9]}, "must be three shares that sum to 1"),
        (
            LONG,
            {"max_length": 500},
            r"my\.txt, line 22, has 100000 tokens, more than data\.max_length=500",
        ),
        ("a\n" * 50, {"valid": "v.txt"}, r"data\.valid is given alone"),
        ("a\n" * 50, {"valid": "v.txt", "test": "t.txt"}, r"data\.valid=v\.txt: no such file"),
    ],
)
def test_faulty_text_is_refused(
    content: str | bytes, options: dict[str, Any], message: str, write: Any
) -> None:
    with pytest.raises(ValueError, match=message):
        own(train=write("my.txt", content), **options)


def test_a_training_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"data\.train=.* is a folder; name a file in it"):
        own(train=str(tmp_path))
    with pytest.raises(ValueError, match=r"data\.train=null"):
        own()
    with pytest.raises(ValueError, match=r"data\.train=nope\.txt: no such file"):
        own(train="nope.txt")


def test_a_line_of_100000_words_is_one_sequence(write: Any) -> None:
    corpus = own(train=write("long.txt", "a b\n" * 40 + "w " * 100_000))
    assert max(int(split.lengths.max()) for split in corpus.splits.values()) == 100_001


def test_a_pipe_or_device_is_refused_as_it_cannot_be_read_again(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ValueError, match=r"data\.train=.*fifo is a pipe, .* write its text"):
        own(train=str(tmp_path / "fifo"))
    with pytest.raises(ValueError, match=r"data\.train=/dev/null is a device"):
        own(train="/dev/null")
    end, other = os.pipe()
    with pytest.raises(ValueError, match=r"data\.train=/dev/fd/\d+ is a pipe"):
        own(train=f"/dev/fd/{end}")
    os.close(end)
    os.close(other)
