"""What topics say: their words, how well these go together, and how much documents use them."""

from typing import Any

import numpy as np
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.data.corpora import Corpus
from vaetext.data.loader import Split
from vaetext.distributions.evidence import Evidence
from vaetext.models.diagnostics import Diagnostic, Page

WORDS = 10  # of each topic
DOCUMENTS = 50  # shown with their topics
SHOWN = 3  # topics of each
CHARACTERS = 300  # of each


class Topics(Diagnostic):
    """``topics.txt``, ``documents.txt``, and the mean coherence of topics.

    A topic's words are those of the most certain weights, but for stop words. Its coherence is the
    mean NPMI of all pairs of them over the training documents. It is the strongest of a document
    where E[q(theta_k)] std(b_k), what it adds to the logits, is the largest; its KL is the mean
    over documents of KL(q(theta_k|x) || N(0, 1)).

    It is for models with a latent "theta" whose ``topics`` are a linear map to the logits, and with
    a mask ``stop`` of stop words.
    """

    def __init__(self) -> None:
        self.corpus: Corpus | None = None
        self.weight = np.zeros((0, 0))
        self.stop = np.zeros(0, dtype=bool)
        self.parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # index, E[theta], KL
        self.shown: dict[int, np.ndarray] = {}  # the first documents' tokens

    def begin(self, split: Split, corpus: Corpus | None = None) -> None:
        self.corpus = corpus

    def update(self, model: Any, batch: Batch, evidence: Evidence) -> None:
        theta = evidence.latents["theta"]
        self.weight = _array(model.topics.weight)
        self.stop = model.stop.cpu().numpy()
        index = batch.index.cpu().numpy()
        self.parts.append((index, _array(theta.q.mean[0]), _array(theta.kl[0])))
        for row in np.flatnonzero(index < DOCUMENTS):
            self.shown[int(index[row])] = batch.x[row, : int(batch.lengths[row])].cpu().numpy()

    def numbers(self) -> dict[str, float]:
        found = {"stop words": float(self.stop.sum())}
        if self.corpus is None:
            return found
        npmi = float(self._coherence(self.corpus).mean())
        return found if np.isnan(npmi) else {**found, "NPMI": npmi}

    def pages(self) -> list[Page]:
        if self.corpus is None:
            return []
        return [
            Page("topics.txt", self._topics(self.corpus)),
            Page("documents.txt", self._documents(self.corpus)),
        ]

    def _top(self, corpus: Corpus) -> np.ndarray:
        """[D, W] the ids of each topic's words: WORDS, or all that are no stop words."""
        found = certain_weights(self.weight, corpus.splits["train"])
        found[self.stop] = -np.inf
        return np.argsort(-found, 0, kind="stable")[: min(WORDS, int((~self.stop).sum()))].T

    def _coherence(self, corpus: Corpus) -> np.ndarray:
        return coherence(self._top(corpus), corpus.splits["train"], self.weight.shape[0])

    @property
    def _strengths(self) -> np.ndarray:
        """[N, D] what each topic adds to the logits of each document, in the order of the split."""
        index, mean = (np.concatenate([part[n] for part in self.parts]) for n in (0, 1))
        return np.asarray(mean[np.argsort(index)] * self.weight.std(0))

    def _topics(self, corpus: Corpus) -> str:
        """A line for each topic, the one with the highest KL first."""
        strongest = self._strengths.argmax(1)
        kl = np.concatenate([part[2] for part in self.parts]).mean(0)
        npmi, words = self._coherence(corpus), self._words(corpus)
        lines = [
            f"{topic}\t{kl[topic]:.3f}\t{100 * (strongest == topic).mean():.1f}\t{npmi[topic]:.3f}"
            f"\t{words[topic]}\n"
            for topic in np.argsort(-kl, kind="stable")
        ]
        return "topic\tKL\tstrongest in %\tNPMI\twords\n" + "".join(lines)

    def _documents(self, corpus: Corpus) -> str:
        """The first documents of the split, below the words of their strongest topics."""
        words, strengths = self._words(corpus), self._strengths
        texts = {n: corpus.format.decode(self.shown[n]) for n in sorted(self.shown)}
        return "\n".join(_document(text, strengths[n], words) for n, text in texts.items())

    def _words(self, corpus: Corpus) -> list[str]:
        """The words of each topic."""
        return [" ".join(map(corpus.format.decode, top[:, None])) for top in self._top(corpus)]


def _document(text: str, strengths: np.ndarray, words: list[str]) -> str:
    topics = np.argsort(-strengths, kind="stable")[:SHOWN]
    lines = [f"{strengths[k]:+.2f} topic {k}: {words[k]}\n" for k in topics]
    return "".join(lines) + f"{text[:CHARACTERS]}{'...' * (len(text) > CHARACTERS)}\n"


def certain_weights(weight: np.ndarray, split: Split) -> np.ndarray:
    """[V, D] b_wk sqrt(n_w): weights in units of their standard errors, up to a factor.

    n_w is how often w occurs in ``split``, and the standard error of a weight that is learned from
    n_w words falls as 1 / sqrt(n_w). By b alone the rarest words come first, whose weights are the
    least certain.

    Args:
        weight: b [V, D].
        split: of documents.
    """
    counts = np.zeros(len(weight))
    for part in split.parts():
        counts += np.bincount(part.x, minlength=len(weight))
    return np.asarray(weight * np.sqrt(counts)[:, None])


def coherence(top: np.ndarray, split: Split, size: int) -> np.ndarray:
    """[D] the mean over pairs of NPMI(i, j) = log(p_ij / (p_i p_j)) / -log p_ij (Bouma 2009).

    p_i is the share of documents that word i is in, p_ij of those with both; -1 where no document
    has both, 1 where all have. Topics of fewer than two words have none: NaN.

    Args:
        top: [D, W] ids of words.
        split: of documents.
        size: of the vocabulary.
    """
    if top.shape[1] < 2:
        return np.full(len(top), np.nan)
    words, place = np.unique(top, return_inverse=True)
    column = np.full(size, -1)
    column[words] = np.arange(len(words))
    joint = np.zeros((len(words), len(words)))
    for part in split.parts():
        joint += _together(part, column, len(words))
    joint /= len(split)
    place = place.reshape(top.shape)
    first, second = np.triu_indices(top.shape[1], 1)
    i, j = place[:, first], place[:, second]
    p_ij, p_i, p_j = joint[i, j], joint[i, i], joint[j, j]
    with np.errstate(divide="ignore", invalid="ignore"):
        npmi = np.log(p_ij / (p_i * p_j)) / -np.log(p_ij)
    return np.asarray(np.where(p_ij == 0, -1, np.where(p_ij == 1, 1, npmi)).mean(1))


def _together(split: Split, column: np.ndarray, size: int) -> np.ndarray:
    """[size, size] how many documents have both of two words, ``column`` of their ids."""
    document = np.repeat(np.arange(len(split)), split.lengths)
    listed = column[split.x] >= 0
    seen = np.zeros((len(split), size), dtype=np.float32)
    seen[document[listed], column[split.x[listed]]] = 1
    return (seen.T @ seen).astype(np.float64)


def _array(tensor: Tensor) -> np.ndarray:
    return np.asarray(tensor.detach().double().cpu().numpy())
