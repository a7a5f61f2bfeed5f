"""Perplexity where the topics of a sentence are inferred from the sentences before it."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.distributions.evidence import Evidence
from vaetext.models.diagnostics import Diagnostic

ROWS = 256  # sentences whose topics are inferred together


class Window(Diagnostic):
    """PPL (window): exp of -log p(x_t | x_<t, theta) per token, EOS counted (Dieng et al. 2017).

    theta of every word of a sentence is E[q(theta | counts)] of the N sentences before it, N being
    those of a document: a window that slides over the text of the split, across the bounds of
    documents. The first sentences of a split have fewer before them. No word is predicted from
    itself or a later one, so this is the perplexity of a language model, and no bound. The state
    starts again with every document, as in training.

    It is for models with ``counts``, ``infer`` and ``step_log_px``, whose documents follow one
    another in a split.
    """

    def __init__(self) -> None:
        self.words: dict[int, list[Tensor]] = {}  # document -> the ids of each of its sentences
        self.nats = 0.0
        self.tokens = 0

    def update(self, model: Any, batch: Batch, evidence: Evidence) -> None:
        rows = zip(batch.index.tolist(), batch.x, batch.lengths.tolist(), strict=True)
        for number, x, length in rows:
            self.words[number] = sentences(x[:length], model.domain.eos)

    def intervene(self, model: Any, batches: Iterable[Batch], seed: int) -> None:
        theta = self._inferred(model)
        for batch in batches:
            means = [theta[number] for number in batch.index.tolist()]
            padded = torch.nn.utils.rnn.pad_sequence(means, batch_first=True)  # [B, S, D]
            ended = batch.domain.ends(batch.x)
            number = (ended.cumsum(1) - ended.long()).clamp(max=padded.shape[1] - 1)
            of_steps = padded.gather(1, number[..., None].expand(-1, -1, padded.shape[2]))
            self.nats -= model.step_log_px(batch, of_steps[None]).sum().item()
            self.tokens += int(batch.lengths.sum())

    def numbers(self) -> dict[str, float]:
        return {"PPL (window)": math.exp(self.nats / self.tokens)}

    def _inferred(self, model: Any) -> dict[int, Tensor]:
        """Document -> E[q(theta | sentences before)] of each of its sentences, [S, D]."""
        order = sorted(self.words)
        text = [sentence for number in order for sentence in self.words[number]]
        size = model.domain.sentences
        windows = [torch.cat([text[0][:0], *text[max(0, n - size) : n]]) for n in range(len(text))]
        theta = torch.cat(
            [
                model.infer(counts(model, windows[start : start + ROWS])).mean
                for start in range(0, len(windows), ROWS)
            ]
        )
        parts = torch.split(theta, [len(self.words[number]) for number in order])
        return dict(zip(order, parts, strict=True))


def sentences(x: Tensor, eos: int) -> list[Tensor]:
    """The tokens [T] of a document as one tensor for each sentence, its EOS with it."""
    ends = (x == eos).nonzero()[:, 0].tolist()
    lengths = [end - begin for begin, end in zip([-1, *ends], ends, strict=False)]
    return list(torch.split(x, lengths))


def counts(model: Any, texts: list[Tensor]) -> Tensor:
    """[N, V] what ``model.counts`` gives of N texts of any length."""
    lengths = torch.tensor([len(text) for text in texts], device=texts[0].device)
    x = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True, padding_value=model.domain.eos)
    return model.counts(Batch(x, lengths, torch.arange(len(texts)), model.domain))  # type: ignore[no-any-return]
