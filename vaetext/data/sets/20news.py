"""20 Newsgroups by date (Lang 1995): the first words of each post, and its group as a factor."""

import logging
from dataclasses import replace

import numpy as np

from vaetext.config.data import Newsgroups
from vaetext.data.corpora import Corpus
from vaetext.data.files import Report
from vaetext.data.newsgroups import body, post_files, read_posts, words
from vaetext.data.sentences import text_corpus

log = logging.getLogger(__name__)
VALID = 10  # every tenth post of the training file is one of the validation split


def load(config: Newsgroups, report: Report) -> Corpus:
    """The posts; those without a word are left out, and the log says how many.

    Raises:
        ValueError: the files are missing and cannot be fetched, or are not the published ones.
    """
    files = post_files(config.root, report)
    train, test = read_posts(files)
    posts = {
        "train": [each for n, each in enumerate(train, 1) if n % VALID],
        "valid": train[VALID - 1 :: VALID],
        "test": test,
    }
    found = {
        name: [(words(body(each.text), config.max_tokens), each.group) for each in part]
        for name, part in posts.items()
    }
    kept = {name: [each for each in part if each[0]] for name, part in found.items()}
    for name, part in kept.items():
        empty = len(found[name]) - len(part)
        log.info("data=20news: %s of %s posts of %s are empty", empty, len(found[name]), name)
    lines = {name: [line for line, _ in part] for name, part in kept.items()}
    corpus = text_corpus(config, files, lambda: lines)
    for name, split in corpus.splits.items():
        groups = np.array([group for _, group in kept[name]])
        corpus.splits[name] = replace(split, factors={"group": groups})
    return corpus
