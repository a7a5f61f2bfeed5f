"""English-like sentences from a probabilistic grammar whose log p(x) is exact.

Four latents are drawn first: a topic, a tense, the subject's number, and the type of sentence. A sentence is then a row of slots, each of
which says one word or nothing, independently given the latents. No word can stand in two slots that could be mistaken for each other, so
the words show their slots, and p(x) = sum over latents of p(latents) prod over slots p(word | latents) is a sum of 288 terms.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import product

import numpy as np

from vaetext.config.data import Grammar

TENSES, STANDARDIZER, TYPES = (
    ("past", "present", "future"),
    ("one", "many"),
    ("statement", "question", "negation", "report"),
)
TENSE_P, NUMBER_P, TYPE_P = (0.4, 0.35, 0.25), (0.5, 0.5), (0.4, 0.25, 0.2, 0.15)
SHARED = 0.2  # probability that a noun, verb or adjective is no topic's own
NOTHING = ""

# topic -> subjects | objects | verbs (base past) | adjectives | places; a shared pool comes first
_WORDS = """
shared: person friend stranger child woman visitor | thing box picture letter bag gift | see saw, want wanted, find found, like liked | old new small big | city street
sea: sailor captain fisherman diver pirate whale | ship boat anchor net sail shell | steer steered, repair repaired, sink sank, load loaded, follow followed | salty wet rusty deep | harbour island beach
farm: farmer shepherd cow horse goat miller | tractor fence barrel seed apple plough | feed fed, plant planted, harvest harvested, milk milked, brush brushed | muddy ripe fertile stubborn | field barn meadow
school: teacher pupil student principal librarian tutor | book essay pencil lesson desk exam | study studied, explain explained, grade graded, copy copied, discuss discussed | clever boring difficult curious | classroom library playground
kitchen: cook baker waiter chef butcher guest | soup cake knife oven plate recipe | taste tasted, boil boiled, slice sliced, serve served, burn burned | spicy fresh sweet hungry | restaurant cellar market
court: judge lawyer witness thief juror clerk | contract verdict crime appeal clue fine | sign signed, question questioned, reject rejected, defend defended, accuse accused | guilty legal honest secret | prison office courtroom
hospital: doctor nurse patient surgeon dentist healer | pill wound bandage fever needle tooth | treat treated, examine examined, cure cured, prescribe prescribed, clean cleaned | sick pale bitter sterile | clinic ward pharmacy
music: singer pianist drummer composer dancer violinist | song guitar melody concert flute trumpet | play played, hear heard, tune tuned, rehearse rehearsed, record recorded | loud soft famous slow | theatre stage studio
space: astronaut pilot robot engineer alien scientist | rocket planet comet satellite telescope crater | launch launched, observe observed, orbit orbited, measure measured, discover discovered | distant bright silent frozen | moon station observatory
money: banker trader broker manager investor owner | share bond price loan profit debt | sell sold, buy bought, raise raised, lose lost, borrow borrowed | cheap rich risky annual | bank exchange company
war: soldier general spy enemy guard rebel | tank rifle bomb wall bridge flag | attack attacked, destroy destroyed, capture captured, protect protected, surround surrounded | brave wounded armed cruel | border camp fortress
forest: hunter wolf bear ranger fox owl | tree nest trap branch mushroom trail | hunt hunted, climb climbed, chase chased, smell smelled, hide hid | wild green hollow dark | forest cave river
sport: player coach runner champion goalkeeper referee | ball goal medal match race trophy | win won, throw threw, kick kicked, miss missed, catch caught | fast tired proud strong | stadium gym track
"""
_ADVERBS = ["quickly", "slowly", "often", "never", "always", "quietly"]
_TIMES = {
    "past": "yesterday earlier recently",
    "present": "today now currently",
    "future": "tomorrow soon later",
}
_PREPOSITIONS = ["near", "behind", "inside", "outside"]
_IRREGULAR = {
    "child": "children", "woman": "women", "person": "people", "fisherman": "fishermen",
    "thief": "thieves", "wolf": "wolves", "tooth": "teeth", "knife": "knives",
}  # fmt: skip


@dataclass(frozen=True)
class Lexicon:
    """One topic's words (or the shared ones); verbs as (base, past)."""

    subjects: list[str]
    objects: list[str]
    verbs: list[tuple[str, str]]
    adjectives: list[str]
    places: list[str]


