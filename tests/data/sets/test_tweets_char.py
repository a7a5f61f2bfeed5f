"""Tweets: the sample, the full file, and how they are cleaned."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from vaetext.config.data import Tweets
from vaetext.data import corpora
from vaetext.data.sets import tweets_char

ALLOWED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !#$'()*+,-./:;<=>?@^"


def test_the_sample_holds_short_clean_tweets(real_data: str) -> None:
    corpus = corpora.load(Tweets(name="tweets-char", root=real_data, tokens="char"))
    characters = {piece.replace("▁", " ") for piece in corpus.format.pieces[2:]}
    assert characters <= set(ALLOWED)
    assert len(characters) >= 80
    assert max(int(split.lengths.max()) for split in corpus.splits.values()) <= 32
    assert all(len(split) > 500 for split in corpus.splits.values())
    train = corpus.splits["train"]
    lines = [corpus.format.decode(train[n]) for n in range(len(train))]
    assert any("@user" in line.split() for line in lines)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("@bob_1 I&quot;m here!!  ", "@user Im here!!"),
        ("see http://t.co/x?y=1 or www.a.de now", "see @url or @url now"),
        ("caf\u00e9 &amp; 5 &lt; 6 [x] ~ it's", "caf 5 < 6 x it's"),
    ],
)
def test_tweets_are_cleaned(raw: str, clean: str) -> None:
    assert tweets_char.clean(raw) == clean


@pytest.fixture
def full(tmp_path: Path, fresh_cache: Path) -> Tweets:
    """The options of a data root with a full file: 100 tweets, and one with words of its own."""
    path = tmp_path / tweets_char.FULL
    path.parent.mkdir()
    with path.open("w", newline="", encoding="latin-1") as file:
        csv.writer(file).writerows(
            ["0", str(n), "day", "q", "me", f"good day, caf\u00e9 {n % 2}"] for n in range(100)
        )
        csv.writer(file).writerow(["0", "1", "day", "q", "me", "only once"])
    return Tweets(name="tweets-char", root=str(tmp_path), tokens="char")


def test_the_full_file_loses_tweets_with_words_seen_once(full: Tweets) -> None:
    assert sum(len(split) for split in corpora.load(full).splits.values()) == 100


def test_a_tweet_longer_than_max_length_is_named_by_its_number(full: Tweets) -> None:
    with pytest.raises(  # its line is not searched for: the file is not UTF-8
        ValueError, match=r"^sequence \d+ of train has \d+ tokens, more than data\.max_length=5"
    ):
        corpora.load(replace(full, max_length=5))


def test_max_length_does_not_count_eos(full: Tweets) -> None:
    longest = corpora.load(full).domain.longest - 1
    corpora.load(replace(full, max_length=longest))
    with pytest.raises(ValueError, match=rf"has {longest} tokens, more than"):
        corpora.load(replace(full, max_length=longest - 1))


def test_a_full_file_without_six_columns_is_refused(full: Tweets) -> None:
    (Path(str(full.root)) / tweets_char.FULL).write_text("a,b\n")
    with pytest.raises(ValueError, match="row 1: it must have six columns"):
        corpora.load(full)


def test_missing_files_are_refused_with_where_to_get_them(
    tmp_path: Path, fresh_cache: Path
) -> None:
    with pytest.raises(ValueError, match=r"neither .* place the training file at"):
        corpora.load(Tweets(name="tweets-char", root=str(tmp_path), tokens="char"))


def test_a_malformed_sample_is_refused_with_its_line(tmp_path: Path, fresh_cache: Path) -> None:
    (tmp_path / "sentiment140_sample").mkdir()
    for path in tweets_char.SAMPLE:
        (tmp_path / path).write_text("0\tme\tfine\n1\tno text\n")
    with pytest.raises(ValueError, match=r"train\.tsv, line 2: it must be label, source and tweet"):
        corpora.load(Tweets(name="tweets-char", root=str(tmp_path), tokens="char"))


@pytest.fixture
def sample(tmp_path: Path, fresh_cache: Path) -> Tweets:
    """The options of a data root with a sample, and with further tweets."""
    for path in (*tweets_char.SAMPLE, tweets_char.MORE):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("0\tme\tgood day\n" * 3 + "0\tme\tonce here\n")
    (tmp_path / tweets_char.SAMPLE[0]).write_text("0\tme\tgood day\n0\tme\trare word\n")
    (tmp_path / tweets_char.MORE).write_text("0\tme\trare word\n0\tme\tunseen\n")
    return Tweets(name="tweets-char", root=str(tmp_path), tokens="char")


def test_further_tweets_are_trained_on_and_change_no_other_split(sample: Tweets) -> None:
    without = corpora.load(sample)
    more = corpora.load(replace(sample, more=True))
    train = more.splits["train"]
    lines = [more.format.decode(train[n]) for n in range(len(train))]
    assert lines == ["good day", "rare word", "rare word"]
    assert len(without.splits["train"]) == 1
    for name in ("valid", "test"):
        assert [len(each.splits[name]) for each in (without, more)] == [4, 4]
    assert [Path(path).name for path in more.source][3:] == ["extra.tsv"]


def test_further_tweets_are_refused_where_there_are_none_to_take(
    sample: Tweets, full: Tweets, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"data\.more=true: .* holds all tweets"):
        corpora.load(replace(full, more=True))
    (tmp_path / tweets_char.FULL).unlink()
    (tmp_path / tweets_char.MORE).unlink()
    with pytest.raises(ValueError, match=r"data\.more=true: .*extra\.tsv is not in"):
        corpora.load(replace(sample, more=True))


@pytest.mark.slow
def test_the_published_further_tweets_leave_valid_and_test_as_they_are(real_data: str) -> None:
    options = Tweets(name="tweets-char", root=real_data, tokens="char")
    without, more = (corpora.load(replace(options, more=more)) for more in (False, True))
    assert len(more.splits["train"]) > 1.9 * len(without.splits["train"])
    for name in ("valid", "test"):
        lines = (
            [each.format.decode(each.splits[name][n]) for n in range(len(each.splits[name]))]
            for each in (without, more)
        )
        assert next(lines) == next(lines)
