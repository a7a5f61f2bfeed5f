"""One decoder for every model that can be decoded step by step: greedy, sampling, top-k, top-p and beam; frames: drawing and the mean."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaetext.config.options import closest
from vaetext.config.verbs import Decodes
from vaetext.data.domain import Frames
from vaetext.distributions.noise import KeyedNoise, Noise
from vaetext.models.base import Generator, SequenceModel

Codes = dict[str, Tensor]  # latent name -> z [rows, ...]
LEAST_LIMIT = 100  # symbols before a sequence is cut, where nobody asks for another limit and the data are no longer
ROWS = 128  # hypotheses decoded together: bounds memory at ROWS x V, and changes no result


@dataclass(frozen=True)
class DecodingOptions:
    """How the next symbol is chosen, ``beam`` > 0 searches instead; ``max_length`` 0 is 100, or the data's longest if that is more.

    Of frames, ``greedy`` takes each one's mean, and a drawn one's deviation is multiplied by ``temperature``.
    """

    max_length: int = 0
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    greedy: bool = False
    beam: int = 0

    @staticmethod
    def of(config: Decodes) -> "DecodingOptions":
        """The choice that a verb's options ask for."""
        return DecodingOptions(
            **{name: getattr(config, name) for name in DecodingOptions.__dataclass_fields__}
        )


GREEDY = DecodingOptions(greedy=True)


def require_latent(codes: Codes, option: str, name: str | None) -> None:
    """Raises ValueError where ``option`` names a latent that is not there."""
    if name is not None and name not in codes:
        there = (
            f"the latents of this model are {', '.join(codes)}"
            if codes
            else "this model has no latent"
        )
        raise ValueError(f"{option}={name}: {there}{closest(name, codes)}")


def held(codes: Codes, name: str | None, first: Codes) -> Codes:
    """The codes [rows, ...] with the latent ``name`` of every row at that of ``first``, its first row; None holds none.

    Raises:
        ValueError: there is no such latent.
    """
    require_latent(codes, "hold", name)
    return codes if name is None else {**codes, name: first[name][:1].expand_as(codes[name])}


def require_decoded(model: SequenceModel, hold: str | None) -> None:
    """Raises ValueError where a latent to hold would change nothing: the decoder reads others, inferred from each sentence."""
    if hold in model.latents and hold not in model.decoded:
        read = ", ".join(model.decoded)
        raise ValueError(
            f"hold={hold}: the decoder reads {read} alone, inferred from each sentence; hold that, or sample with hold={hold}"
        )


def redrawn(
    model: SequenceModel, codes: Codes, moved: str, noise: Noise, hold: str | None = None
) -> Codes:
    """The codes [rows, ...] once latents that ``moved`` stands above, but one to ``hold``, are drawn anew with the noise of one sample."""
    return {
        name: z[0]
        for name, z in model.redrawn(
            {name: z[None] for name, z in codes.items()}, moved, noise, hold
        ).items()
    }