@dataclass(frozen=True)
class Slot:
    """One place of a sentence: ``words`` it may say, NOTHING among them, and ``p`` [topics, syntaxes, words] given the latents.

    An axis that a slot does not depend on has length 1.
    """

    words: list[str]
    p: np.ndarray


@dataclass(frozen=True)
class Law:
    """The grammar as arrays: slots in order, and the latents' probabilities [topics], [syntaxes]."""

    slots: list[Slot]
    topic_p: np.ndarray
    syntax_p: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """Sentences, their exact log p(x) [N] in nats, end of sentence included, and what they were made from: latent -> its names [N]."""

    sentences: list[str]
    log_p: np.ndarray
    latents: dict[str, np.ndarray]


def generate(config: Grammar) -> dict[str, Drawn]:
    """Every split, drawn independently from ``config.seed``."""
    sizes = {"train": config.train_size, "valid": config.valid_size, "test": config.test_size}
    return {
        name: sample(size, np.random.default_rng([config.seed, n]))
        for n, (name, size) in enumerate(sizes.items())
    }


def sample(size: int, rng: np.random.Generator) -> Drawn:
    """``size`` sentences of the law."""
    choices, (topic, syntax) = _draw(law(), size, rng)
    words = [
        np.array(slot.words, dtype=object)[chosen]
        for slot, chosen in zip(law().slots, choices, strict=True)
    ]
    sentences = [" ".join(word for word in row if word) for row in zip(*words, strict=True)]
    names = dict(
        zip(
            ("tense", "number", "type"),
            np.array(list(product(TENSES, STANDARDIZER, TYPES)))[syntax].T,
            strict=True,
        )
    )
    return Drawn(
        sentences,
        _logsumexp(_joint(law(), choices)),
        {"topic": np.array(_topics())[topic], **names},
    )


def log_prob(sentence: str) -> float:
    """The exact log p(x) of any line, nats; -inf outside the grammar.

    A left-to-right sum over every way the slots could have said the words, for each value of the latents.
    """
    grammar, words = law(), sentence.split()
    shape = (len(grammar.topic_p), len(grammar.syntax_p))
    reached = np.zeros(
        (len(words) + 1, *shape)
    )  # reached[n]: probability that the slots so far said the first n words
    reached[0] = np.outer(grammar.topic_p, grammar.syntax_p)
    for slot in grammar.slots:
        p = {word: slot.p[:, :, n] for n, word in enumerate(slot.words)}
        silent = reached * p.get(NOTHING, 0.0)
        for n, word in enumerate(words):
            silent[n + 1] += reached[n] * p.get(word, 0.0)
        reached = silent
    total = float(reached[-1].sum())
    return float(np.log(total)) if total > 0 else -np.inf


def figures(config: Grammar, draws: int = 4000) -> dict[str, float]:
    """What the law is like, by Monte Carlo with standard errors; lengths in tokens with EOS, information in nats per sentence.

    Entropy is E[-log p(x)]; I(x; latents) = E[log p(x|latents) - log p(x)].
    """
    rng = np.random.default_rng([config.seed, 3])
    choices, latents = _draw(law(), draws, rng)
    joint = _joint(law(), choices)
    log_p = _logsumexp(joint)
    own = joint[latents[0], latents[1], np.arange(draws)] - np.log(
        law().topic_p[latents[0]] * law().syntax_p[latents[1]]
    )
    length = 1 + sum(
        np.array([word != NOTHING for word in slot.words])[chosen]
        for slot, chosen in zip(law().slots, choices, strict=True)
    )
    information = own - log_p
    vocabulary = {word for slot in law().slots for word in slot.words} - {NOTHING}
    return {
        "mean length with EOS": float(np.mean(length)),
        "entropy": float(-log_p.mean()),
        "entropy stderr": float(log_p.std() / np.sqrt(draws)),
        "I(x; latents)": float(information.mean()),
        "I(x; latents) stderr": float(information.std() / np.sqrt(draws)),
        "types": float(len(vocabulary)),
    }


