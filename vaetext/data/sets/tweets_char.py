"""Sentiment140 tweets by character, cleaned as in Petersen 3.2, after HTML entities are unescaped.

Petersen deletes only the marks of an entity, which leaves ``quot;`` of ``&quot;``.
"""

import csv
import html
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from vaetext.config.data import Tweets
from vaetext.data.contents import check_unpacked
from vaetext.data.corpora import Corpus
from vaetext.data.files import Report, find, read_bytes, read_lines, roots
from vaetext.data.format import Format
from vaetext.data.loader import SPLITS, Sequences
from vaetext.data.sentences import text_corpus

FULL = "sentiment140/training.1600000.processed.noemoticon.csv"
SAMPLE = tuple(f"sentiment140_sample/{split}.tsv" for split in SPLITS)
MORE = "sentiment140_more/extra.tsv"  # further tweets to train on, none of them in the sample
URL = "https://cs.stanford.edu/people/alecmgo/trainingandtestdata.zip"
DELETED = re.compile(r"[^A-Za-z0-9 !#$'()*+,\-./:;<=>?@^]")
Tweeted = dict[str, list[str]]  # split -> its tweets
SHARES = (0.75, 0.05, 0.20)  # train, valid and test of the full file


def load(config: Tweets, report: Report) -> Corpus:
    """The full file where it is found, else the sample.

    Raises:
        ValueError: neither is found, a line is malformed, or a split is left without tweets.
    """
    files = tweet_files(config.root, config.more)
    return text_corpus(config, files, lambda: read(config, files))


def read_split(config: Tweets, name: str, form: Format, report: Report) -> Sequences:
    """One split; it takes all files, as words are counted in the whole corpus.

    Raises:
        ValueError: as ``load`` does.
    """
    return form.encode_all(read(config, tweet_files(config.root, config.more))[name])


def tweet_files(root: str | None, more: bool = False) -> list[Path]:
    """The full CSV where it is found, else the sample's three files.

    Args:
        more: whether to give the file of further tweets too, after those of the sample.

    Raises:
        ValueError: neither is found, or no further tweets, or the full file holds them already.
    """
    if full := find(FULL, root):
        if more:
            raise ValueError(f"data.more=true: {full} holds all tweets; set data.more=false")
        return [full]
    found = [path for name in SAMPLE if (path := find(name, root))]
    if len(found) < len(SAMPLE):
        raise ValueError(
            f"data=tweets-char: neither {FULL} nor {', '.join(SAMPLE)} is in"
            f" {', '.join(map(str, roots(root)))}; download {URL}, unpack it,"
            f" and place the training file at {roots(None)[-1] / FULL}"
        )
    return [*found, _further(root)] if more else found


def read(config: Tweets, files: list[Path]) -> Tweeted:
    """Cleaned tweets shorter than ``max_chars`` whose every word occurs twice in the corpus.

    Petersen's split is not published: the full file is shuffled and cut 75 / 5 / 20, and the
    sample keeps its own split. Further tweets are trained on, and their words counted for training
    alone, so that valid and test stay as they are.

    Raises:
        ValueError: a split is left without tweets.
    """
    raw = _full(files[0]) if len(files) == 1 else _sample(files)
    cleaned = {name: [clean(tweet) for tweet in tweets] for name, tweets in raw.items()}
    counts = _count(itertools.chain(*cleaned.values()))
    kept = {
        name: [tweet for tweet in tweets if _keep(tweet, config, counts)]
        for name, tweets in cleaned.items()
    }
    if config.more:
        further = [clean(tweet) for tweet in _third_column(files[-1])]
        counts += _count(further)
        train = [*cleaned["train"], *further]
        kept["train"] = [tweet for tweet in train if _keep(tweet, config, counts)]
    if not all(kept.values()):
        raise ValueError(
            f"data.max_chars={config.max_chars} leaves a split without tweets; choose a larger one"
        )
    return kept


def clean(tweet: str) -> str:
    """A tweet with ``@name`` as ``@user`` and links as ``@url``, stripped.

    Entities are unescaped, and all but letters, digits and Petersen's marks is deleted.
    """
    tweet = re.sub(r"@\w+", "@user", html.unescape(tweet))
    tweet = re.sub(r"(https?://|www\.)\S+", "@url", tweet)
    return re.sub(r" +", " ", DELETED.sub("", tweet)).strip()


def _further(root: str | None) -> Path:
    if found := find(MORE, root):
        return found
    raise ValueError(
        f"data.more=true: {MORE} is not in {', '.join(map(str, roots(root)))}; put it there (label,"
        " source and tweet, separated by tabs), or set data.more=false"
    )


def _count(tweets: Iterable[str]) -> Counter[str]:
    return Counter(word for tweet in tweets for word in tweet.split())


def _keep(tweet: str, config: Tweets, counts: Counter[str]) -> bool:
    if not 0 < len(tweet) < config.max_chars:
        return False
    return not config.repeated_words or all(counts[word] > 1 for word in tweet.split())


def _sample(files: list[Path]) -> Tweeted:
    return {name: _third_column(path) for name, path in zip(SPLITS, files, strict=False)}


def _third_column(path: Path) -> list[str]:
    rows = [line.split("\t", 2) for line in read_lines(path)]
    if short := next((n for n, row in enumerate(rows, 1) if len(row) < 3), None):
        raise ValueError(
            f"{path}, line {short}: it must be label, source and tweet, separated by tabs"
        )
    return [row[2] for row in rows]


def _full(path: Path) -> Tweeted:
    """The sixth column of the published CSV, shuffled and cut."""
    content = read_bytes(path)
    check_unpacked(content, str(path))
    rows = list(csv.reader(io.StringIO(content.decode("latin-1"), newline="")))
    if short := next((n for n, row in enumerate(rows, 1) if len(row) < 6), None):
        raise ValueError(f"{path}, row {short}: it must have six columns, the last one the tweet")
    order = np.random.default_rng(0).permutation(len(rows))
    ends = np.round(np.cumsum(SHARES) * len(rows)).astype(int)
    parts = np.split(order, ends[:2])
    return {name: [rows[n][5] for n in part] for name, part in zip(SPLITS, parts, strict=True)}
