"""One decoder for every model that can be decoded step by step: greedy, sampling, top-k, top-p and beam."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaetext.config.verbs import Decodes
from vaetext.models.base import Generator, SequenceModel

Codes = dict[str, Tensor]  # latent name -> z [rows, ...]


@dataclass(frozen=True)
class Choice:
    """How the next symbol is chosen; ``beam`` > 0 searches instead."""

    max_length: int = 100
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    greedy: bool = False
    beam: int = 0

    @staticmethod
    def of(config: Decodes) -> "Choice":
        """The choice that a verb's knobs ask for."""
        return Choice(**{name: getattr(config, name) for name in Choice.__dataclass_fields__})


GREEDY = Choice(greedy=True)


@torch.no_grad()
def generate(model: SequenceModel, codes: Codes, rows: int, choice: Choice, generator: torch.Generator | None = None) -> list[list[int]]:
    """One sequence of ids for each row of codes, EOS at its end unless ``max_length`` cut it.

    Args:
        model: in evaluation mode.
        codes: latent name -> z [rows, ...]; empty for a model without latents.
        rows: how many sequences.
        choice: how symbols are chosen.
        generator: source of the draws.

    Raises:
        ValueError: the model cannot be decoded step by step.
    """
    if not isinstance(model, Generator):
        raise ValueError(f"{type(model).__name__} has no step-by-step decoder: it cannot be sampled from, nor searched with beam={choice.beam}")
    if choice.beam:
        return [_beam(model, {name: z[row : row + 1] for name, z in codes.items()}, choice) for row in range(rows)]
    return _draw(model, codes, rows, choice, generator)


def _draw(model: Any, codes: Codes, rows: int, choice: Choice, generator: torch.Generator | None) -> list[list[int]]:
    device = next(model.parameters()).device
    state, token = model.start(codes, rows), torch.full((rows,), model.symbols.bos, device=device)
    outputs: list[list[int]] = [[] for _ in range(rows)]
    alive = torch.arange(rows, device=device)
    for _ in range(choice.max_length):
        log_probs, state = model.step(state, token)
        token = choose(log_probs, choice, generator)
        for row, symbol in zip(alive.tolist(), token.tolist(), strict=True):
            outputs[row].append(symbol)
        going = (token != model.symbols.eos).nonzero()[:, 0]
        if len(going) == 0:
            break
        if len(going) < len(token):
            state, token, alive = model.select(state, going), token[going], alive[going]
    return outputs


def choose(log_probs: Tensor, choice: Choice, generator: torch.Generator | None) -> Tensor:
    """[rows] symbols from log-probabilities [rows, V]."""
    if choice.greedy:
        return log_probs.argmax(-1)
    probs = restricted(log_probs, choice).softmax(-1)
    return torch.multinomial(probs.cpu(), 1, generator=generator)[:, 0].to(log_probs.device)


def restricted(log_probs: Tensor, choice: Choice) -> Tensor:
    """Logits [rows, V] after temperature, with what top-k and top-p leave out at -inf; the most probable symbol always stays."""
    logits = log_probs / choice.temperature
    if 0 < choice.top_k < logits.shape[-1]:
        least = logits.topk(choice.top_k).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    if choice.top_p < 1:
        ordered, places = logits.softmax(-1).sort(-1, descending=True)
        left_out = ordered.cumsum(-1) - ordered >= choice.top_p
        logits = logits.masked_fill(torch.zeros_like(left_out).scatter(1, places, left_out), -torch.inf)
    return logits


def _beam(model: Any, codes: Codes, choice: Choice) -> list[int]:
    """The most probable sequence that a beam of ``choice.beam`` finds, by its whole log-probability."""
    eos = model.symbols.eos
    device = next(model.parameters()).device
    state, token = model.start(codes, 1), torch.full((1,), model.symbols.bos, device=device)
    beams, scores = [[]], torch.zeros(1, device=device)  # type: list[list[int]], Tensor
    best: tuple[float, list[int]] = (-torch.inf, [])
    for _ in range(choice.max_length):
        log_probs, state = model.step(state, token)
        total = scores[:, None] + log_probs
        ended = total[:, eos]
        if ended.max().item() > best[0]:
            best = (ended.max().item(), [*beams[int(ended.argmax())], eos])
        total[:, eos] = -torch.inf
        scores, flat = total.flatten().topk(min(choice.beam, total.numel() - len(beams)))
        rows, token = flat // total.shape[1], flat % total.shape[1]
        beams = [[*beams[row], symbol] for row, symbol in zip(rows.tolist(), token.tolist(), strict=True)]
        if scores[0].item() <= best[0]:
            break
        state = model.select(state, rows)
    return best[1] or beams[0]
