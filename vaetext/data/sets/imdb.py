"""IMDB movie reviews (Maas et al. 2011), with the sentiment of each as a factor."""

import re
import sys
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vaetext.config.data import IMDB
from vaetext.data.corpora import Corpus
from vaetext.data.files import Report, find, read_lines, roots
from vaetext.data.newsgroups import words
from vaetext.data.sentences import text_corpus

URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
ARCHIVE = "imdb/aclImdb_v1.tar.gz"
TABLES = {"train": ("imdb/train.tsv", "imdb/valid.tsv"), "test": ("imdb/test.tsv",)}
MEMBER = re.compile(r"aclImdb/(train|test)/(neg|pos)/(\d+)_\d+\.txt$")
LABELS = ("neg", "pos")


@dataclass(frozen=True)
class Review:
    """A review.

    Attributes:
        label: neg or pos.
        number: of its file.
        text: as it is written, with ``<br />`` for a new line.
    """

    label: str
    number: int
    text: str


def load(config: IMDB, report: Report) -> Corpus:
    """The reviews: valid has those of the training part whose number ends in 9.

    Raises:
        ValueError: the files are missing, or a line of them is malformed.
    """
    files = review_files(config.root)
    train, test = (_in_order(part) for part in read_reviews(files))
    kept = {
        "train": [each for each in train if each.number % 10 != 9][: config.train_size or None],
        "valid": [each for each in train if each.number % 10 == 9],
        "test": test,
    }
    most = config.max_tokens or sys.maxsize
    corpus = text_corpus(
        config,
        files,
        lambda: {name: [_line(each, most) for each in part] for name, part in kept.items()},
    )
    for name, split in corpus.splits.items():
        labels = np.array([each.label for each in kept[name]])
        corpus.splits[name] = replace(split, factors={"sentiment": labels})
    return corpus


def review_files(root: str | None) -> list[Path]:
    """The three tables where they are found, else the published archive.

    Raises:
        ValueError: neither is found.
    """
    names = [name for part in TABLES.values() for name in part]
    found = [path for name in names if (path := find(name, root))]
    if len(found) == len(names):
        return found
    if archive := find(ARCHIVE, root):
        return [archive]
    raise ValueError(
        f"data=imdb: neither {ARCHIVE} nor {', '.join(names)} is in"
        f" {', '.join(map(str, roots(root)))}; download {URL} and place it at"
        f" {roots(None)[-1] / ARCHIVE}"
    )


def read_reviews(files: list[Path]) -> tuple[list[Review], list[Review]]:
    """The reviews of the training part and of test.

    Raises:
        ValueError: a line of a table is not label, stars, number and text between tabs.
    """
    if len(files) == 1:
        return _from_archive(files[0])
    train, valid, test = (_from_table(path) for path in files)
    return [*train, *valid], test


def _line(review: Review, most: int) -> str:
    return words(review.text.replace("<br />", " "), most)


def _in_order(reviews: list[Review]) -> list[Review]:
    """In an order that does not tell the label: by number, negative ones first."""
    return sorted(reviews, key=lambda each: (each.number, each.label))


def _from_table(path: Path) -> list[Review]:
    rows = [line.split("\t", 3) for line in read_lines(path)]
    for n, row in enumerate(rows, 1):
        if len(row) < 4 or row[0] not in ("0", "1") or not row[2].isdigit():
            raise ValueError(
                f"{path}, line {n}: it must be label (0 or 1), stars, number and review, separated"
                " by tabs"
            )
    return [Review(LABELS[int(row[0])], int(row[2]), row[3]) for row in rows]


def _from_archive(path: Path) -> tuple[list[Review], list[Review]]:
    parts: dict[str, list[Review]] = {"train": [], "test": []}
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file and (found := MEMBER.search(member.name)):
                text = file.read().decode("utf-8")
                parts[found[1]].append(Review(found[2], int(found[3]), text))
    return parts["train"], parts["test"]
