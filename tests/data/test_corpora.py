"""Corpora: the counts of the real ones, a user's own text with all its faults, and the cache."""

import csv
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaetext.config.data import Data, Grammar, TextData, Tweets, UserText
from vaetext.data import cache, corpora, grammar, text, tweets
from vaetext.data.corpora import Corpus
from vaetext.data.files import digest, locate

LONG = "a b\n" * 20 + "\n" + "w " * 100_000 + "\n" + "a b\n" * 20
Write = Callable[[str, str | bytes], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: str | bytes) -> str:
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return str(tmp_path / name)

    return write


def own(**options: Any) -> Corpus:
    return corpora.load(UserText(name="text", **options))


def counts(corpus: Corpus) -> list[tuple[int, int]]:
    assert list(corpus.splits) == ["train", "valid", "test"]
    return [(len(split), len(split.x)) for split in corpus.splits.values()]


def lines_of(corpus: Corpus, split: str) -> list[str]:
    return [
        corpus.tokenizer.decode(ids)
        for ids in map(corpus.splits[split].__getitem__, range(len(corpus.splits[split])))
    ]


def test_penn_treebank(real_data: str) -> None:
    corpus = corpora.load(TextData(name="ptb", root=real_data))
    assert corpus.tokenizer.size == 10_000
    assert counts(corpus) == [(42068, 929589), (3370, 73760), (3761, 82430)]
    assert [int(split.lengths.max()) - 1 for split in corpus.splits.values()] == [82, 74, 77]
    for split in corpus.splits.values():
        assert (split.x[split.offsets[1:] - 1] == corpus.tokenizer.eos).all()
        assert (split.x == corpus.tokenizer.eos).sum() == len(split)
    assert lines_of(corpus, "test")[0] == "no it was n't black monday"
    train = np.unique(corpus.splits["train"].x)
    assert len(train) == 10_000
    assert np.isin(corpus.splits["test"].x, train).all()


def test_penn_treebank_comes_back_from_the_cache_unread(
    real_data: str, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = corpora.load(TextData(name="ptb", root=real_data))
    monkeypatch.delattr(corpora, "_prepare")
    again = corpora.load(TextData(name="ptb", root=real_data))
    for name, split in first.splits.items():
        np.testing.assert_array_equal(split.x, again.splits[name].x)
        np.testing.assert_array_equal(split.offsets, again.splits[name].offsets)
        assert (again.splits[name].x.dtype, again.splits[name].offsets.dtype) == (
            np.int32,
            np.int64,
        )
    assert first.tokenizer.pieces == again.tokenizer.pieces


def test_yelp_small_is_cut_from_valid_without_ratings(real_data: str) -> None:
    corpus = corpora.load(TextData(name="yelp13-small", root=real_data))
    (train, train_tokens), (valid, valid_tokens), test = counts(corpus)
    assert (train, valid, test) == (7000, 773, (8671, 420450))
    assert train_tokens + valid_tokens == 378094
    assert max(int(split.lengths.max()) for split in corpus.splits.values()) == 51


def test_yelp_asks_for_its_training_file(
    real_data: str, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = [
        text.Remote(remote.path, "http://127.0.0.1:9/train.txt", remote.sum) for remote in text.YELP
    ]
    monkeypatch.setattr(text, "YELP", tuple(gone))
    with pytest.raises(
        ValueError, match=r"yelp13/train\.txt is not in .* place it at .*yelp13/train\.txt"
    ):
        corpora.load(TextData(name="yelp13", root=real_data))


def test_yelp_reads_three_files_without_ratings(
    tmp_path: Path, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"4 good food\n0 <unk> food"
    remotes = tuple(
        text.Remote(f"{name}.txt", "", digest(content, "0" * 40))
        for name in ("train", "valid", "test")
    )
    monkeypatch.setattr(text, "YELP", remotes)
    for remote in remotes:
        (tmp_path / remote.path).write_bytes(content)
    corpus = corpora.load(TextData(name="yelp13", root=str(tmp_path)))
    assert lines_of(corpus, "test") == ["good food", "<unk> food"]
    (tmp_path / "test.txt").write_bytes(content + b"!")
    with pytest.raises(ValueError, match=r"test\.txt: its checksum"):
        corpora.load(TextData(name="yelp13", root=str(tmp_path)))


def test_tweets_of_the_sample(real_data: str) -> None:
    corpus = corpora.load(Tweets(name="tweets-char", root=real_data, tokens="char"))
    allowed = set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !#$'()*+,-./:;<=>?@^"
    )
    characters = {piece.replace("▁", " ") for piece in corpus.tokenizer.pieces[2:]}
    assert characters <= allowed
    assert len(characters) >= 80
    assert max(int(split.lengths.max()) for split in corpus.splits.values()) <= 32
    assert all(len(split) > 500 for split in corpus.splits.values())
    everything = [
        word for name in corpus.splits for line in lines_of(corpus, name) for word in line.split()
    ]
    assert "@user" in everything


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("@bob_1 I&quot;m here!!  ", "@user Im here!!"),
        ("see http://t.co/x?y=1 or www.a.de now", "see @url or @url now"),
        ("caf\u00e9 &amp; 5 &lt; 6 [x] ~ it's", "caf 5 < 6 x it's"),
    ],
)
def test_tweets_are_cleaned(raw: str, clean: str) -> None:
    assert tweets.clean(raw) == clean


