"""Sentiment140 tweets by character, cleaned as source 004 did, but that HTML entities are unescaped first.

The source deletes their marks alone, so that ``&quot;`` leaves ``quot;`` in its tweets.
"""

import csv
import html
import io
import re
from collections import Counter
from pathlib import Path

import numpy as np

from vaetext.config.data import Tweets
from vaetext.data.cache import SPLITS
from vaetext.data.files import Report, find, open_binary, read_lines, roots

FULL = "sentiment140/training.1600000.processed.noemoticon.csv"
SAMPLE = tuple(f"sentiment140_sample/{split}.tsv" for split in SPLITS)
URL = "https://cs.stanford.edu/people/alecmgo/trainingandtestdata.zip"
KEPT = re.compile(r"[^A-Za-z0-9 !#$'()*+,\-./:;<=>?@^]")
SHARES = (0.75, 0.05, 0.20)  # of the full file, shuffled


def files(config: Tweets, report: Report) -> list[Path]:
    """The full CSV where it is, else the sample's three files.

    Raises:
        ValueError: neither is there.
    """
    if full := find(FULL, config.root):
        return [full]
    sample = [find(path, config.root) for path in SAMPLE]
    found = [path for path in sample if path]
    if len(found) < len(SAMPLE):
        raise ValueError(
            f"data=tweets-char: neither {FULL} nor {', '.join(SAMPLE)} is in {', '.join(map(str, roots(config.root)))};"
            f" download {URL}, unpack it, and place the training file at {roots(None)[-1] / FULL}"
        )
    return found


def read(config: Tweets, files: list[Path]) -> dict[str, list[str]]:
    """train, valid and test: cleaned tweets shorter than ``max_chars`` whose every word occurs twice in the corpus.

    Source 004, 3.2. Its split is not published; the full file is shuffled and cut 75 / 5 / 20, the sample keeps its own.

    Raises:
        ValueError: no tweet of some split is left.
    """
    parts = (
        _full(files[0])
        if len(files) == 1
        else {Path(path).name.split(".")[0]: _sample(path) for path in files}
    )
    cleaned = {name: [clean(tweet) for tweet in tweets] for name, tweets in parts.items()}
    counts = Counter(
        word for tweets in cleaned.values() for tweet in tweets for word in tweet.split()
    )
    kept = {
        name: [tweet for tweet in tweets if _keep(tweet, config, counts)]
        for name, tweets in cleaned.items()
    }
    if not all(kept.values()):
        raise ValueError(
            f"data.max_chars={config.max_chars} leaves a split without tweets; choose a larger one"
        )
    return kept


def clean(tweet: str) -> str:
    """Entities unescaped, ``@name`` -> ``@user``, links -> ``@url``, all but letters, digits and the source's marks deleted, stripped."""
    tweet = re.sub(r"@\w+", "@user", html.unescape(tweet))
    tweet = re.sub(r"(https?://|www\.)\S+", "@url", tweet)
    return re.sub(r" +", " ", KEPT.sub("", tweet)).strip()


def _keep(tweet: str, config: Tweets, counts: Counter[str]) -> bool:
    if not 0 < len(tweet) < config.max_chars:
        return False
    return not config.repeated_words or all(counts[word] > 1 for word in tweet.split())


def _sample(path: Path) -> list[str]:
    """The third column of a tab-separated file."""
    columns = [line.split("\t", 2) for line in read_lines(path)]
    if short := next((n for n, row in enumerate(columns, 1) if len(row) < 3), None):
        raise ValueError(
            f"{path}, line {short}: it must be label, source and tweet, separated by tabs"
        )
    return [row[2] for row in columns]


def _full(path: Path) -> dict[str, list[str]]:
    """The sixth column of the published CSV, shuffled and cut."""
    with io.TextIOWrapper(open_binary(path), encoding="latin-1", newline="") as file:
        rows = list(csv.reader(file))
    if short := next((n for n, row in enumerate(rows, 1) if len(row) < 6), None):
        raise ValueError(f"{path}, row {short}: it must have six columns, the last one the tweet")
    order = np.random.default_rng(0).permutation(len(rows))
    ends = np.round(np.cumsum(SHARES) * len(rows)).astype(int)
    parts = np.split(order, ends[:2])
    return {name: [rows[n][5] for n in part] for name, part in zip(SPLITS, parts, strict=True)}
