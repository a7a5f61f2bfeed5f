"""English-like sentences from a probabilistic grammar whose log p(x) is exact.

Four latents are drawn first: a topic, a tense, the subject's number, and the type of sentence. A
sentence is then a row of slots, each of which gives one word or nothing, independently given the
latents. No word is in two slots that could be mistaken for each other, so the words show their
slots, and p(x) = sum over latents of p(latents) prod over slots p(word | latents) is a sum of 288
terms.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vaetext.config.data import Grammar
from vaetext.data import cache
from vaetext.data import tokenizer as tokenizers
from vaetext.data.corpora import Corpus
from vaetext.data.files import Report
from vaetext.data.loader import LARGE, PART, SPLITS, Split
from vaetext.data.mapped import SplitWriter, open_split
from vaetext.data.slots import NOTHING, Distribution, distribution, syntaxes, topics
from vaetext.data.tokenizer import Tokenizer

SCORED = 1 << 12  # sentences whose log p(x) is computed at once: each takes 288 numbers


@dataclass(frozen=True)
class Sample:
    """Sentences drawn from the grammar.

    Attributes:
        sentences: N of them.
        log_p: [N] their exact log p(x) in nats, end of sentence included.
        latents: name of a latent -> [N] the names of its values.
    """

    sentences: list[str]
    log_p: np.ndarray
    latents: dict[str, np.ndarray]


def load(config: Grammar, report: Report) -> Corpus:
    """The grammar's sentences; the tokenizer knows every word, seen in training or not.

    Splits of more than ``LARGE`` sentences are drawn part by part into the cache, without factors.
    """
    large = {name: size for name, size in _sizes(config).items() if size > LARGE}
    drawn = generate(config, *(name for name in SPLITS if name not in large))
    if large:
        found = cache.fetch(config, [], lambda folder: _draw(config, large, folder, report))
        learned, splits = found.tokenizer, dict(found.splits)
    else:
        learned, splits = _learn(drawn["train"]), {}
    for name, each in drawn.items():
        split = Split.of(learned.encode_all(each.sentences), each.log_p)
        splits[name] = replace(split, factors=each.latents)
    splits = {name: splits[name] for name in SPLITS}
    return Corpus(config.name, learned, splits, facts=lambda: facts(config.seed))


def generate(config: Grammar, *names: str) -> dict[str, Sample]:
    """Every split, or those of ``names``, drawn independently from ``config.seed``."""
    sizes = _sizes(config)
    return {
        name: sample(sizes[name], np.random.default_rng([config.seed, SPLITS.index(name)]))
        for name in (names or SPLITS)
    }


def _sizes(config: Grammar) -> dict[str, int]:
    return dict(zip(SPLITS, (config.train_size, config.valid_size, config.test_size), strict=True))


def _learn(train: Sample) -> Tokenizer:
    words = [word for slot in distribution().slots for word in slot.words if word]
    return tokenizers.train([*train.sentences, *words], "word")


def _draw(config: Grammar, large: dict[str, int], folder: Path, report: Report) -> cache.Tokenized:
    """Writes large splits; the order of words is that of the first part's frequencies."""
    learned = _learn(next(_parts(config, "train", config.train_size)))
    splits = {}
    for name, size in large.items():
        path = folder / f"{name}.arrow"
        with SplitWriter(path) as writer:
            for number, part in enumerate(_parts(config, name, size)):
                writer.add(learned.encode_all(part.sentences), part.log_p)
                report(f"drawing {name}", min((number + 1) * PART, size), size)
        splits[name] = open_split(path)
    return cache.Tokenized(learned, splits, cautions=[])


def _parts(config: Grammar, name: str, size: int) -> Iterator[Sample]:
    """A large split, ``PART`` sentences at a time."""
    for number, start in enumerate(range(0, size, PART)):
        rng = np.random.default_rng([config.seed, SPLITS.index(name), number])
        yield sample(min(PART, size - start), rng)


