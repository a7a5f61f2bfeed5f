"""Step-by-step decoding of every model: greedy, sampling, top-k, top-p, beam search."""

from dataclasses import dataclass, replace
from typing import Any, TypedDict

import torch
from torch import Tensor

from vaetext.config.verbs import Decodes
from vaetext.distributions.noise import KeyedNoise
from vaetext.distributions.state import expand, gather
from vaetext.distributions.state import rows as rows_of
from vaetext.evaluation.latents import Codes
from vaetext.models.base import SequenceModel

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
        codes: latent name -> z [rows, ...]; empty for a model without latents. A latent per step
            that is missing is drawn as the sequence grows.
        rows: how many sequences.
        options: how tokens or frames are chosen.
        seed: of the noise; that of row n depends on (seed, n) alone, not on the number of rows.
        frames: T, at most ``max_length`` where that is set; None takes as many as the data's
            longest sequence has.

    Returns:
        For each row a list of ids, EOS at its end unless ``max_length`` cut it, or frames [T, F].

    Raises:
        ValueError: an option that chooses among tokens is set, and the data is frames.
    """
    if model.domain.eos is None:
        if options.beam:
            raise ValueError(
                f"beam={options.beam}: a beam chooses among tokens, and this run's data is frames;"
                " set beam=0"
            )
        frames = frames or model.domain.longest
        options = replace(options, max_length=min(options.max_length or frames, frames))
    elif not options.max_length:
        options = replace(options, max_length=max(LEAST_LIMIT, model.domain.longest))
    decode = _beam_search if options.beam else _sample
    outputs: list[Any] = []
    numbers = torch.arange(rows, device=next(model.parameters()).device)
    for index in torch.split(numbers, max(1, ROWS // max(options.beam, 1))):
        z = {name: each[None, index] for name, each in codes.items()}
        outputs += decode(model, z, index, options, seed)
    return outputs


def _sample(
    model: SequenceModel, z: Codes, index: Tensor, options: DecodingOptions, seed: int
) -> list[Any]:
    noise = KeyedNoise(seed, index, range(1))
    state = model.start(z, noise)
    outputs: dict[int, list[Tensor]] = {row: [] for row in index.tolist()}
    for step in range(options.max_length):
        p, state = model.emit(state, noise)
        if not options.greedy:
            p = p.restricted(options.temperature, options.top_k, options.top_p)
        x = p.mode if options.greedy else p.sample(noise.at("x", step))
        for row, chosen in zip(index.tolist(), x[0].cpu(), strict=True):
            outputs[row].append(chosen)
        unfinished = (~model.domain.ends(x)[0]).nonzero()[:, 0]
        if len(unfinished) == 0:
            break
        if len(unfinished) < len(index):
            state = rows_of(state, unfinished)
            x = x[:, unfinished]
            index = index[unfinished]
            noise = KeyedNoise(seed, index, range(1))
        state = model.advance(state, x)
    stacked = [torch.stack(each) for each in outputs.values()]
    return [each.tolist() if each.dim() == 1 else each.numpy() for each in stacked]


def _beam_search(
    model: SequenceModel, z: Codes, index: Tensor, options: DecodingOptions, seed: int
) -> list[list[int]]:
    """For each row the complete sequence with the highest log p(x|z) that a beam finds.

    Where none is complete in time, the best prefix. An end counts only if it is among the ``beam``
    likeliest extensions of its step: the likeliest sequence of all is often the empty one. A row is
    finished when no prefix in its beam is likelier than the best complete sequence, since log p
    only falls. Hypotheses are the samples of the state: W of them for each row.
    """
    assert model.domain.eos is not None
    eos = model.domain.eos
    width = options.beam
    count = len(index)
    noise = KeyedNoise(seed, index, range(1))
    state = expand(model.start(z, noise), width, count)
    scores = torch.full((count, width), -torch.inf, device=index.device)
    scores[:, 0] = 0  # one empty prefix a row
    prefixes = torch.empty(count, width, 0, dtype=torch.int64, device=index.device)
    row = torch.arange(count, device=index.device)
    best = torch.full((count,), -torch.inf, device=index.device)
    outputs: list[list[int]] = [[] for _ in range(count)]
    for _ in range(options.max_length):
        p, state = model.emit(state, noise)
        log_p: Tensor = p.log_p  # type: ignore[attr-defined]  # of tokens, where there is an EOS
        total = scores[:, :, None] + log_p.transpose(0, 1)
        least = total.flatten(1).topk(width).values[:, -1:]
        ends = total[:, :, eos]
        ended, which = ends.masked_fill(ends < least, -torch.inf).max(1)
        for n in (ended > best).nonzero()[:, 0].tolist():
            outputs[int(row[n])] = [*prefixes[n, int(which[n])].tolist(), eos]
        best = torch.maximum(best, ended)
        total[:, :, eos] = -torch.inf
        scores, parent, token, prefixes = _extend(prefixes, total)
        unfinished = (scores[:, 0] > best).nonzero()[:, 0]
        if len(unfinished) == 0:
            break
        state = rows_of(gather(state, parent.T), unfinished)
        state = model.advance(state, token.T[:, unfinished])
        noise = KeyedNoise(seed, index[row[unfinished]], range(1))
        scores, prefixes, row, best = (each[unfinished] for each in (scores, prefixes, row, best))
    for n, number in enumerate(row.tolist()):
        outputs[number] = outputs[number] or prefixes[n, 0].tolist()
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