def test_others_may_read_a_cache_as_they_may_read_anything(
    tmp_path: Path, fresh_cache: Path
) -> None:
    (tmp_path / "my.txt").write_text("a b\nc d\n" * 20)
    corpora.load(UserText(name="text", train=str(tmp_path / "my.txt")))
    (stored,) = fresh_cache.rglob("train.arrow")
    (tmp_path / "plain").mkdir()
    assert stored.parent.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_tweets_of_the_full_file(tmp_path: Path, fresh_cache: Path) -> None:
    path = tmp_path / tweets.FULL
    path.parent.mkdir()
    with path.open("w", newline="", encoding="latin-1") as file:
        csv.writer(file).writerows(
            ["0", str(n), "day", "q", "me", f"good day, caf\u00e9 {n % 2}"] for n in range(100)
        )
        csv.writer(file).writerow(["0", "1", "day", "q", "me", "only once"])
    config = Tweets(name="tweets-char", root=str(tmp_path), tokens="char")
    assert sum(len(split) for split in corpora.load(config).splits.values()) == 100
    with pytest.raises(
        ValueError, match=r"^sequence \d+ of train has \d+ tokens, more than data\.max_length=5"
    ):  # the file is not UTF-8
        corpora.load(replace(config, max_length=5))
    longest = corpora.load(config).domain.longest - 1  # EOS is no token of a line
    corpora.load(replace(config, max_length=longest))
    with pytest.raises(ValueError, match=rf"has {longest} tokens, more than"):
        corpora.load(replace(config, max_length=longest - 1))
    path.write_text("a,b\n")
    with pytest.raises(ValueError, match="row 1: it must have six columns"):
        corpora.load(config)


def test_tweets_that_are_nowhere_or_malformed(tmp_path: Path, fresh_cache: Path) -> None:
    config = Tweets(name="tweets-char", root=str(tmp_path), tokens="char")
    with pytest.raises(ValueError, match=r"neither .* place the training file at"):
        corpora.load(config)
    (tmp_path / "sentiment140_sample").mkdir()
    for path in tweets.SAMPLE:
        (tmp_path / path).write_text("0\tme\tfine\n1\tno text\n")
    with pytest.raises(ValueError, match=r"train\.tsv, line 2: it must be label, source and tweet"):
        corpora.load(config)


def test_grammar_carries_its_truth_and_knows_every_word() -> None:
    corpus = corpora.load(Grammar(name="grammar", train_size=50, valid_size=40, test_size=300))
    assert [len(split) for split in corpus.splits.values()] == [50, 40, 300]
    for name, split in corpus.splits.items():
        assert split.log_p is not None
        assert corpus.tokenizer.unk not in split.x
        assert split.log_p[3] == pytest.approx(grammar.log_prob(lines_of(corpus, name)[3]))


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(ValueError, match=r"'ptp' is unknown.*did you mean 'ptb'"):
        corpora.load(TextData(name="ptp"))
    with pytest.raises(ValueError, match="is unknown"):
        corpora.load(Data(name=""))


def test_own_text_in_three_files(write: Write) -> None:
    windows = write("train.txt", "\ufeffone two\r\n\r\n  three  \r\n")
    corpus = own(
        train=windows, valid=write("v.txt", "one\n"), test=write("t.txt", "two unseen three")
    )
    assert lines_of(corpus, "train") == ["one two", "three"]
    assert lines_of(corpus, "test") == ["two <unk> three"]


