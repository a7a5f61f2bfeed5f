"""The grammar's slots: the words that each may give, and their probabilities given the latents."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from vaetext.data.lexicon import Lexicon, lexicons, plural, with_s

Words = Callable[[Lexicon], list[str]]
Given = Callable[[str, str, str], dict[str, float]]  # tense, number, type -> word -> probability
TENSES = ("past", "present", "future")
NUMBERS = ("one", "many")
TYPES = ("statement", "question", "negation", "report")
TENSE_P = (0.4, 0.35, 0.25)
NUMBER_P = (0.5, 0.5)
TYPE_P = (0.4, 0.25, 0.2, 0.15)
SHARED = 0.2  # probability that a noun, verb or adjective is one that all topics share
NOTHING = ""

_ADVERBS = ["quickly", "slowly", "often", "never", "always", "quietly"]
_TIMES = {
    "past": ["yesterday", "earlier", "recently"],
    "present": ["today", "now", "currently"],
    "future": ["tomorrow", "soon", "later"],
}
_PREPOSITIONS = dict.fromkeys(["near", "behind", "inside", "outside"], 0.25)
_MARKS = {"?": {"?": 1.0}, ".": {".": 0.9, "!": 0.1}}
_DETERMINERS = {
    "one": {"the": 0.5, "this": 0.3, "every": 0.2},
    "many": {"the": 0.5, "these": 0.3, "some": 0.2},
}


@dataclass(frozen=True)
class Slot:
    """One place of a sentence.

    Attributes:
        words: that it may give, NOTHING among them.
        p: [topics, syntaxes, words] their probabilities given the latents; an axis that the slot
            does not depend on has length 1.
    """

    words: list[str]
    p: np.ndarray


@dataclass(frozen=True)
class Distribution:
    """The grammar as arrays.

    Attributes:
        slots: in the order of a sentence.
        topic_p: [topics].
        syntax_p: [syntaxes], of a tense, a number and a type together.
    """

    slots: list[Slot]
    topic_p: np.ndarray
    syntax_p: np.ndarray


@cache
def distribution() -> Distribution:
    """The grammar itself."""
    adjective = _optional(_by_topic(lambda lexicon: lexicon.adjectives), 0.5)
    slots = [
        _by_syntax(lambda tense, number, kind: {"reportedly": 1.0} if kind == "report" else {}),
        _by_syntax(_first_auxiliary),
        _by_syntax(lambda tense, number, kind: _DETERMINERS[number]),
        adjective,
        _numbered(_by_topic(lambda lexicon: lexicon.subjects)),
        _by_syntax(_middle_auxiliary),
        _by_syntax(lambda tense, number, kind: {"not": 1.0} if kind == "negation" else {}),
        _by_syntax(lambda tense, number, kind: dict.fromkeys(_ADVERBS, 0.3 / len(_ADVERBS))),
        _conjugated(),
        _by_syntax(lambda tense, number, kind: {"our": 0.4, "their": 0.4, "the": 0.2}),
        adjective,
        _by_topic(_singular_and_plural),
        _by_syntax(lambda tense, number, kind: _PREPOSITIONS),
        _by_syntax(lambda tense, number, kind: {"the": 0.7, "that": 0.3}),
        _by_topic(lambda lexicon: lexicon.places),
        _by_syntax(lambda tense, number, kind: dict.fromkeys(_TIMES[tense], 0.2)),
        _by_syntax(lambda tense, number, kind: _MARKS["?" if kind == "question" else "."]),
    ]
    syntax_p = np.array([a * b * c for a, b, c in product(TENSE_P, NUMBER_P, TYPE_P)])
    return Distribution(slots, np.full(len(topics()), 1 / len(topics())), syntax_p)


def topics() -> list[str]:
    """The topics, as [topics] of every array."""
    return [name for name in lexicons() if name != "shared"]


def syntaxes() -> list[tuple[str, str, str]]:
    """Every (tense, number, type), as [syntaxes] of every array."""
    return list(product(TENSES, NUMBERS, TYPES))


def _by_topic(words: Words) -> Slot:
    """A slot that gives a word of its topic, or with probability SHARED one that all share.

    The first words of a list are more likely than the last.
    """
    shared, *own = lexicons().values()
    vocabulary = list(dict.fromkeys(word for lexicon in (shared, *own) for word in words(lexicon)))
    place = {word: n for n, word in enumerate(vocabulary)}
    p = np.zeros((len(own), 1, len(vocabulary)))
    for row, lexicon in enumerate(own):
        for mass, given in ((SHARED, words(shared)), (1 - SHARED, words(lexicon))):
            weights = 1 / np.arange(2, len(given) + 2)
            for word, weight in zip(given, weights / weights.sum(), strict=True):
                p[row, 0, place[word]] += mass * weight
    return Slot(vocabulary, p)


def _by_syntax(given: Given) -> Slot:
    """A slot whose words depend on tense, number and type.

    NOTHING has the rest of the probability.
    """
    rows = [given(*syntax) for syntax in syntaxes()]
    vocabulary = [NOTHING, *dict.fromkeys(word for row in rows for word in row)]
    p = np.array([[row.get(word, 0.0) for word in vocabulary] for row in rows])
    p[:, 0] = (1 - p[:, 1:].sum(1)).round(12)  # an exact 0 where there must be a word
    return Slot(vocabulary, p[None])


def _optional(slot: Slot, p: float) -> Slot:
    """The slot with probability ``p``, else NOTHING."""
    nothing = np.full((*slot.p.shape[:2], 1), 1 - p)
    return Slot([NOTHING, *slot.words], np.concatenate([nothing, p * slot.p], 2))


def _numbered(nouns: Slot) -> Slot:
    """Nouns in the subject's number: singular forms first, then plural ones."""
    one = np.array([number == "one" for _, number, _ in syntaxes()], dtype=float)[None, :, None]
    return Slot(
        [*nouns.words, *map(plural, nouns.words)],
        np.concatenate([one * nouns.p, (1 - one) * nouns.p], 2),
    )


def _conjugated() -> Slot:
    """Verbs in the form that tense, number and type ask for: base, third person, past."""
    base = _by_topic(lambda lexicon: [verb for verb, _ in lexicon.verbs])
    past = _by_topic(lambda lexicon: [verb for _, verb in lexicon.verbs])
    form = np.array([_form(*syntax) for syntax in syntaxes()])[None, :, None]
    parts = [(form == n) * part.p for n, part in enumerate((base, base, past))]
    words = [*base.words, *map(with_s, base.words), *past.words]
    return Slot(words, np.concatenate(parts, 2))


def _singular_and_plural(lexicon: Lexicon) -> list[str]:
    return [form for noun in lexicon.objects for form in (noun, plural(noun))]


def _form(tense: str, number: str, kind: str) -> int:
    """The number of a verb's form: 0 base, 1 third person, 2 past."""
    if kind in ("question", "negation") or tense == "future":
        return 0
    if tense == "past":
        return 2
    return 1 if number == "one" else 0


def _auxiliary(tense: str, number: str) -> str:
    return {"past": "did", "future": "will"}.get(tense, "does" if number == "one" else "do")


def _first_auxiliary(tense: str, number: str, kind: str) -> dict[str, float]:
    return {_auxiliary(tense, number): 1.0} if kind == "question" else {}


def _middle_auxiliary(tense: str, number: str, kind: str) -> dict[str, float]:
    if kind == "negation" or (tense == "future" and kind != "question"):
        return {_auxiliary(tense, number): 1.0}
    return {}
