"""Perplexity where the topics of a word are inferred from the words before it."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.distributions.evidence import Evidence
from vaetext.models.diagnostics import Diagnostic

ROWS = 256  # words whose topics are inferred together


class Window(Diagnostic):
    """PPL (window): exp of -log p(x_t | x_<t, theta_t) per token, EOS counted (Dieng et al. 2017).

    theta_t is E[q(theta | counts)] of the N sentences before that of x_t and of the words before
    x_t in its own, N being the sentences of a document: a window that slides over the text of the
    split, across the bounds of documents. The first sentences of a split have fewer before them. No
    word is predicted from itself or a later one, so this is the perplexity of a language model, and
    no bound. The state starts again with every document, as in training.

    It is for models with ``counts``, ``infer`` and ``step_log_px``, whose documents follow one
    another in a split.
    """

    def __init__(self) -> None:
        self.text: dict[int, Tensor] = {}  # document -> its tokens
        self.nats = 0.0
        self.tokens = 0

    def update(self, model: Any, batch: Batch, evidence: Evidence) -> None:
        rows = zip(batch.index.tolist(), batch.x, batch.lengths.tolist(), strict=True)
        for number, x, length in rows:
            self.text[number] = x[:length]

    def intervene(self, model: Any, batches: Iterable[Batch], seed: int) -> None:
        theta = self._inferred(model)
        for batch in batches:
            means = [theta[number] for number in batch.index.tolist()]
            padded = torch.nn.utils.rnn.pad_sequence(means, batch_first=True)  # [B, T, D]
            self.nats -= model.step_log_px(batch, padded[None]).sum().item()
            self.tokens += int(batch.lengths.sum())

    def numbers(self) -> dict[str, float]:
        return {"PPL (window)": math.exp(self.nats / self.tokens)}

    def _inferred(self, model: Any) -> dict[int, Tensor]:
        """Document -> E[q(theta | words before)] of each of its tokens, [T, D]."""
        documents = [self.text[number] for number in sorted(self.text)]
        text = torch.cat(documents)
        found = [
            model.infer(counts(model, part)).mean
            for part in windows(text, model.domain.eos, model.domain.sentences)
        ]
        parts = torch.split(torch.cat(found), list(map(len, documents)))
        return dict(zip(sorted(self.text), parts, strict=True))


def windows(text: Tensor, eos: int, sentences: int) -> Iterator[list[Tensor]]:
    """The tokens before each token of a text [T], ``ROWS`` of them at a time.

    They begin with the sentence that is ``sentences`` before that of the token.
    """
    ends = (text == eos).nonzero()[:, 0].tolist()
    begins = [0] * (sentences + 1) + [end + 1 for end in ends]
    number = (text == eos).cumsum(0) - (text == eos).long()
    places = list(enumerate(number.tolist()))
    for start in range(0, len(places), ROWS):
        yield [text[begins[n] : t] for t, n in places[start : start + ROWS]]


def counts(model: Any, texts: list[Tensor]) -> Tensor:
    """[N, V] what ``model.counts`` gives of N texts of any length."""
    lengths = torch.tensor([len(text) for text in texts], device=texts[0].device)
    x = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True, padding_value=model.domain.eos)
    return model.counts(Batch(x, lengths, torch.arange(len(texts)), model.domain))  # type: ignore[no-any-return]
