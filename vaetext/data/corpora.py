"""Every data set by its name: lines in, tokenized splits out."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from vaetext.config.data import Curves, Data, Grammar, Sine, SineContinuous, TextData
from vaetext.config.options import closest
from vaetext.data import cache, grammar, sine, text, tweets
from vaetext.data import tokenizer as tokenizers
from vaetext.data.cache import SPLITS
from vaetext.data.domain import Domain
from vaetext.data.files import Report, quiet, read_lines
from vaetext.data.loader import Split
from vaetext.data.standardizer import Standardizer
from vaetext.data.tokenizer import Tokenizer

STATISTICS = 20_000  # curves that mean and deviation come from, the same for every seed and size


@dataclass
class Corpus:
    """A data set ready for training.

    Attributes:
        name: as in tables.
        tokenizer: from lines to sequences and back, learned from the training split (of text).
        splits: train, valid and test.
        source: the files it was read from.
        curve: a sequence as the heights [T] that it stands for (nan: none), where sequences are curves.
    """

    name: str
    tokenizer: Tokenizer | Standardizer
    splits: dict[str, Split]
    source: list[str] = field(default_factory=list)
    curve: Callable[[Any], np.ndarray] | None = None

    @property
    def domain(self) -> Domain:
        """What a model must know of the sequences."""
        return self.tokenizer.domain(
            max(int(split.lengths.max()) for split in self.splits.values())
        )


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
    if isinstance(config, SineContinuous):
        return _sine_continuous(config)
    if config.name not in LINES:
        known = [*LINES, "grammar", "sine", "sine-continuous"]
        raise ValueError(
            f"data.name={config.name!r} is unknown; known are {', '.join(known)}{closest(config.name, known)}"
        )
    assert isinstance(config, TextData)
    source = LINES[config.name]
    files = source.files(config, report)
    found = cache.fetch(config, files, lambda: _prepare(config, source.read(config, files)))
    for name, split in found.splits.items():
        longest = int(split.lengths.argmax())
        if config.max_length and split.lengths[longest] - 1 > config.max_length:
            place = (
                _place(source.read(config, files)[name][longest], files)
                or f"sequence {longest + 1} of {name}"
            )
            raise ValueError(
                f"{place} has {split.lengths[longest] - 1} tokens, more than data.max_length={config.max_length};"
                " raise it (0: no limit) or shorten the text"
            )
    return Corpus(config.name, found.tokenizer, found.splits, [str(path) for path in files])


def _place(sentence: str, files: list[Path]) -> str | None:
    """File and line where a sentence stands, if it stands there as it is and the files are UTF-8."""
    lines = ((path, n, line) for path in files for n, line in enumerate(read_lines(path), 1))
    with suppress(ValueError):
        return next((f"{path}, line {n}," for path, n, line in lines if sentence in line), None)
    return None


def _prepare(config: TextData, lines: dict[str, list[str]]) -> cache.Prepared:
    learned = tokenizers.train(lines["train"], config.tokens, config.vocab_size, config.min_count)
    return cache.Prepared(
        learned, {name: Split.of(learned.encode_all(lines[name])) for name in SPLITS}
    )


def _grammar(config: Grammar) -> Corpus:
    """The grammar's sentences; the tokenizer knows every word of the law, seen in training or not."""
    drawn = grammar.generate(config)
    words = [word for slot in grammar.law().slots for word in slot.words if word]
    learned = tokenizers.train([*drawn["train"].sentences, *words], "word")
    splits = {
        name: Split.of(learned.encode_all(drawn[name].sentences), drawn[name].log_p)
        for name in SPLITS
    }
    return Corpus(
        config.name,
        learned,
        {name: replace(split, factors=drawn[name].latents) for name, split in splits.items()},
    )


def _sine(config: Sine) -> Corpus:
    """The sine law's sequences, digits with an EOS: the length is fixed, so p(x) and p(x, EOS) are one, and a trained EOS costs nothing."""
    digits = [str(level) for level in range(sine.LEVELS)]
    learned = tokenizers.train(["".join(digits)], "char")
    symbols = np.array([learned.encode(digit)[0] for digit in digits], dtype=np.int32)

    def split(factors: np.ndarray, rng: np.random.Generator) -> Split:
        x = sine.sequences(factors)
        ids = np.column_stack([symbols[x], np.full(len(x), learned.eos, dtype=np.int32)])
        return Split(ids.ravel(), np.arange(len(x) + 1) * ids.shape[1], sine.log_prob(x))

    levels = np.full(learned.size, np.nan)
    levels[symbols] = np.arange(sine.LEVELS)
    return Corpus(
        config.name,
        learned,
        _curves(config, split),
        curve=lambda ids: levels[np.asarray(ids[:-1], dtype=np.int64)],
    )


def _sine_continuous(config: SineContinuous) -> Corpus:
    """The curves themselves with their noise, standardised; log p(x) is that of standardised values."""
    raw = sine.noisy(
        sine.sample(STATISTICS, np.random.default_rng(0)), config.noise, np.random.default_rng(1)
    )
    numbers = Standardizer.fit(raw.reshape(-1, 1))

    def split(factors: np.ndarray, rng: np.random.Generator) -> Split:
        y = sine.noisy(factors, config.noise, rng)
        return Split(numbers.standardised(y.reshape(-1, 1)), np.arange(len(y) + 1) * sine.STEPS)

    splits = _curves(config, split)
    if config.noise >= sine.LEAST_NOISE:
        for name in ("valid", "test"):
            y = numbers.raw(splits[name].x).reshape(-1, sine.STEPS)
            scale = sine.STEPS * np.log(numbers.std).sum()
            splits[name] = replace(splits[name], log_p=sine.log_density(y, config.noise) + scale)
    return Corpus(
        config.name, numbers, splits, curve=lambda frames: numbers.raw(np.asarray(frames))[:, 0]
    )


def _curves(
    config: Curves, split: Callable[[np.ndarray, np.random.Generator], Split]
) -> dict[str, Split]:
    """Train, valid and test of curves drawn from factors, which are kept; with fresh draws for each epoch where they are wanted."""

    def draw(size: int, *key: int) -> Split:
        rng = np.random.default_rng([config.seed, *key])
        factors = sine.sample(size, rng)
        return replace(split(factors, rng), factors=dict(zip(sine.FACTORS, factors.T, strict=True)))

    sizes = (config.train_size, config.valid_size, config.test_size)
    splits = {name: draw(size, n) for n, (name, size) in enumerate(zip(SPLITS, sizes, strict=True))}
    if config.fresh:
        splits["train"] = replace(
            splits["train"],
            fresh=lambda seed, epoch: draw(config.train_size, len(SPLITS), seed, epoch),
        )
    return splits


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