def sample(size: int, rng: np.random.Generator) -> Sample:
    """``size`` sentences."""
    slots = distribution().slots
    choices, topic, syntax = _sample(distribution(), size, rng)
    words = [
        np.array(slot.words, dtype=object)[chosen]
        for slot, chosen in zip(slots, choices, strict=True)
    ]
    sentences = [" ".join(word for word in row if word) for row in zip(*words, strict=True)]
    tense, number, kind = np.array(syntaxes())[syntax].T
    latents = {"topic": np.array(topics())[topic], "tense": tense, "number": number, "type": kind}
    log_p = [
        _logsumexp(_joint(distribution(), [each[start : start + SCORED] for each in choices]))
        for start in range(0, size, SCORED)
    ]
    return Sample(sentences, np.concatenate(log_p), latents)


def log_prob(sentence: str) -> float:
    """The exact log p(x) of any line, nats; -inf outside the grammar.

    A left-to-right sum over every way in which the slots could give the words, for each value of
    the latents.
    """
    grammar = distribution()
    words = sentence.split()
    shape = (len(grammar.topic_p), len(grammar.syntax_p))
    # reached[n]: the probability that the slots so far gave the first n words
    reached = np.zeros((len(words) + 1, *shape))
    reached[0] = np.outer(grammar.topic_p, grammar.syntax_p)
    for slot in grammar.slots:
        p = {word: slot.p[:, :, n] for n, word in enumerate(slot.words)}
        following = reached * p.get(NOTHING, 0.0)
        for n, word in enumerate(words):
            following[n + 1] += reached[n] * p.get(word, 0.0)
        reached = following
    total = float(reached[-1].sum())
    return float(np.log(total)) if total > 0 else -np.inf


def facts(seed: int, draws: int = 4000) -> dict[str, float]:
    """Facts of the distribution by Monte Carlo, with standard errors.

    Lengths are in tokens with EOS, information in nats per sentence. The entropy is E[-log p(x)];
    I(x; latents) = E[log p(x|latents) - log p(x)].
    """
    slots = distribution().slots
    choices, topic, syntax = _sample(distribution(), draws, np.random.default_rng([seed, 3]))
    joint = _joint(distribution(), choices)
    log_p = _logsumexp(joint)
    prior = distribution().topic_p[topic] * distribution().syntax_p[syntax]
    information = joint[topic, syntax, np.arange(draws)] - np.log(prior) - log_p
    length = 1 + sum(
        np.array([word != NOTHING for word in slot.words])[chosen]
        for slot, chosen in zip(slots, choices, strict=True)
    )
    vocabulary = {word for slot in slots for word in slot.words} - {NOTHING}
    return {
        "mean length with EOS": float(np.mean(length)),
        "entropy": float(-log_p.mean()),
        "entropy stderr": float(log_p.std() / np.sqrt(draws)),
        "I(x; latents)": float(information.mean()),
        "I(x; latents) stderr": float(information.std() / np.sqrt(draws)),
        "types": float(len(vocabulary)),
    }


def _sample(
    grammar: Distribution, size: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Each slot's word numbers [size], and the topics and syntaxes [size] they were drawn from."""
    topic = rng.choice(len(grammar.topic_p), size, p=grammar.topic_p)
    syntax = rng.choice(len(grammar.syntax_p), size, p=grammar.syntax_p / grammar.syntax_p.sum())
    choices = []
    for slot in grammar.slots:
        p = slot.p[topic if slot.p.shape[0] > 1 else 0, syntax if slot.p.shape[1] > 1 else 0]
        cumulative = np.broadcast_to(p, (size, len(slot.words))).cumsum(1)
        choices.append((rng.random(size)[:, None] * cumulative[:, -1:] >= cumulative).sum(1))
    return choices, topic, syntax


def _joint(grammar: Distribution, choices: list[np.ndarray]) -> np.ndarray:
    """[topics, syntaxes, N] log p(latents, x)."""
    joint: np.ndarray = (
        np.log(grammar.topic_p)[:, None, None] + np.log(grammar.syntax_p)[None, :, None]
    )
    topic_part = 0.0
    syntax_part = 0.0
    with np.errstate(divide="ignore"):
        for slot, chosen in zip(grammar.slots, choices, strict=True):
            part = np.log(slot.p)[:, :, chosen]
            if slot.p.shape[1] == 1:
                topic_part = topic_part + part
            elif slot.p.shape[0] == 1:
                syntax_part = syntax_part + part
            else:
                joint = joint + part
    return joint + topic_part + syntax_part


def _logsumexp(joint: np.ndarray) -> np.ndarray:
    top = joint.max((0, 1))
    return np.asarray(top + np.log(np.exp(joint - top).sum((0, 1))))
