"""The softmax over tokens: log p of given tokens, without keeping a batch x vocabulary tensor."""

from typing import Any

import torch
from torch import Tensor, nn

from vaetext.data.batch import Batch

BYTES = 2**27  # of logits in memory at once, for any batch and vocabulary
MULTIPLE = 16  # rows are padded to a multiple, since some kernels are compiled for each size


def sequence_log_prob(
    batch: Batch,
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor,
    limit: int | None = None,
) -> Tensor:
    """[K, B] log p(x) = sum_t log softmax(W h_t + b)[x_t], nats per sequence, EOS counted.

    The sum is over real steps. Arguments as of ``step_log_prob``.

    Args:
        limit: most tokens of a sequence; EOS has probability 1 there. None for no limit.
    """
    steps = step_log_prob(batch, hidden, weight, bias)
    return steps[:, :, : None if limit is None else limit - 1].sum(2)


def step_log_prob(batch: Batch, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """[K, B, T] log softmax(W h_t + b)[x_t] in nats, 0 on padding.

    Args:
        batch: B sequences, padded to T.
        hidden: h [K, B, T, H].
        weight: W [V, H].
        bias: b [V].
    """
    samples, count, length = hidden.shape[:3]
    steps = hidden.flatten(1, 2)
    real = steps.index_select(1, batch.real_indices).flatten(0, 1)
    tokens = batch.x.flatten().index_select(0, batch.real_indices).repeat(samples)
    log_probs = token_log_prob(real, weight, bias, tokens).view(samples, -1)
    padded = log_probs.new_zeros(samples, count * length)
    return padded.index_copy(1, batch.real_indices, log_probs).view(samples, count, length)


def certain(log_probs: Tensor, token: int) -> Tensor:
    """[rows, V] log-probabilities, shaped like ``log_probs``, that give ``token`` always."""
    index = torch.tensor(token, device=log_probs.device)
    return torch.full_like(log_probs, -torch.inf).index_fill(-1, index, 0.0)


def token_log_prob(hidden: Tensor, weight: Tensor, bias: Tensor, tokens: Tensor) -> Tensor:
    """log softmax(W h + b)[token] of each row, in one function with its own gradient.

    Args:
        hidden: h [N, H].
        weight: W [V, H].
        bias: b [V].
        tokens: [N] int64.

    Returns:
        [N] nats, in float32 or float64.
    """
    if torch.is_autocast_enabled(hidden.device.type):
        dtype = torch.get_autocast_dtype(hidden.device.type)
        hidden, weight, bias = (each.to(dtype) for each in (hidden, weight, bias))
    if not torch.is_grad_enabled():
        hidden, weight, bias = (each.detach() for each in (hidden, weight, bias))
    more = -len(hidden) % MULTIPLE
    padded_hidden = nn.functional.pad(hidden, (0, 0, 0, more))
    padded_tokens = nn.functional.pad(tokens, (0, more))
    log_probs: Tensor = _TokenLogProb.apply(padded_hidden, weight, bias, padded_tokens)  # type: ignore[no-untyped-call]
    return log_probs[: len(tokens)]


# the last block of logits released, if any: reused, since new memory is mapped and cleared first
_FREE: list[Tensor] = []


def _take(like: Tensor, vocabulary: int) -> Tensor:
    """A block [rows, V] to write logits to, with as many rows as ``BYTES`` allow."""
    row_bytes = vocabulary * like.element_size()
    shape = (max(1, BYTES // (row_bytes * MULTIPLE)) * MULTIPLE, vocabulary)
    for free in _FREE:
        if (free.device, free.dtype, free.shape) == (like.device, like.dtype, shape):
            return _FREE.pop()
    return like.new_empty(shape)


def _release(block: Tensor) -> None:
    """Keeps a block for the next ``_take``; one that is never released is freed as any tensor."""
    _FREE[:] = [block]


class _TokenLogProb(torch.autograd.Function):
    """One block of rows at a time.

    A batch of one block keeps its softmax for the backward pass; a larger one computes it again.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, tokens: Tensor) -> Tensor:
        dtype = torch.promote_types(hidden.dtype, torch.float32)
        log_probs = hidden.new_empty(len(hidden), dtype=dtype)
        logits = _take(hidden, len(weight))
        for start in range(0, len(hidden), len(logits)):
            block = slice(start, start + len(logits))
            softmax = _logits(hidden[block], weight, bias, logits)
            chosen = softmax.gather(1, tokens[block, None])[:, 0].to(dtype)
            top = _largest(softmax).to(dtype)
            torch.softmax(softmax, -1, out=softmax)  # in place: half the memory
            # log p = logit - top + log p(top), which does not underflow
            log_probs[block] = chosen - top + _largest(softmax).to(dtype).log()
        ctx.kept = logits if any(ctx.needs_input_grad) and len(hidden) <= len(logits) else None
        if ctx.kept is None:
            _release(logits)
        ctx.save_for_backward(hidden, weight, bias, tokens)
        return log_probs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None, None]:
        hidden, weight, bias, tokens = ctx.saved_tensors
        gradient = -gradients[0].to(hidden.dtype)[:, None]
        scaled = gradient * hidden
        d_hidden = torch.empty_like(hidden)
        of_weight, of_bias = ctx.needs_input_grad[1:3]  # not where the decoder is not trained
        d_weight = torch.empty_like(weight) if of_weight else None
        d_bias = torch.empty_like(bias[None]) if of_bias else None
        kept = ctx.kept is not None
        logits = ctx.kept if kept else _take(hidden, len(weight))
        ctx.kept = None
        for start in range(0, max(len(hidden), 1), len(logits)):
            block = slice(start, start + len(logits))
            if kept:
                softmax = logits[: len(tokens)]
            else:
                softmax = _logits(hidden[block], weight, bias, logits)
                torch.softmax(softmax, -1, out=softmax)
            residual = _residual(softmax, tokens[block])
            torch.mul(residual @ weight, gradient[block], out=d_hidden[block])
            if d_weight is not None:
                d_weight.addmm_(residual.T, scaled[block], beta=float(start > 0))
            if d_bias is not None:
                d_bias.addmm_(gradient[block].T, residual, beta=float(start > 0))
        _release(logits)
        return d_hidden, d_weight, None if d_bias is None else d_bias[0], None


def _logits(hidden: Tensor, weight: Tensor, bias: Tensor, block: Tensor) -> Tensor:
    """W h + b [n, V], written to the first n rows of ``block``.

    ``addmm`` would be slower: it copies b to every row first.
    """
    return torch.mm(hidden, weight.T, out=block[: len(hidden)]).add_(bias)


def _largest(values: Tensor) -> Tensor:
    """The largest [n] of each row of values [n, V].

    On a CPU bfloat16 is compared as integers, which is four times faster: positive floats have the
    order of their bits, negative ones the reverse order.
    """
    if values.dtype != torch.bfloat16 or values.device.type != "cpu":
        return values.amax(-1)
    bits = values.view(torch.int16)
    highest = bits.amax(-1)
    lowest = bits.amin(-1)
    return torch.where(highest < 0, lowest, highest).view(values.dtype)


def _residual(softmax: Tensor, tokens: Tensor) -> Tensor:
    """softmax - one-hot(token) [N, V], in place: minus the gradient of log p by the logits."""
    rows = torch.arange(len(tokens), device=tokens.device)
    softmax[rows, tokens] -= 1
    return softmax
