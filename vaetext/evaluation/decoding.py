"""Step-by-step decoding of every model: greedy, sampling, top-k, top-p, beam search."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaetext.config.decoding import DecodingOptions
from vaetext.distributions.noise import KeyedNoise
from vaetext.distributions.state import State, expand, gather
from vaetext.distributions.state import rows as rows_of
from vaetext.evaluation.latents import Codes
from vaetext.evaluation.prefix import Prefix, check_prefix, state_after
from vaetext.models.base import SequenceModel

LEAST_LIMIT = 100  # tokens before a sequence is cut, unless the data's longest has more
MOST_FRAMES = 400  # frames of a sequence whose length is not given, where the data has longer ones
ROWS = 256  # sequences decoded together; it bounds memory at ROWS x V and changes no result


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
    prefix: Prefix | None = None,
) -> list[Any]:
    """One sequence for each row of codes.

    Args:
        model: in evaluation mode.
        codes: latent name -> z [rows, ...]; empty for a model without latents. A latent per step
            that is missing is drawn as the sequence grows.
        rows: how many sequences.
        options: how tokens or frames are chosen.
        seed: of the noise; that of row n depends on (seed, n) alone, not on the number of rows.
        frames: T, at most ``max_length`` where that is set; None takes ``max_length``, or as many
            as the data's longest sequence has, up to MOST_FRAMES.
        prefix: what every sequence begins with; the latents are then drawn given it, and ``codes``
            must be empty.

    Returns:
        For each row a list of ids, EOS at its end unless ``max_length`` cut it, or frames [T, F].

    Raises:
        ValueError: an option that chooses among tokens is set, and the data is frames; or the
            prefix leaves no step before ``max_length``.
    """
    if model.domain.eos is None and options.beam:
        raise ValueError(
            f"beam={options.beam}: a beam chooses among tokens, and this run's data is frames;"
            " set beam=0"
        )
    first = 0 if prefix is None else len(prefix.x)
    steps = range(first, _limit(model, options, frames, first))
    sentences = model.domain.sentences
    if prefix is not None:
        sentences -= check_prefix(model, prefix, steps.stop)
    decode = _beam_search if options.beam else _step_by_step
    outputs: list[Any] = []
    numbers = torch.arange(rows, device=next(model.parameters()).device)
    together = ROWS // max(options.beam, 1) if prefix is None else prefix.rows
    for index in torch.split(numbers, max(1, together)):
        if prefix is None:
            z = {name: each[None, index] for name, each in codes.items()}
            state = model.start(z, KeyedNoise(seed, index, range(1)))
        else:
            state = state_after(model, prefix, index, seed)
        outputs += decode(model, state, index, options, steps, sentences, seed)
    return outputs if prefix is None else [prefix.followed_by(each) for each in outputs]


def _limit(model: SequenceModel, options: DecodingOptions, frames: int | None, given: int) -> int:
    """The most steps of a sequence, those ``given`` counted."""
    domain = model.domain
    most = math.inf if model.max_length is None else model.max_length
    if domain.eos is not None:
        return int(min(options.max_length or given + max(LEAST_LIMIT, domain.longest), most))
    if frames is not None:
        return min(options.max_length or frames, frames)
    if options.max_length > most:
        raise ValueError(
            f"max_length={options.max_length}: {model.name} writes at most {most} frames"
            f" (model.max_length); set max_length={most} or less"
        )
    return int(min(options.max_length or given + min(domain.longest, MOST_FRAMES), most))


def _step_by_step(
    model: SequenceModel,
    state: State,
    index: Tensor,
    options: DecodingOptions,
    steps: range,
    sentences: int,
    seed: int,
) -> list[Any]:
    """For each row the tokens or frames sampled, or the likeliest of each step.

    A row is finished after as many ends as it has ``sentences``.
    """
    noise = KeyedNoise(seed, index, range(1))
    left = torch.full_like(index, sentences)
    outputs: dict[int, list[Tensor]] = {row: [] for row in index.tolist()}
    for step in steps:
        p, state = model.emit(state, noise)
        if options.samples:
            p = p.restricted(options.temperature, options.top_k, options.top_p)
        x = p.sample(noise.at("x", step)) if options.samples else p.mode
        for row, chosen in zip(index.tolist(), x[0].cpu(), strict=True):
            outputs[row].append(chosen)
        left = left - model.domain.ends(x)[0].long()
        unfinished = left.nonzero()[:, 0]
        if len(unfinished) == 0:
            break
        if len(unfinished) < len(index):
            left = left[unfinished]
            state = rows_of(state, unfinished)
            x = x[:, unfinished]
            index = index[unfinished]
            noise = KeyedNoise(seed, index, range(1))
        state = model.advance(state, x)
    stacked = [torch.stack(each) for each in outputs.values()]
    return [each.tolist() if each.dim() == 1 else each.numpy() for each in stacked]


@dataclass
class Hypothesis:
    """A sequence that a beam has found for one row.

    Attributes:
        complete: whether its last sentence ends in EOS; it then counts more than any prefix.
        log_p: log p(x|z) of its tokens, nats.
        tokens: ids.
    """

    complete: bool
    log_p: float
    tokens: list[int]


def _beam_search(
    model: SequenceModel,
    state: State,
    index: Tensor,
    options: DecodingOptions,
    steps: range,
    sentences: int,
    seed: int,
) -> list[list[int]]:
    """For each row the better of what a beam and greedy decoding find.

    A beam may lose the greedy prefix to others that fall behind later. Greedy decoding is a beam of
    width 1.
    """
    widths = (options.beam, 1) if options.beam > 1 else (1,)
    found = [_search(model, state, index, width, steps, sentences, seed) for width in widths]
    rows = zip(*found, strict=True)
    return [max(row, key=lambda each: (each.complete, each.log_p)).tokens for row in rows]


def _search(
    model: SequenceModel,
    state: State,
    index: Tensor,
    width: int,
    steps: range,
    sentences: int,
    seed: int,
) -> list[Hypothesis]:
    """For each row the complete sequence with the highest log p(x|z) that a beam finds.

    It is complete with the EOS of its last sentence.

    Where none is complete in time, the best prefix. An end counts only if it is among the ``width``
    likeliest extensions of its step: the likeliest sequence of all is often the empty one. A row is
    finished when no prefix in its beam is likelier than the best complete sequence, since log p
    only falls. Hypotheses are the samples of the state: W of them for each row.
    """
    assert model.domain.eos is not None
    eos = model.domain.eos
    count = len(index)
    noise = KeyedNoise(seed, index, range(1))
    state = expand(state, width, count)
    scores = torch.full((count, width), -torch.inf, device=index.device)
    scores[:, 0] = 0  # one empty prefix a row
    prefixes = torch.empty(count, width, 0, dtype=torch.int64, device=index.device)
    row = torch.arange(count, device=index.device)
    best = torch.full((count,), -torch.inf, device=index.device)
    found = [Hypothesis(False, -math.inf, []) for _ in range(count)]
    for _ in steps:
        p, state = model.emit(state, noise)
        log_p: Tensor = p.log_p  # type: ignore[attr-defined]  # of tokens, where there is an EOS
        total = scores[:, :, None] + log_p.transpose(0, 1)
        least = total.flatten(1).topk(width).values[:, -1:]
        last = (prefixes == eos).sum(-1) == sentences - 1
        ends = total[:, :, eos].masked_fill(~last, -torch.inf)
        ended, which = ends.masked_fill(ends < least, -torch.inf).max(1)
        for n in (ended > best).nonzero()[:, 0].tolist():
            tokens = [*prefixes[n, int(which[n])].tolist(), eos]
            found[int(row[n])] = Hypothesis(True, float(ended[n]), tokens)
        best = torch.maximum(best, ended)
        total[:, :, eos] = total[:, :, eos].masked_fill(last, -torch.inf)
        scores, parent, token, prefixes = _extend(prefixes, total)
        unfinished = (scores[:, 0] > best).nonzero()[:, 0]
        if len(unfinished) == 0:
            break
        state = rows_of(gather(state, parent.T), unfinished)
        state = model.advance(state, token.T[:, unfinished])
        noise = KeyedNoise(seed, index[row[unfinished]], range(1))
        scores, prefixes, row, best = (each[unfinished] for each in (scores, prefixes, row, best))
    for n, number in enumerate(row.tolist()):
        if not found[number].complete:
            found[number] = Hypothesis(False, float(scores[n, 0]), prefixes[n, 0].tolist())
    return found


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
