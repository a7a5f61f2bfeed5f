"""Sentences of one to N independent clauses, whose number of facts is known and log p(x) exact.

The number of clauses n is uniform on 1..N, and each clause is uniform among V = 20, whatever the
others are; "and" is between them: log p(x) = -log N - n log V. Half of the clauses have one word
and half have six, so that the number of clauses can be told from that of tokens.
"""

from dataclasses import dataclass, replace

import numpy as np

from vaetext.config.data import Clauses
from vaetext.data import tokenizer as tokenizers
from vaetext.data.corpora import Corpus
from vaetext.data.files import Report
from vaetext.data.loader import SPLITS, Split

AND = " and "
SHORT = (
    *("sings", "sleeps", "swims", "paints", "laughs"),
    *("works", "travels", "reads", "cooks", "rests"),
)
LONG = (
    "has a house by the sea",
    "has two cats in the kitchen",
    "is a teacher in a village",
    "is afraid of the big dogs",
    "lives with friends in the mountains",
    "drives a bus to the station",
    "plays the piano in a church",
    "likes films about the first war",
    "writes letters to people in rome",
    "grows apples near the old river",
)


@dataclass(frozen=True)
class Sample:
    """Sentences drawn from the distribution.

    Attributes:
        sentences: N of them.
        clauses: [N] how many each has.
    """

    sentences: list[str]
    clauses: np.ndarray


def load(config: Clauses, report: Report) -> Corpus:
    """The sentences, with the factor "clauses"; the tokenizer knows every word."""
    sizes = (config.train_size, config.valid_size, config.test_size)
    drawn = {
        name: sample(size, config.clauses, np.random.default_rng([config.seed, n]))
        for n, (name, size) in enumerate(zip(SPLITS, sizes, strict=True))
    }
    learned = tokenizers.train([*drawn["train"].sentences, *clauses(), AND], "word")
    splits = {
        name: replace(
            Split.of(learned.encode_all(each.sentences), log_prob(each.clauses, config.clauses)),
            factors={"clauses": each.clauses},
        )
        for name, each in drawn.items()
    }
    return Corpus(config.name, learned, splits, facts=lambda: facts(config.clauses))


def clauses() -> tuple[str, ...]:
    """All V clauses."""
    return SHORT + LONG


def sample(size: int, most: int, rng: np.random.Generator) -> Sample:
    """``size`` sentences of 1 to ``most`` clauses."""
    counts = rng.integers(1, most + 1, size)
    chosen = rng.integers(len(clauses()), size=(size, most))
    sentences = [
        AND.join(clauses()[number] for number in row[:count])
        for row, count in zip(chosen, counts, strict=True)
    ]
    return Sample(sentences, counts)


def log_prob(counts: np.ndarray, most: int) -> np.ndarray:
    """The exact log p(x) [N], nats, of sentences of so many clauses [N]."""
    return np.asarray(-np.log(most) - counts * np.log(len(clauses())))


def facts(most: int) -> dict[str, float]:
    """Exact facts of the distribution; lengths are in tokens with EOS."""
    counts = np.arange(1, most + 1)
    words = np.array([len(each.split()) for each in clauses()])
    # tokens = sum over clauses of words + 1, for "and" or EOS
    mean, variance = words.mean() + 1, words.var()
    explained = mean**2 * counts.var()
    return {
        "clauses to choose from": float(len(clauses())),
        "mean clauses": float(counts.mean()),
        "mean length with EOS": float(mean * counts.mean()),
        "corr(tokens, clauses)": float((explained / (explained + variance * counts.mean())) ** 0.5),
        "entropy": float(-log_prob(counts, most).mean()),
        "types": float(len({word for each in clauses() for word in each.split()}) + 1),
    }
