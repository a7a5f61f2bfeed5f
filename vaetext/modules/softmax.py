"""The output layer: log p of given symbols, without keeping batch x vocabulary."""

from typing import Any

import torch
from torch import Tensor, nn

from vaetext.data.batch import Batch

ROWS = 1024  # rows of logits held at once: memory is rows x vocabulary, whatever the batch
MULTIPLE = 16  # rows are filled up to a multiple of it: kernels that are generated and kept for each size stay few


def sequence_log_prob(batch: Batch, samples: int, hidden: Tensor, weight: Tensor, bias: Tensor, limit: int | None = None) -> Tensor:
    """[K, B] log p(x) = sum_t log softmax(W h_t + b)[x_t] over real positions, nats per sequence, EOS counted.

    Args:
        batch: B sequences, padded to T.
        samples: K.
        hidden: [K * B, T, H].
        weight: [V, H].
        bias: [V].
        limit: most symbols of a sequence, if there is such a limit: there EOS is certain and costs nothing.
    """
    count, length = len(batch), batch.tokens.shape[1]
    real = hidden.reshape(samples, count * length, -1).index_select(1, batch.positions).flatten(0, 1)
    symbols = batch.tokens.flatten().index_select(0, batch.positions).repeat(samples)
    picked = symbol_log_prob(real, weight, bias, symbols).view(samples, -1)
    spread = picked.new_zeros(samples, count * length).index_copy(1, batch.positions, picked)
    return spread.view(samples, count, length)[:, :, : None if limit is None else limit - 1].sum(2)


def certain(log_probs: Tensor, symbol: int) -> Tensor:
    """Log-probabilities [rows, V] of a law that gives ``symbol`` always."""
    return torch.full_like(log_probs, -torch.inf).index_fill(-1, torch.tensor(symbol, device=log_probs.device), 0.0)


def symbol_log_prob(hidden: Tensor, weight: Tensor, bias: Tensor, symbols: Tensor) -> Tensor:
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
    more = -len(hidden) % MULTIPLE
    hidden, filled = nn.functional.pad(hidden, (0, 0, 0, more)), nn.functional.pad(symbols, (0, more))
    return _SymbolLogProb.apply(hidden, weight, bias, filled)[: len(symbols)]  # type: ignore[no-any-return, no-untyped-call]


class _SymbolLogProb(torch.autograd.Function):
    """One block of rows at a time; a batch of one block keeps what backward needs, a larger one computes it again."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, symbols: Tensor) -> Tensor:
        keep = any(ctx.needs_input_grad) and len(hidden) <= ROWS
        picked = hidden.new_empty(len(hidden), dtype=torch.promote_types(hidden.dtype, torch.float32))
        residual = None
        for start in range(0, len(hidden), ROWS):
            block = slice(start, start + ROWS)
            logits = nn.functional.linear(hidden[block], weight, bias)
            chosen, top = logits.gather(1, symbols[block, None])[:, 0].to(picked.dtype), logits.amax(-1).to(picked.dtype)
            softmax = torch.softmax(logits, -1, out=logits)  # in place: half the memory
            picked[block] = chosen - top + softmax.amax(-1).to(picked.dtype).log()  # log p = logit - top + log p(top): no underflow
            residual = softmax
        ctx.save_for_backward(hidden, weight, bias, symbols, _residual(residual, symbols) if keep and residual is not None else None)
        return picked

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        hidden, weight, bias, symbols, kept = ctx.saved_tensors
        gradient = -gradients[0].to(hidden.dtype)[:, None]
        scaled, d_hidden = gradient * hidden, torch.empty_like(hidden)
        d_weight, d_bias = torch.zeros_like(weight), torch.zeros_like(bias)
        for start in range(0, len(hidden), ROWS):
            block = slice(start, start + ROWS)
            residual = kept
            if residual is None:
                residual = _residual(nn.functional.linear(hidden[block], weight, bias).softmax(-1), symbols[block])
            torch.mul(residual @ weight, gradient[block], out=d_hidden[block])
            d_weight.addmm_(residual.T, scaled[block], beta=float(start > 0))
            d_bias.addmv_(residual.T, gradient[block, 0])
        return d_hidden, d_weight, d_bias, None


def _residual(softmax: Tensor, symbols: Tensor) -> Tensor:
    """softmax - one-hot(symbol) in place [N, V]: minus the gradient of log p in the logits."""
    rows = torch.arange(len(symbols), device=symbols.device)
    softmax[rows, symbols] -= 1
    return softmax
