"""The output layer: log p of given symbols, without keeping batch x vocabulary."""

from typing import Any

import torch
from torch import Tensor, nn

from vaetext.data.batch import Batch

BYTES = 2**27  # of logits held at once, whatever the batch and the vocabulary
MULTIPLE = 16  # rows are filled up to a multiple of it: kernels that are generated and kept for each size stay few


def sequence_log_prob(
    batch: Batch,
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor,
    limit: int | None = None,
) -> Tensor:
    """[K, B] log p(x) = sum_t log softmax(W h_t + b)[x_t] over real positions, nats per sequence, EOS counted.

    Args:
        batch: B sequences, padded to T.
        hidden: [K, B, T, H].
        weight: [V, H].
        bias: [V].
        limit: most symbols of a sequence, if there is such a limit: there EOS is certain and costs nothing.
    """
    samples, count, length = hidden.shape[:3]
    real = hidden.flatten(1, 2).index_select(1, batch.real_indices).flatten(0, 1)
    symbols = batch.x.flatten().index_select(0, batch.real_indices).repeat(samples)
    picked = token_log_prob(real, weight, bias, symbols).view(samples, -1)
    spread = picked.new_zeros(samples, count * length).index_copy(1, batch.real_indices, picked)
    return spread.view(samples, count, length)[:, :, : None if limit is None else limit - 1].sum(2)


def certain(log_probs: Tensor, symbol: int) -> Tensor:
    """Log-probabilities [rows, V] of a law that gives ``symbol`` always."""
    return torch.full_like(log_probs, -torch.inf).index_fill(
        -1, torch.tensor(symbol, device=log_probs.device), 0.0
    )


def token_log_prob(hidden: Tensor, weight: Tensor, bias: Tensor, symbols: Tensor) -> Tensor:
    """log softmax(W h + b)[symbol] of each row, linear map, softmax and choice in one.

    Args:
        hidden: [N, H].
        weight: [V, H].
        bias: [V].
        symbols: [N] int64.

    Returns:
        [N] nats, float32 at least.
    """
    if torch.is_autocast_enabled(hidden.device.type):
        dtype = torch.get_autocast_dtype(hidden.device.type)
        hidden, weight, bias = hidden.to(dtype), weight.to(dtype), bias.to(dtype)
    if not torch.is_grad_enabled():
        hidden, weight, bias = hidden.detach(), weight.detach(), bias.detach()
    more = -len(hidden) % MULTIPLE
    hidden, filled = (
        nn.functional.pad(hidden, (0, 0, 0, more)),
        nn.functional.pad(symbols, (0, more)),
    )
    return _TokenLogProb.apply(hidden, weight, bias, filled)[: len(symbols)]  # type: ignore[no-any-return, no-untyped-call]


_FREE: list[
    Tensor
] = []  # the last block of logits given back, if any: memory that is not mapped and cleared anew each step


def _take(like: Tensor, vocabulary: int) -> Tensor:
    """A block [rows, V] to write logits to, of as many rows as BYTES hold."""
    shape = (max(1, BYTES // (vocabulary * like.element_size() * MULTIPLE)) * MULTIPLE, vocabulary)
    for free in _FREE:
        if (free.device, free.dtype, free.shape) == (like.device, like.dtype, shape):
            return _FREE.pop()
    return like.new_empty(shape)


def _give_back(block: Tensor) -> None:
    """Frees a block for the next who takes one; a block that is never given back is garbage, as any tensor."""
    _FREE[:] = [block]


class _TokenLogProb(torch.autograd.Function):
    """One block of rows at a time; a batch of one block keeps what backward needs, a larger one computes it again."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, symbols: Tensor) -> Tensor:
        picked = hidden.new_empty(
            len(hidden), dtype=torch.promote_types(hidden.dtype, torch.float32)
        )
        logits = _take(hidden, len(weight))
        for start in range(0, len(hidden), len(logits)):
            block = slice(start, start + len(logits))
            softmax = _logits(hidden[block], weight, bias, logits)
            chosen, top = (
                softmax.gather(1, symbols[block, None])[:, 0].to(picked.dtype),
                _largest(softmax).to(picked.dtype),
            )
            torch.softmax(softmax, -1, out=softmax)  # in place: half the memory
            picked[block] = (
                chosen - top + _largest(softmax).to(picked.dtype).log()
            )  # log p = logit - top + log p(top): no underflow
        ctx.kept = logits if any(ctx.needs_input_grad) and len(hidden) <= len(logits) else None
        if ctx.kept is None:
            _give_back(logits)
        ctx.save_for_backward(hidden, weight, bias, symbols)
        return picked

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        hidden, weight, bias, symbols = ctx.saved_tensors
        gradient = -gradients[0].to(hidden.dtype)[:, None]
        scaled, d_hidden, d_weight, d_bias = (
            gradient * hidden,
            *(torch.empty_like(each) for each in (hidden, weight, bias[None])),
        )
        logits, ctx.kept, kept = (
            ctx.kept if ctx.kept is not None else _take(hidden, len(weight)),
            None,
            ctx.kept is not None,
        )
        for start in range(0, max(len(hidden), 1), len(logits)):
            block = slice(start, start + len(logits))
            softmax = (
                logits[: len(symbols)] if kept else _logits(hidden[block], weight, bias, logits)
            )
            residual = _residual(
                softmax if kept else torch.softmax(softmax, -1, out=softmax), symbols[block]
            )
            torch.mul(residual @ weight, gradient[block], out=d_hidden[block])
            d_weight.addmm_(residual.T, scaled[block], beta=float(start > 0))
            d_bias.addmm_(gradient[block].T, residual, beta=float(start > 0))
        _give_back(logits)
        return d_hidden, d_weight, d_bias[0], None


def _logits(hidden: Tensor, weight: Tensor, bias: Tensor, block: Tensor) -> Tensor:
    """W h + b [n, V], written to the first n rows of ``block``; addmm, which first copies b to every row, takes longer."""
    return torch.mm(hidden, weight.T, out=block[: len(hidden)]).add_(bias)


def _largest(values: Tensor) -> Tensor:
    """The largest [n] of each row of values [n, V].

    On a CPU bfloat16 is compared as integers, four times faster: positive floats have the order of their bits, negative ones the
    reverse.
    """
    if values.dtype != torch.bfloat16 or values.device.type != "cpu":
        return values.amax(-1)
    bits = values.view(torch.int16)
    highest, lowest = bits.amax(-1), bits.amin(-1)
    return torch.where(highest < 0, lowest, highest).view(values.dtype)


def _residual(softmax: Tensor, symbols: Tensor) -> Tensor:
    """softmax - one-hot(symbol) in place [N, V]: minus the gradient of log p in the logits."""
    rows = torch.arange(len(symbols), device=symbols.device)
    softmax[rows, symbols] -= 1
    return softmax
