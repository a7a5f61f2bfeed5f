"""The grammar's words, and the forms they take."""

import re
from dataclasses import dataclass

# A topic a paragraph: subjects | objects | verbs (base past) | adjectives | places. The words
# shared by all topics come first.
_WORDS = """
shared: person friend stranger child woman visitor | thing box picture letter bag gift |
  see saw, want wanted, find found, like liked |
  old new small big | city street
sea: sailor captain fisherman diver pirate whale | ship boat anchor net sail shell |
  steer steered, repair repaired, sink sank, load loaded, follow followed |
  salty wet rusty deep | harbour island beach
farm: farmer shepherd cow horse goat miller | tractor fence barrel seed apple plough |
  feed fed, plant planted, harvest harvested, milk milked, brush brushed |
  muddy ripe fertile stubborn | field barn meadow
school: teacher pupil student principal librarian tutor | book essay pencil lesson desk exam |
  study studied, explain explained, grade graded, copy copied, discuss discussed |
  clever boring difficult curious | classroom library playground
kitchen: cook baker waiter chef butcher guest | soup cake knife oven plate recipe |
  taste tasted, boil boiled, slice sliced, serve served, burn burned |
  spicy fresh sweet hungry | restaurant cellar market
court: judge lawyer witness thief juror clerk | contract verdict crime appeal clue fine |
  sign signed, question questioned, reject rejected, defend defended, accuse accused |
  guilty legal honest secret | prison office courtroom
hospital: doctor nurse patient surgeon dentist healer | pill wound bandage fever needle tooth |
  treat treated, examine examined, cure cured, prescribe prescribed, clean cleaned |
  sick pale bitter sterile | clinic ward pharmacy
music: singer pianist drummer composer dancer violinist | song guitar melody concert flute trumpet |
  play played, hear heard, tune tuned, rehearse rehearsed, record recorded |
  loud soft famous slow | theatre stage studio
space: astronaut pilot robot engineer alien scientist |
  rocket planet comet satellite telescope crater |
  launch launched, observe observed, orbit orbited, measure measured, discover discovered |
  distant bright silent frozen | moon station observatory
money: banker trader broker manager investor owner | share bond price loan profit debt |
  sell sold, buy bought, raise raised, lose lost, borrow borrowed |
  cheap rich risky annual | bank exchange company
war: soldier general spy enemy guard rebel | tank rifle bomb wall bridge flag |
  attack attacked, destroy destroyed, capture captured, protect protected, surround surrounded |
  brave wounded armed cruel | border camp fortress
forest: hunter wolf bear ranger fox owl | tree nest trap branch mushroom trail |
  hunt hunted, climb climbed, chase chased, smell smelled, hide hid |
  wild green hollow dark | forest cave river
sport: player coach runner champion goalkeeper referee | ball goal medal match race trophy |
  win won, throw threw, kick kicked, miss missed, catch caught |
  fast tired proud strong | stadium gym track
"""
_IRREGULAR = {
    "child": "children", "woman": "women", "person": "people", "fisherman": "fishermen",
    "thief": "thieves", "wolf": "wolves", "tooth": "teeth", "knife": "knives",
}  # fmt: skip


@dataclass(frozen=True)
class Lexicon:
    """The words of one topic, or those shared by all; verbs as (base, past)."""

    subjects: list[str]
    objects: list[str]
    verbs: list[tuple[str, str]]
    adjectives: list[str]
    places: list[str]


def lexicons() -> dict[str, Lexicon]:
    """Topic -> its words; "shared" comes first."""
    paragraphs = re.split(r"\n(?=\w)", _WORDS.strip())
    named = (paragraph.split(":") for paragraph in paragraphs)
    return {name: _lexicon(words) for name, words in named}


def plural(noun: str) -> str:
    """The plural of a noun."""
    return _IRREGULAR.get(noun, with_s(noun))


def with_s(word: str) -> str:
    """A noun's regular plural, or a verb's third person."""
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def _lexicon(words: str) -> Lexicon:
    subjects, objects, verbs, adjectives, places = words.split("|")
    pairs = [(base, past) for base, past in (verb.split() for verb in verbs.split(","))]
    return Lexicon(subjects.split(), objects.split(), pairs, adjectives.split(), places.split())
