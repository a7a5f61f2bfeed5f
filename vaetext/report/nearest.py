"""``nearest.txt``: each sample and the training sentence nearest to it, which shows copies."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from vaetext.data.atomic import atomic_write
from vaetext.data.corpora import Corpus
from vaetext.data.loader import Split
from vaetext.runs.layout import NEAREST

COMPARED = 1 << 14  # sequences whose distances are in memory at once


def nearest_sequences(queries: Sequence[list[int]], split: Split) -> list[tuple[int, int]]:
    """For each query the number of the nearest sequence of ``split``, and its edit distance.

    The distance counts insertions, deletions and replacements of one token (Levenshtein). Of
    sequences at the same distance the first is taken. Queries are given without the last EOS, and
    that of the split's sequences is left out.
    """
    number = np.zeros(len(queries), dtype=np.int64)
    least = np.full(len(queries), np.iinfo(np.int64).max)
    for n, part in enumerate(split.parts(COMPARED)):
        distances = cdist(queries, _without_eos(part), scorer=Levenshtein.distance)
        nearer = distances.min(1) < least
        number[nearer] = n * COMPARED + distances.argmin(1)[nearer]
        least[nearer] = distances.min(1)[nearer]
    return list(zip(number.tolist(), least.tolist(), strict=True))


def nearest_page(samples: list[list[int]], corpus: Corpus) -> str:
    """Each sample, the nearest training sentence below it, and the tokens in which they differ."""
    train = corpus.splits["train"]
    texts = [corpus.format.decode(ids) for ids in samples]
    queries = [
        ids[:-1] if ids[-1:] == [corpus.domain.eos] else ids
        for ids in corpus.format.canonical(samples)
    ]
    found = nearest_sequences(queries, train)
    copies = sum(distance == 0 for _, distance in found)
    blocks = [
        f"> {text}\n< {corpus.format.decode(train[number])}\n"
        f"  {distance} edits, of {len(query)} tokens\n"
        for text, query, (number, distance) in zip(texts, queries, found, strict=True)
    ]
    head = (
        f"samples (>), and the nearest of {len(train):,} training sequences (<) by edits of one"
        f" token; {copies} of {len(samples)} are copies"
    )
    return "\n".join([f"{head}\n", *blocks])


def write_nearest(samples: list[list[int]], corpus: Corpus, folder: Path, n: int = 20) -> None:
    """Writes ``nearest.txt`` of a run folder, for the first ``n`` samples."""
    atomic_write(folder / NEAREST, nearest_page(samples[:n], corpus))


def _without_eos(split: Split) -> list[list[int]]:
    tokens = split.x.tolist()
    ends = split.offsets.tolist()
    return [tokens[start : end - 1] for start, end in pairwise(ends)]
