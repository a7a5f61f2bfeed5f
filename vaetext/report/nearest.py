"""``nearest.txt``: each sample beside the training sentence nearest to it, which shows what was memorised."""

from pathlib import Path

import numpy as np

from vaetext.data.atomic import atomic_write
from vaetext.data.corpora import Corpus
from vaetext.data.loader import Split
from vaetext.data.tokenizer import Tokenizer
from vaetext.runs.layout import NEAREST

ENTRIES = (
    1 << 15
)  # sentences compared together times the longest one's tokens: bounds memory, and changes no result


class Nearest:
    """Searches a split for the sequence of the smallest edit distance (insert, delete, replace one token); EOS is left out.

    Two sequences of n and m tokens that have k tokens in common, wherever they stand, are at least max(n, m) - k apart. Sequences
    are compared in the order of that bound, until it reaches the best distance found: the result is that of comparing all.
    """

    def __init__(self, split: Split) -> None:
        self.split, self.lengths = split, split.lengths - 1
        size = int(split.x.max()) + 1
        rows = np.repeat(np.arange(len(split)), split.lengths)
        pairs, self.counts = np.unique(rows * size + split.x, return_counts=True)
        self.types, self.size = pairs % size, size
        self.starts = np.searchsorted(pairs, np.arange(len(split)) * size)
        self.chunk = max(1, ENTRIES // int(split.lengths.max()))

    def find(self, sequence: np.ndarray) -> tuple[int, int]:
        """The number of the nearest sequence, and its distance from ``sequence`` [n], given without EOS."""
        bound = self._bound(sequence)
        order = np.argsort(bound, kind="stable")
        best, nearest = np.iinfo(np.int64).max, -1
        for start in range(0, len(order), self.chunk):
            rows = order[start : start + self.chunk]
            rows = rows[bound[rows] < best]
            if len(rows) == 0:
                break
            distances = edit_distances(sequence, self._padded(rows), self.lengths[rows])
            if distances.min() < best:
                best, nearest = int(distances.min()), int(rows[distances.argmin()])
        return nearest, best

    def _bound(self, sequence: np.ndarray) -> np.ndarray:
        """[N] a lower bound of each sequence's distance."""
        wanted = np.bincount(sequence[sequence < self.size], minlength=self.size)
        wanted[self.split.x[-1]] = 1  # EOS, which every sequence has once
        common = np.add.reduceat(np.minimum(self.counts, wanted[self.types]), self.starts) - 1
        return np.asarray(np.maximum(self.lengths, len(sequence)) - common)

    def _padded(self, rows: np.ndarray) -> np.ndarray:
        """[rows, longest] ids, of any value past a sequence's end."""
        where = self.split.offsets[rows][:, None] + np.arange(self.lengths[rows].max())
        return np.asarray(self.split.x[np.minimum(where, len(self.split.x) - 1)])


def edit_distances(sequence: np.ndarray, others: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """[N] Levenshtein distances of ``sequence`` [n] from the first ``lengths`` [N] ids of each of ``others`` [N, L].

    A row of the usual table at a time: d_j = min over i <= j of c_i + (j - i), c the costs without the insertions of this row.
    """
    steps = np.arange(others.shape[1] + 1, dtype=np.int32)
    row = np.tile(steps, (len(others), 1))
    for n, token in enumerate(sequence.tolist(), 1):
        costs = np.minimum(row[:, 1:] + 1, row[:, :-1] + (others != token))
        costs = np.concatenate([np.full((len(others), 1), n, dtype=np.int32), costs], 1)
        row = np.minimum.accumulate(costs - steps, 1) + steps
    return np.asarray(row[np.arange(len(others)), lengths])


def page(samples: list[list[int]], corpus: Corpus) -> str:
    """Each sample, the nearest training sentence below it, and how many of the sample's tokens they differ in."""
    search, train, tokenizer = (
        Nearest(corpus.splits["train"]),
        corpus.splits["train"],
        corpus.tokenizer,
    )
    assert isinstance(tokenizer, Tokenizer)
    lines, blocks, copies = [tokenizer.decode(ids) for ids in samples], [], 0
    found = (
        tokenizer.encode_all(lines) if tokenizer.kind == "subword" else samples
    )  # a model may cut a text into pieces of its own
    for line, ids in zip(lines, found, strict=True):
        tokens = np.array([n for n in ids if n != tokenizer.eos], dtype=np.int64)
        number, distance = search.find(tokens)
        copies += distance == 0
        blocks.append(
            f"> {line}\n< {tokenizer.decode(train[number])}\n  {distance} edits, of {len(tokens)} tokens\n"
        )
    head = f"samples (>), and the nearest of {len(train):,} training sequences (<) by edits of one token; {copies} of {len(lines)} are copies"
    return "\n".join([f"{head}\n", *blocks])


def write_nearest(samples: list[list[int]], corpus: Corpus, folder: Path, n: int = 20) -> None:
    """nearest.txt of a run folder: the first ``n`` samples."""
    atomic_write(folder / NEAREST, page(samples[:n], corpus))
