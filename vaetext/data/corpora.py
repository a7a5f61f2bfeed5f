"""Every data set by its name: lines in, tokenized splits out."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from vaetext.config.data import Data, Grammar, Sine, TextData
from vaetext.config.knobs import closest
from vaetext.data import cache, grammar, sine, text, tweets
from vaetext.data import tokenizer as tokenizers
from vaetext.data.cache import SPLITS
from vaetext.data.files import Report, quiet, read_lines
from vaetext.data.loader import Split
from vaetext.data.tokenizer import Tokenizer


@dataclass
class Corpus:
    """A data set ready for training.

    Attributes:
        name: as in tables.
        tokenizer: learned from the training split.
        splits: train, valid and test.
        source: the files it was read from.
        levels: [V] the height that each symbol stands for (nan: none), where sequences are curves.
    """

    name: str
    tokenizer: Tokenizer
    splits: dict[str, Split]
    source: list[str] = field(default_factory=list)
    levels: np.ndarray | None = None


def load(config: Data, report: Report = quiet) -> Corpus:
    """The data set that ``config.name`` names, from its cache where nothing has changed.

    Args:
        report: called with (file, bytes done, bytes in all or None) during a download.

    Raises:
        ValueError: an unknown name, or files that are missing, broken or empty.
    """
    if isinstance(config, Grammar):
        return _grammar(config)
    if isinstance(config, Sine):
        return _sine(config)
    if config.name not in LINES:
        known = [*LINES, "grammar", "sine"]
        raise ValueError(f"data.name={config.name!r} is unknown; known are {', '.join(known)}{closest(config.name, known)}")
    assert isinstance(config, TextData)
    source = LINES[config.name]
    files = source.files(config, report)
    found = cache.fetch(config, files, lambda: _prepare(config, source.read(config, files)))
    for name, split in found.splits.items():
        longest = int(split.lengths.argmax())
        if config.max_length and split.lengths[longest] - 1 > config.max_length:
            place = _place(source.read(config, files)[name][longest], files) or f"sequence {longest + 1} of {name}"
            raise ValueError(
                f"{place} has {split.lengths[longest] - 1} tokens, more than data.max_length={config.max_length};"
                " raise it (0: no limit) or shorten the text"
            )
    return Corpus(config.name, found.tokenizer, found.splits, [str(path) for path in files])


def _place(sentence: str, files: list[Path]) -> str | None:
    """File and line where a sentence stands, if it stands there as it is."""
    lines = ((path, n, line) for path in files for n, line in enumerate(read_lines(path), 1))
    return next((f"{path}, line {n}," for path, n, line in lines if sentence in line), None)


def _prepare(config: TextData, lines: dict[str, list[str]]) -> cache.Prepared:
    learned = tokenizers.train(lines["train"], config.tokens, config.vocab_size, config.min_count)
    return cache.Prepared(learned, {name: Split.of(learned.encode_all(lines[name])) for name in SPLITS})


def _grammar(config: Grammar) -> Corpus:
    """The grammar's sentences; the tokenizer knows every word of the law, seen in training or not."""
    drawn = grammar.generate(config)
    words = [word for slot in grammar.law().slots for word in slot.words if word]
    learned = tokenizers.train([*drawn["train"][0], *words], "word")
    splits = {name: Split.of(learned.encode_all(drawn[name][0]), np.asarray(drawn[name][1])) for name in SPLITS}
    return Corpus(config.name, learned, splits)


def _sine(config: Sine) -> Corpus:
    """The sine law's sequences, digits with an EOS: the length is fixed, so p(x) and p(x, EOS) are one, and a trained EOS costs nothing."""
    digits = [str(level) for level in range(sine.LEVELS)]
    learned = tokenizers.train(["".join(digits)], "char")
    symbols = np.array([learned.encode(digit)[0] for digit in digits], dtype=np.int32)

    def draw(size: int, *key: int) -> Split:
        factors = sine.sample(size, np.random.default_rng([config.seed, *key]))
        x = sine.sequences(factors)
        ids = np.column_stack([symbols[x], np.full(size, learned.eos, dtype=np.int32)])
        named = dict(zip(sine.FACTORS, factors.T, strict=True))
        return Split(ids.ravel(), np.arange(size + 1) * ids.shape[1], sine.log_prob(x), named)

    sizes = (config.train_size, config.valid_size, config.test_size)
    splits = {name: draw(size, n) for n, (name, size) in enumerate(zip(SPLITS, sizes, strict=True))}
    if config.fresh:
        splits["train"] = replace(splits["train"], fresh=lambda seed, epoch: draw(config.train_size, len(SPLITS), seed, epoch))
    levels = np.full(learned.size, np.nan)
    levels[symbols] = np.arange(sine.LEVELS)
    return Corpus(config.name, learned, splits, levels=levels)


@dataclass(frozen=True)
class Source:
    """How a text corpus is found and read: ``files`` names its files, ``read`` gives the lines of each split."""

    files: Callable[[Any, Report], list[Path]]
    read: Callable[[Any, list[Path]], dict[str, list[str]]]


LINES = {
    "ptb": Source(text.ptb_files, text.ptb),
    "yelp13": Source(text.yelp_files, text.yelp),
    "yelp13-small": Source(text.yelp_small_files, text.yelp_small),
    "text": Source(text.user_files, text.user),
    "tweets-char": Source(tweets.files, tweets.read),
}