@torch.no_grad()
def generate(
    model: SequenceModel,
    codes: Codes,
    rows: int,
    choice: DecodingOptions,
    seed: int = 0,
    frames: int | None = None,
) -> list[Any]:
    """One sequence for each row of codes: ids, EOS at their end unless ``max_length`` cut it, or frames [T, F].

    Args:
        model: in evaluation mode.
        codes: latent name -> z [rows, ...]; empty for a model without latents.
        rows: how many sequences.
        choice: how symbols or frames are chosen.
        seed: of the draws; row n's depend on (seed, n) alone, not on how many rows there are.
        frames: T, at most ``max_length`` if there is such a limit; None gives as many as the data's longest sequence has.

    Raises:
        ValueError: the model cannot be decoded step by step, or frames are to be chosen as symbols are.
    """
    if not isinstance(model, Generator):
        wanted = (
            f"beam={choice.beam} needs an autoregressive decoder"
            if choice.beam
            else "it cannot be sampled from"
        )
        raise ValueError(
            f"model {model.name} has no step-by-step decoder: {wanted}; use a run of one that has, such as vrae"
        )
    draw: Callable[..., list[Any]] = _beam if choice.beam else _draw
    if isinstance(model.domain, Frames):
        _require_symbols(choice)
        draw, frames = _draw_frames, frames or model.domain.longest
        choice = replace(choice, max_length=min(choice.max_length or frames, frames))
    elif not choice.max_length:
        choice = replace(choice, max_length=max(LEAST_LIMIT, model.domain.longest))
    outputs: list[Any] = []
    device = next(model.parameters()).device
    for index in torch.split(
        torch.arange(rows, device=device), max(1, ROWS // max(choice.beam, 1))
    ):
        part = {name: z[index] for name, z in codes.items()}
        outputs += draw(model, part, index, choice, seed)
    return outputs


def _draw(
    model: Any, codes: Codes, index: Tensor, choice: DecodingOptions, seed: int
) -> list[list[int]]:
    state, token = model.start(codes, len(index)), torch.full_like(index, model.domain.bos)
    outputs: dict[int, list[int]] = {row: [] for row in index.tolist()}
    for step in range(choice.max_length):
        log_probs, state = model.step(state, token)
        token = choose(
            log_probs,
            choice,
            KeyedNoise(seed, index, range(step, step + 1), torch.float64).uniform("symbol")[0],
        )
        for row, symbol in zip(index.tolist(), token.tolist(), strict=True):
            outputs[row].append(symbol)
        going = (token != model.domain.eos).nonzero()[:, 0]
        if len(going) == 0:
            break
        if len(going) < len(token):
            state, token, index = model.select(state, going), token[going], index[going]
    return list(outputs.values())


def _draw_frames(
    model: Any, codes: Codes, index: Tensor, choice: DecodingOptions, seed: int
) -> list[np.ndarray]:
    state, frame = (
        model.start(codes, len(index)),
        torch.zeros(len(index), model.domain.size, device=index.device),
    )
    frames = []
    for step in range(choice.max_length):
        law, state = model.step(state, frame)
        spread = 0.0 if choice.greedy else choice.temperature
        frame = law.sample(
            spread
            * KeyedNoise(seed, index, range(step, step + 1)).normal("frame", model.domain.size)[0]
        )
        frames.append(frame)
    return list(torch.stack(frames, 1).cpu().numpy())


def _require_symbols(choice: DecodingOptions) -> None:
    """Raises ValueError where a option chooses among symbols."""
    for option in ("beam", "top_k", "top_p"):
        if (value := getattr(choice, option)) != getattr(DecodingOptions, option):
            raise ValueError(
                f"{option}={value} chooses among symbols, and this run's data is frames of real numbers; use temperature or greedy"
            )


def choose(log_probs: Tensor, choice: DecodingOptions, uniform: Tensor) -> Tensor:
    """[rows] symbols from log-probabilities [rows, V]: the likeliest, or the inverse of the distribution function at ``uniform`` [rows]."""
    if choice.greedy:
        return log_probs.argmax(-1)
    shares = restricted(log_probs, choice).softmax(-1).cumsum(-1)
    return (shares <= uniform[:, None] * shares[:, -1:]).sum(-1).clamp(max=log_probs.shape[-1] - 1)


def restricted(log_probs: Tensor, choice: DecodingOptions) -> Tensor:
    """Logits [rows, V], float64, after temperature, with what top-k and then top-p leave out at -inf; the likeliest symbol always stays."""
    logits = (log_probs - log_probs.amax(-1, keepdim=True)).double() / choice.temperature
    if 0 < choice.top_k < logits.shape[-1]:
        logits = _only(logits, logits.topk(choice.top_k).indices)
    if choice.top_p < 1:
        probs, places = logits.softmax(-1).sort(-1, descending=True)
        before = probs.cumsum(-1) - probs
        logits = _only(logits, torch.where(before < choice.top_p, places, places[:, :1]))
    return logits


def _only(logits: Tensor, kept: Tensor) -> Tensor:
    """The logits [rows, V] with all but the symbols ``kept`` [rows, any] at -inf."""
    return torch.full_like(logits, -torch.inf).scatter(1, kept, logits.gather(1, kept))


def _beam(
    model: Any, codes: Codes, index: Tensor, choice: DecodingOptions, seed: int
) -> list[list[int]]:
    """For each row the complete sequence of the highest log p(x|z) that a beam finds; the best prefix where none ends in time.

    An end counts only if it is among the ``beam`` likeliest extensions of its step: the likeliest sequence of all is often the empty one.
    A row is finished when no prefix in its beam is likelier than the best sequence that has ended: log p only falls.
    """
    rows, width, eos, device = len(index), choice.beam, model.domain.eos, index.device
    state = model.select(
        model.start(codes, rows), torch.arange(rows, device=device).repeat_interleave(width)
    )
    token = torch.full((rows * width,), model.domain.bos, device=device)
    scores = torch.full((rows, width), -torch.inf, device=device)
    scores[:, 0] = 0  # one empty prefix a row
    prefixes = torch.empty(rows, width, 0, dtype=torch.int64, device=device)
    index, best = torch.arange(rows, device=device), torch.full((rows,), -torch.inf, device=device)
    outputs: list[list[int]] = [[] for _ in range(rows)]
    for _ in range(choice.max_length):
        log_probs, state = model.step(state, token)
        total = scores[:, :, None] + log_probs.unflatten(0, (-1, width))
        least = total.flatten(1).topk(width).values[:, -1:]
        ended, which = total[:, :, eos].masked_fill(total[:, :, eos] < least, -torch.inf).max(1)
        for n in (ended > best).nonzero()[:, 0].tolist():
            outputs[int(index[n])] = [*prefixes[n, int(which[n])].tolist(), eos]
        best = torch.maximum(best, ended)
        total[:, :, eos] = -torch.inf
        scores, parent, symbol, prefixes = _extend(prefixes, total)
        going = (scores[:, 0] > best).nonzero()[:, 0]
        if len(going) == 0:
            break
        state = model.select(state, (going[:, None] * width + parent[going]).flatten())
        token, scores, prefixes, index, best = (
            symbol[going].flatten(),
            scores[going],
            prefixes[going],
            index[going],
            best[going],
        )
    for n, row in enumerate(index.tolist()):
        outputs[row] = outputs[row] or prefixes[n, 0].tolist()
    return outputs


def _extend(prefixes: Tensor, total: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The W likeliest extensions [rows, W, V] of prefixes [rows, W, t]: scores, parents, symbols [rows, W] and the longer prefixes."""
    _, width, size = total.shape
    scores, flat = total.flatten(1).topk(width)
    parent, symbol = flat // size, flat % size
    kept = prefixes.gather(1, parent[:, :, None].expand(-1, -1, prefixes.shape[2]))
    return scores, parent, symbol, torch.cat([kept, symbol[:, :, None]], 2)
