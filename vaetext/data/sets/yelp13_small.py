"""Yelp 2013 without its training file, which is hard to get."""

from pathlib import Path

from vaetext.config.data import TextData
from vaetext.data.corpora import Corpus
from vaetext.data.files import Report
from vaetext.data.format import Format
from vaetext.data.lines import Lines
from vaetext.data.loader import Sequences
from vaetext.data.sentences import locate_all, text_corpus
from vaetext.data.sets import yelp13

TRAIN = 7000  # reviews of Yelp's validation file that are trained on


def load(config: TextData, report: Report) -> Corpus:
    """Trained on the first 7,000 of Yelp's validation reviews, validated on the rest.

    The test split is Yelp's own.

    Raises:
        ValueError: a file is missing and cannot be fetched, or is not the published one.
    """
    files = locate_all(yelp13.FILES[1:], config.root, report)
    return text_corpus(config, files, lambda: _splits(files))


def read_split(config: TextData, name: str, form: Format, report: Report) -> Sequences:
    """One split, of its file alone.

    Raises:
        ValueError: as ``load`` does, of this file.
    """
    if name == "test":
        return yelp13.read_split(config, name, form, report)
    valid = yelp13.read_split(config, "valid", form, report)
    return valid[:TRAIN] if name == "train" else valid[TRAIN:]


def _splits(files: list[Path]) -> Lines:
    valid, test = yelp13.reviews(yelp13.FILES[1:], files)
    return {"train": valid[:TRAIN], "valid": valid[TRAIN:], "test": test}
