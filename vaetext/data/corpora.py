"""Every data set by its name: lines in, tokenized splits out."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from vaetext.config.data import Data, Grammar, TextData
from vaetext.config.knobs import closest
from vaetext.data import cache, grammar, text, tweets
from vaetext.data.files import Report
from vaetext.data.loader import Split
from vaetext.data.tokenizer import Tokenizer

SPLITS = ("train", "valid", "test")


@dataclass
class Corpus:
    """A data set ready for training.

    Attributes:
        name: as in tables.
        tokenizer: learned from the training split.
        splits: train, valid and test.
        source: the files it was read from.
    """

    name: str
    tokenizer: Tokenizer
    splits: dict[str, Split]
    source: list[str] = field(default_factory=list)


def quiet(name: str, done: int, size: int | None) -> None:
    """Reports nothing of a download."""


def load(config: Data, report: Report = quiet) -> Corpus:
    """The data set that ``config.name`` names, from its cache where nothing has changed.

    Args:
        report: called with (file, bytes done, bytes in all or None) during a download.

    Raises:
        ValueError: an unknown name, or files that are missing, broken or empty.
    """
    if isinstance(config, Grammar):
        return _grammar(config)
    if config.name not in LINES:
        known = [*LINES, "grammar"]
        raise ValueError(f"data.name={config.name!r} is unknown; known are {', '.join(known)}{closest(config.name, known)}")
    assert isinstance(config, TextData)
    files = LINES[config.name].files(config, report)
    found = cache.fetch(config, files, lambda: _prepare(config, LINES[config.name].read(config, files)))
    for name, split in found.splits.items():
        check_lengths(config, name, split)
    return Corpus(config.name, found.tokenizer, found.splits, [str(path) for path in files])


def check_lengths(config: TextData, name: str, split: Split) -> None:
    """Refuses sequences longer than ``data.max_length``.

    Raises:
        ValueError: naming the first one.
    """
    longest = int(split.lengths.max()) - 1
    if config.max_length and longest > config.max_length:
        row = int((split.lengths - 1 > config.max_length).argmax())
        raise ValueError(
            f"data.max_length={config.max_length}: sequence {row + 1} of {name} has {int(split.lengths[row]) - 1} tokens and the longest"
            f" {longest}; raise data.max_length (0: no limit) or shorten the text"
        )


def _grammar(config: Grammar) -> Corpus:
    drawn = grammar.generate(config)
    lines = {name: sentences for name, (sentences, _) in drawn.items()}
    made = _prepare(TextData(name=config.name), lines)
    return Corpus(config.name, made.tokenizer, {name: made.splits[name].with_truth(np.asarray(drawn[name][1])) for name in SPLITS})


def _prepare(config: TextData, lines: dict[str, list[str]]) -> cache.Prepared:
    from vaetext.data import tokenizer as tokenizers

    learned = tokenizers.train(lines["train"], config.tokens, config.vocab_size, config.min_count)
    return cache.Prepared(learned, {name: Split.of(learned.encode_all(lines[name])) for name in SPLITS})


@dataclass(frozen=True)
class Source:
    """How a text corpus is found and read: ``files`` names its files, ``read`` gives the lines of each split."""

    files: Callable[..., list]  # type: ignore[type-arg]
    read: Callable[..., dict[str, list[str]]]


LINES = {
    "ptb": Source(text.ptb_files, text.three_files),
    "yelp13": Source(text.yelp_files, text.yelp),
    "yelp13-small": Source(text.yelp_small_files, text.yelp_small),
    "text": Source(text.user_files, text.user),
    "tweets-char": Source(tweets.files, tweets.read),
}
