"""Stop words: those that a topic model explains by their place in a sentence, not by the topic."""

import logging
from pathlib import Path

from vaetext.config.data import TextData
from vaetext.data.files import read_lines
from vaetext.data.own import existing
from vaetext.data.tokenizer import Tokenizer

log = logging.getLogger(__name__)
ENGLISH, NONE = "english", "none"  # values of data.stop_words that are no files
SHOWN = 5  # words of a file that are not in the vocabulary


def stop_word_file(config: TextData) -> Path | None:
    """The file that ``data.stop_words`` names; None where it names none.

    Raises:
        ValueError: it is missing, or tokens are no words.
    """
    if config.stop_words in (ENGLISH, NONE):
        return None
    if config.tokens != "word":
        raise ValueError(
            f"data.stop_words={config.stop_words}: data.tokens={config.tokens} has no words to"
            " look up; set data.tokens=word or data.stop_words=none"
        )
    try:
        return existing("data.stop_words", config.stop_words, config.root)
    except ValueError as error:
        raise ValueError(f"{error}, or set {ENGLISH} or {NONE}") from error


def stop_words(config: TextData, words: Tokenizer) -> list[int]:
    """The ids of the stop words in a vocabulary, ascending; a warning names others of a file.

    Raises:
        ValueError: a file holds none of the vocabulary, or what ``stop_word_file`` raises.
    """
    path = stop_word_file(config)
    if path is None:
        given = _english() if config.stop_words == ENGLISH and config.tokens == "word" else set()
        return words.ids_of(given)
    given = {line.strip() for line in read_lines(path)} - {""}
    found = words.ids_of(given)
    if not given:
        raise ValueError(
            f"data.stop_words={config.stop_words}: the file is empty; give a word on each line, or"
            f" set {NONE}"
        )
    if not found:
        raise ValueError(
            f"data.stop_words={config.stop_words}: none of its {len(given)} lines is a word of the"
            " vocabulary; give a word on each line, written as in the text"
        )
    if unknown := sorted(word for word in given if not words.ids_of({word})):
        log.warning(
            "data.stop_words=%s: %s of %s words are not in the vocabulary (%s%s)",
            config.stop_words,
            len(unknown),
            len(given),
            ", ".join(unknown[:SHOWN]),
            ", ..." * (len(unknown) > SHOWN),
        )
    return found


def _english() -> set[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # a slow import

    return set(ENGLISH_STOP_WORDS)
