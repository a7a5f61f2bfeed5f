"""Documents: consecutive sentences of a text as one sequence, with an EOS after each."""

import re
from collections.abc import Iterable

import numpy as np

from vaetext.data.loader import Split
from vaetext.data.tokenizer import EOS, Tokenizer

MARK = "</s>"  # written between the sentences of a line


class Documents(Tokenizer):
    """A tokenizer of lines that hold the sentences of a document, ``</s>`` between them."""

    file = "documents.model"

    def encode_all(self, lines: list[str]) -> list[list[int]]:
        """The ids of many documents, EOS after each sentence."""
        parts = [re.split(f" ?{MARK} ?", line) for line in lines]
        sentences = iter(super().encode_all([each for part in parts for each in part]))
        return [[n for _ in part for n in next(sentences)] for part in parts]

    def decode(self, ids: Iterable[int]) -> str:
        """The sentences of a document on one line."""
        sentences: list[list[int]] = [[]]
        for n in map(int, ids):
            sentences[-1].append(n)
            if n == EOS:
                sentences.append([])
        written = sentences if sentences[-1] else sentences[:-1]
        return f" {MARK} ".join(super(Documents, self).decode(each) for each in written)

    def counts(self, split: Split) -> dict[str, str]:
        """Column -> figure of a split, for ``vaetext data``."""
        counts = super().counts(split)
        sentences = f"{int((split.x == EOS).sum()):,}"
        return {"documents": counts.pop("sequences"), "sentences": sentences, **counts}


def documents(split: Split, sentences: int) -> Split:
    """Every ``sentences`` consecutive sequences of a split as one; the last one has the rest."""
    ends = split.offsets[::sentences]
    return Split(split.x, np.union1d(ends, split.offsets[-1:]))


def shifted(split: Split, sentences: int, seed: int, epoch: int) -> Split:
    """The documents of a split from a sequence on that is drawn from the first ``sentences`` ones.

    The text goes on from its end to its beginning, so that there are as many documents as without.
    It is a function of (seed, epoch), and a copy of all sequences in memory.
    """
    rng = np.random.default_rng([seed, epoch, 1])  # not that of the epoch's order
    first = int(rng.integers(min(sentences, len(split))))
    x = np.roll(split.x, -split.offsets[first])
    ends = np.cumsum(np.roll(split.lengths, -first))
    return documents(Split(x, np.concatenate([[0], ends])), sentences)
