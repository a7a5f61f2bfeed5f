"""Yelp 2013 reviews as in Xu and Durrett 2018, cut at 50 words."""

from collections.abc import Sequence
from pathlib import Path

from vaetext.config.data import TextData
from vaetext.data.corpora import Corpus
from vaetext.data.files import Remote, Report
from vaetext.data.format import Format
from vaetext.data.loader import SPLITS, Sequences
from vaetext.data.sentences import locate_all, published_sentences, text_corpus

_URL = (
    "https://raw.githubusercontent.com/jiacheng-xu/vmf_vae_nlp"
    "/9f486db7d07aeebbcdb7d8e4002cc33ac88f75de/data/yelp"
)
FILES = (
    Remote("yelp13/train.txt", f"{_URL}/train.txt", "9e1c1daf998682f7622baae10506f9beac674e48"),
    Remote(
        "yelp13/valid.txt",
        f"{_URL}/valid.txt",
        "fa5f81ae1a7dcc8e784bec6aa1f5b91b7bf013a1883f4e672edbf5dc5405c090",
    ),
    Remote(
        "yelp13/test.txt",
        f"{_URL}/test.txt",
        "87c05e01fe534233e36ee89d81371085ca7b826ca5ca9e2e44a31638c87ef151",
    ),
)


def load(config: TextData, report: Report) -> Corpus:
    """The three published files, without the ratings.

    Raises:
        ValueError: one is missing and cannot be fetched, or is not the published one.
    """
    files = locate_all(FILES, config.root, report)
    return text_corpus(config, files, lambda: dict(zip(SPLITS, reviews(FILES, files), strict=True)))


def read_split(config: TextData, name: str, form: Format, report: Report) -> Sequences:
    """One file alone.

    Raises:
        ValueError: as ``load`` does, of this file.
    """
    remotes = [FILES[SPLITS.index(name)]]
    (lines,) = reviews(remotes, locate_all(remotes, config.root, report))
    return form.encode_all(lines)


def reviews(remotes: Sequence[Remote], files: list[Path]) -> list[list[str]]:
    """The reviews of each file without their rating, the first token of a line."""
    return [
        [line.partition(" ")[2] for line in lines] for lines in published_sentences(remotes, files)
    ]