@cache
def law() -> Law:
    """The grammar itself."""
    shared, *topics = _lexicons()
    syntaxes = list(product(TENSES, STANDARDIZER, TYPES))
    syntax_p = np.array([a * b * c for a, b, c in product(TENSE_P, NUMBER_P, TYPE_P)])
    topic, syntax = partial(_by_topic, shared, topics), partial(_by_syntax, syntaxes)
    determiners = {
        "one": {"the": 0.5, "this": 0.3, "every": 0.2},
        "many": {"the": 0.5, "these": 0.3, "some": 0.2},
    }
    adjective = _optional(topic(lambda lexicon: lexicon.adjectives), 0.5)
    slots = [
        syntax(lambda tense, number, kind: {"reportedly": 1.0} if kind == "report" else {}),
        syntax(
            lambda tense, number, kind: (
                {_auxiliary(tense, number): 1.0} if kind == "question" else {}
            )
        ),
        syntax(lambda tense, number, kind: determiners[number]),
        adjective,
        _numbered(topic(lambda lexicon: lexicon.subjects), syntaxes),
        syntax(lambda tense, number, kind: _middle_auxiliary(tense, number, kind)),
        syntax(lambda tense, number, kind: {"not": 1.0} if kind == "negation" else {}),
        syntax(lambda tense, number, kind: dict.fromkeys(_ADVERBS, 0.3 / len(_ADVERBS))),
        _conjugated(shared, topics, syntaxes),
        syntax(lambda tense, number, kind: {"our": 0.4, "their": 0.4, "the": 0.2}),
        adjective,
        topic(lambda lexicon: [form for noun in lexicon.objects for form in (noun, _plural(noun))]),
        syntax(lambda tense, number, kind: dict.fromkeys(_PREPOSITIONS, 1 / len(_PREPOSITIONS))),
        syntax(lambda tense, number, kind: {"the": 0.7, "that": 0.3}),
        topic(lambda lexicon: lexicon.places),
        syntax(lambda tense, number, kind: dict.fromkeys(_TIMES[tense].split(), 0.2)),
        syntax(
            lambda tense, number, kind: {"?": 1.0} if kind == "question" else {".": 0.9, "!": 0.1}
        ),
    ]
    return Law(slots, np.full(len(topics), 1 / len(topics)), syntax_p)


def _topics() -> list[str]:
    return [line.partition(":")[0] for line in _WORDS.strip().splitlines()[1:]]


def _lexicons() -> list[Lexicon]:
    found = []
    for line in _WORDS.strip().splitlines():
        subjects, objects, verbs, adjectives, places = (
            part.strip() for part in line.split(":")[1].split("|")
        )
        pairs = [(base, past) for base, past in (verb.split() for verb in verbs.split(","))]
        found.append(
            Lexicon(subjects.split(), objects.split(), pairs, adjectives.split(), places.split())
        )
    return found


def _by_topic(
    shared: Lexicon, topics: list[Lexicon], words: Callable[[Lexicon], list[str]]
) -> Slot:
    """A slot that says a topic's own word, the first ones more often, or with probability SHARED one of everybody's."""
    vocabulary = list(
        dict.fromkeys(word for lexicon in (shared, *topics) for word in words(lexicon))
    )
    place = {word: n for n, word in enumerate(vocabulary)}
    p = np.zeros((len(topics), 1, len(vocabulary)))
    for row, lexicon in enumerate(topics):
        for mass, own in ((SHARED, words(shared)), (1 - SHARED, words(lexicon))):
            weights = 1 / np.arange(2, len(own) + 2)
            for word, weight in zip(own, weights / weights.sum(), strict=True):
                p[row, 0, place[word]] += mass * weight
    return Slot(vocabulary, p)


