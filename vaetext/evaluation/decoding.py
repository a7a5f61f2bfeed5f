"""Step-by-step decoding of every model that has a decoder: greedy, sampling, top-k, top-p, beam."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypedDict

import numpy as np
import torch
from torch import Tensor

from vaetext.config.verbs import Decodes
from vaetext.data.domain import Frames
from vaetext.distributions.noise import KeyedNoise
from vaetext.evaluation.latents import Codes
from vaetext.models.base import Generator, SequenceModel

LEAST_LIMIT = 100  # tokens before a sequence is cut, unless the data's longest has more
ROWS = 128  # sequences decoded together; it bounds memory at ROWS x V and changes no result


@dataclass(frozen=True)
class DecodingOptions:
    """How the next token or frame is chosen.

    Of frames, ``greedy`` takes the mean, and ``temperature`` multiplies the standard deviation.

    Attributes:
        max_length: most tokens or frames of a sequence; 0 is 100 tokens, or the data's longest
            where that is longer.
        temperature: that logits are divided by.
        top_k: only the k likeliest tokens are sampled; 0 keeps all.
        top_p: only the likeliest tokens with this share of the probability are sampled.
        greedy: the likeliest token of each step.
        beam: width of a search for the likeliest sequence; 0 searches none.
    """

    max_length: int = 0
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    greedy: bool = False
    beam: int = 0

    @staticmethod
    def of(config: Decodes) -> "DecodingOptions":
        """The decoding options among those of a command."""
        names = DecodingOptions.__dataclass_fields__
        return DecodingOptions(**{name: getattr(config, name) for name in names})


class Decoding(TypedDict, total=False):
    """Options of decoding, as on the command line (``vaetext sample --help``)."""

    greedy: bool
    beam: int
    temperature: float
    top_k: int
    top_p: float
    max_length: int


def decoding_of(config: Decodes) -> Decoding:
    """The options of decoding among those of a command."""
    return Decoding(
        greedy=config.greedy,
        beam=config.beam,
        temperature=config.temperature,
        top_k=config.top_k,
        top_p=config.top_p,
        max_length=config.max_length,
    )


SAMPLING = DecodingOptions()
GREEDY = DecodingOptions(greedy=True)


@torch.no_grad()
def generate(
    model: SequenceModel,
    codes: Codes,
    rows: int,
    options: DecodingOptions,
    seed: int = 0,
    frames: int | None = None,
) -> list[Any]:
    """One sequence for each row of codes.

    Args:
        model: in evaluation mode.
        codes: latent name -> z [rows, ...]; empty for a model without latents.
        rows: how many sequences.
        options: how tokens or frames are chosen.
        seed: of the noise; that of row n depends on (seed, n) alone, not on the number of rows.
        frames: T, at most ``max_length`` where that is set; None takes as many as the data's
            longest sequence has.

    Returns:
        For each row a list of ids, EOS at its end unless ``max_length`` cut it, or frames [T, F].

    Raises:
        ValueError: the model has no step-by-step decoder, or an option for tokens is set and the
            data is frames.
    """
    if not isinstance(model, Generator):
        wanted = (
            f"beam={options.beam} needs an autoregressive decoder"
            if options.beam
            else "it cannot be sampled from"
        )
        raise ValueError(
            f"model {model.name} has no step-by-step decoder: {wanted}; use a run of one that has,"
            " such as vrae"
        )
    decode: Callable[..., list[Any]] = _beam_search if options.beam else _sample_tokens
    if isinstance(model.domain, Frames):
        _check_options_of_frames(options)
        decode = _sample_frames
        frames = frames or model.domain.longest
        options = replace(options, max_length=min(options.max_length or frames, frames))
    elif not options.max_length:
        options = replace(options, max_length=max(LEAST_LIMIT, model.domain.longest))
    outputs: list[Any] = []
    numbers = torch.arange(rows, device=next(model.parameters()).device)
    for index in torch.split(numbers, max(1, ROWS // max(options.beam, 1))):
        part = {name: z[index] for name, z in codes.items()}
        outputs += decode(model, part, index, options, seed)
    return outputs


def _sample_tokens(
    model: Any, codes: Codes, index: Tensor, options: DecodingOptions, seed: int
) -> list[list[int]]:
    state = model.start(codes, len(index))
    token = torch.full_like(index, model.domain.bos)
    outputs: dict[int, list[int]] = {row: [] for row in index.tolist()}
    for step in range(options.max_length):
        log_probs, state = model.step(state, token)
        noise = KeyedNoise(seed, index, range(step, step + 1), torch.float64)
        token = choose(log_probs, options, noise.uniform("symbol")[0])
        for row, chosen in zip(index.tolist(), token.tolist(), strict=True):
            outputs[row].append(chosen)
        unfinished = (token != model.domain.eos).nonzero()[:, 0]
        if len(unfinished) == 0:
            break
        if len(unfinished) < len(token):
            state = model.select(state, unfinished)
            token = token[unfinished]
            index = index[unfinished]
    return list(outputs.values())


def _sample_frames(
    model: Any, codes: Codes, index: Tensor, options: DecodingOptions, seed: int
) -> list[np.ndarray]:
    state = model.start(codes, len(index))
    frame = torch.zeros(len(index), model.domain.size, device=index.device)
    spread = 0.0 if options.greedy else options.temperature
    frames = []
    for step in range(options.max_length):
        distribution, state = model.step(state, frame)
        noise = KeyedNoise(seed, index, range(step, step + 1))
        frame = distribution.sample(spread * noise.normal("frame", model.domain.size)[0])
        frames.append(frame)
    return list(torch.stack(frames, 1).cpu().numpy())


def _check_options_of_frames(options: DecodingOptions) -> None:
    """Raises ValueError where an option is set that chooses among tokens."""
    for option in ("beam", "top_k", "top_p"):
        if (value := getattr(options, option)) != getattr(DecodingOptions, option):
            raise ValueError(
                f"{option}={value} chooses among tokens, and this run's data is frames of real"
                " numbers; use temperature or greedy"
            )


def choose(log_probs: Tensor, options: DecodingOptions, uniform: Tensor) -> Tensor:
    """[rows] tokens from log-probabilities [rows, V].

    The likeliest, or the inverse of the distribution function at ``uniform`` [rows].
    """
    if options.greedy:
        return log_probs.argmax(-1)
    shares = restricted(log_probs, options).softmax(-1).cumsum(-1)
    return (shares <= uniform[:, None] * shares[:, -1:]).sum(-1).clamp(max=log_probs.shape[-1] - 1)


def restricted(log_probs: Tensor, options: DecodingOptions) -> Tensor:
    """Logits [rows, V], float64, after temperature, top-k and top-p.

    What top-k and then top-p leave out is at -inf; the likeliest token always stays.
    """
    logits = (log_probs - log_probs.amax(-1, keepdim=True)).double() / options.temperature
    if 0 < options.top_k < logits.shape[-1]:
        logits = _only(logits, logits.topk(options.top_k).indices)
    if options.top_p < 1:
        probs, tokens = logits.softmax(-1).sort(-1, descending=True)
        before = probs.cumsum(-1) - probs
        logits = _only(logits, torch.where(before < options.top_p, tokens, tokens[:, :1]))
    return logits


def _only(logits: Tensor, kept: Tensor) -> Tensor:
    """The logits [rows, V] with all but the tokens ``kept`` [rows, any] at -inf."""
    return torch.full_like(logits, -torch.inf).scatter(1, kept, logits.gather(1, kept))


def _beam_search(
    model: Any, codes: Codes, index: Tensor, options: DecodingOptions, seed: int
) -> list[list[int]]:
    """For each row the complete sequence with the highest log p(x|z) that a beam finds.

    Where none is complete in time, the best prefix. An end counts only if it is among the ``beam``
    likeliest extensions of its step: the likeliest sequence of all is often the empty one. A row is
    finished when no prefix in its beam is likelier than the best complete sequence, since log p
    only falls.
    """
    rows = len(index)
    width = options.beam
    eos = model.domain.eos
    device = index.device
    index = torch.arange(rows, device=device)
    state = model.select(model.start(codes, rows), index.repeat_interleave(width))
    token = torch.full((rows * width,), model.domain.bos, device=device)
    scores = torch.full((rows, width), -torch.inf, device=device)
    scores[:, 0] = 0  # one empty prefix a row
    prefixes = torch.empty(rows, width, 0, dtype=torch.int64, device=device)
    best = torch.full((rows,), -torch.inf, device=device)
    outputs: list[list[int]] = [[] for _ in range(rows)]
    for _ in range(options.max_length):
        log_probs, state = model.step(state, token)
        total = scores[:, :, None] + log_probs.unflatten(0, (-1, width))
        least = total.flatten(1).topk(width).values[:, -1:]
        ends = total[:, :, eos]
        ended, which = ends.masked_fill(ends < least, -torch.inf).max(1)
        for n in (ended > best).nonzero()[:, 0].tolist():
            outputs[int(index[n])] = [*prefixes[n, int(which[n])].tolist(), eos]
        best = torch.maximum(best, ended)
        total[:, :, eos] = -torch.inf
        scores, parent, token, prefixes = _extend(prefixes, total)
        unfinished = (scores[:, 0] > best).nonzero()[:, 0]
        if len(unfinished) == 0:
            break
        kept = (unfinished[:, None] * width + parent[unfinished]).flatten()
        state = model.select(state, kept)
        token = token[unfinished].flatten()
        scores = scores[unfinished]
        prefixes = prefixes[unfinished]
        index = index[unfinished]
        best = best[unfinished]
    for n, row in enumerate(index.tolist()):
        outputs[row] = outputs[row] or prefixes[n, 0].tolist()
    return outputs


def _extend(prefixes: Tensor, total: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The W likeliest extensions of prefixes [rows, W, t], by log-probabilities [rows, W, V].

    Returns:
        Their log-probabilities, parents and tokens [rows, W], and the prefixes [rows, W, t + 1].
    """
    _, width, size = total.shape
    scores, flat = total.flatten(1).topk(width)
    parent = flat // size
    token = flat % size
    kept = prefixes.gather(1, parent[:, :, None].expand(-1, -1, prefixes.shape[2]))
    return scores, parent, token, torch.cat([kept, token[:, :, None]], 2)