def test_own_text_in_one_file_is_split_by_shares_and_seed(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    path = write("all.txt", "".join(f"line {n}\n\n" for n in range(100)))
    with caplog.at_level(logging.WARNING):
        parts = [
            set(lines_of(own(train=path, split=[0.8, 0.1, 0.1], min_count=1, tokens="char"), name))
            for name in cache.SPLITS
        ]
    assert "100 empty lines are left out" in caplog.text
    assert [len(part) for part in parts] == [80, 10, 10]
    assert len(set.union(*parts)) == 100
    other = own(train=path, split=[0.8, 0.1, 0.1], split_seed=1, tokens="char")
    assert set(lines_of(other, "test")) != parts[2]


def test_own_text_by_subwords(write: Write) -> None:
    path = write("all.txt", "".join(f"the number {n} is a number\n" for n in range(200)))
    for kind in ("bpe", "unigram"):
        corpus = own(train=path, tokens=kind, vocab_size=40)
        assert corpus.tokenizer.size == 40
        assert all(line.startswith("the number") for line in lines_of(corpus, "valid"))


def test_own_text_below_a_root(tmp_path: Path, write: Write) -> None:
    write("deep.txt", "a b\n" * 40)
    assert len(own(train="deep.txt", root=str(tmp_path)).splits["train"]) == 36


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, r"my\.txt is empty"),
        ("\n \n\r\n", {}, r"my\.txt is empty"),
        (b"fine\nbad \xff\n", {}, r"my\.txt, line 2: not UTF-8"),
        ("a\nb\n", {}, r"data\.split=.* leaves a part of .*my\.txt \(2 lines\) empty"),
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
def test_own_text_with_faults(
    content: str | bytes, options: dict[str, Any], message: str, write: Write
) -> None:
    with pytest.raises(ValueError, match=message):
        own(train=write("my.txt", content), **options)


def test_own_text_that_is_not_named_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"data\.train=.* is a folder; name a file in it"):
        own(train=str(tmp_path))
    with pytest.raises(ValueError, match=r"data\.train=null"):
        own()
    with pytest.raises(ValueError, match=r"data\.train=nope\.txt: no such file"):
        own(train="nope.txt")


def test_a_line_of_100000_words_works(write: Write) -> None:
    corpus = own(train=write("long.txt", "a b\n" * 40 + "w " * 100_000))
    assert max(int(split.lengths.max()) for split in corpus.splits.values()) == 100_001


def test_the_cache_follows_the_file_and_the_configuration(
    write: Write, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    prepare = corpora._prepare
    monkeypatch.setattr(corpora, "_prepare", lambda *each: made.append(1) or prepare(*each))
    path = write("all.txt", "a b\n" * 50)
    own(train=path), own(train=path)
    assert len(made) == 1
    own(train=path, tokens="char")
    assert len(made) == 2
    os.utime(path, ns=(1, 1))
    own(train=path)
    assert len(made) == 3


def test_a_damaged_cache_is_made_anew(
    write: Write, fresh_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write("all.txt", "a b c\n" * 50)
    first = own(train=path)
    (folder,) = (fresh_cache / "tokens").iterdir()
    for name, content in (
        ("train.arrow", (folder / "train.arrow").read_bytes()[:100]),
        ("tokenizer.model", b""),
    ):
        (folder / name).write_bytes(content)
        assert counts(own(train=path)) == counts(first)
        assert "made anew" in caplog.text
    (folder / "test.arrow").unlink()
    assert counts(own(train=path)) == counts(first)


def test_a_cache_that_cannot_be_written_costs_a_warning(
    write: Write, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("VAETEXT_CACHE", write("no-folder", ""))
    assert len(own(train=write("all.txt", "a b\n" * 50)).splits["train"]) == 45
    assert "cannot be written" in caplog.text


def test_several_that_prepare_the_same_corpus_do_not_disturb_each_other(
    write: Write, fresh_cache: Path
) -> None:
    path = write("all.txt", "a b c\n" * 2000)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: counts(own(train=path)), range(4)))
    assert found == [found[0]] * 4
    assert len(list((fresh_cache / "tokens").iterdir())) == 1


def test_published_files_are_where_the_corpora_look(real_data: str) -> None:
    for remote in (*text.PTB, *text.YELP[1:]):
        assert locate(remote, real_data).is_file()