def _by_syntax(
    syntaxes: list[tuple[str, str, str]], say: Callable[[str, str, str], dict[str, float]]
) -> Slot:
    """A slot whose words depend on tense, number and type; what is left of one is the probability of saying nothing."""
    said = [say(*each) for each in syntaxes]
    vocabulary = [NOTHING, *dict.fromkeys(word for each in said for word in each)]
    p = np.array([[each.get(word, 0.0) for word in vocabulary] for each in said])
    p[:, 0] = (1 - p[:, 1:].sum(1)).round(12)  # an exact 0 where a word must be said
    return Slot(vocabulary, p[None])


def _optional(slot: Slot, p: float) -> Slot:
    silent = np.full((*slot.p.shape[:2], 1), 1 - p)
    return Slot([NOTHING, *slot.words], np.concatenate([silent, p * slot.p], 2))


def _numbered(nouns: Slot, syntaxes: list[tuple[str, str, str]]) -> Slot:
    """Nouns in the subject's number: singular forms first, then plural ones."""
    one = np.array([number == "one" for _, number, _ in syntaxes], dtype=float)[None, :, None]
    return Slot(
        [*nouns.words, *map(_plural, nouns.words)],
        np.concatenate([one * nouns.p, (1 - one) * nouns.p], 2),
    )


def _conjugated(
    shared: Lexicon, topics: list[Lexicon], syntaxes: list[tuple[str, str, str]]
) -> Slot:
    """Verbs in the form that tense, number and type ask for: base, third person, past."""
    base = _by_topic(shared, topics, lambda lexicon: [verb for verb, _ in lexicon.verbs])
    past = _by_topic(shared, topics, lambda lexicon: [verb for _, verb in lexicon.verbs])
    form = np.array([_form(*each) for each in syntaxes])[None, :, None]
    words = [*base.words, *map(_with_s, base.words), *past.words]
    return Slot(
        words,
        np.concatenate([(form == n) * part.p for n, part in enumerate((base, base, past))], 2),
    )


def _form(tense: str, number: str, kind: str) -> int:
    if kind in ("question", "negation") or tense == "future":
        return 0
    if tense == "past":
        return 2
    return 1 if number == "one" else 0


def _auxiliary(tense: str, number: str) -> str:
    return {"past": "did", "future": "will"}.get(tense, "does" if number == "one" else "do")


def _middle_auxiliary(tense: str, number: str, kind: str) -> dict[str, float]:
    if kind == "negation" or (tense == "future" and kind != "question"):
        return {_auxiliary(tense, number): 1.0}
    return {}


def _plural(noun: str) -> str:
    return _IRREGULAR.get(noun, _with_s(noun))


def _with_s(word: str) -> str:
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def _draw(
    grammar: Law, size: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Each slot's word numbers [size], and the latents they were drawn from."""
    topic = rng.choice(len(grammar.topic_p), size, p=grammar.topic_p)
    syntax = rng.choice(len(grammar.syntax_p), size, p=grammar.syntax_p / grammar.syntax_p.sum())
    choices = []
    for slot in grammar.slots:
        p = slot.p[topic if slot.p.shape[0] > 1 else 0, syntax if slot.p.shape[1] > 1 else 0]
        cumulative = np.broadcast_to(p, (size, len(slot.words))).cumsum(1)
        choices.append((rng.random(size)[:, None] * cumulative[:, -1:] >= cumulative).sum(1))
    return choices, (topic, syntax)


def _joint(grammar: Law, choices: list[np.ndarray]) -> np.ndarray:
    """[topics, syntaxes, N] log p(latents, x)."""
    joint: np.ndarray = (
        np.log(grammar.topic_p)[:, None, None] + np.log(grammar.syntax_p)[None, :, None]
    )
    topic_part, syntax_part = 0.0, 0.0
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
