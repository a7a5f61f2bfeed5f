"""The output layer: log p of given symbols, without keeping batch x vocabulary."""

from typing import Any

import torch
from torch import Tensor, nn

ROWS = 1024  # rows of logits held at once: memory is rows x vocabulary, whatever the batch


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
    return _SymbolLogProb.apply(hidden, weight, bias, symbols)  # type: ignore[no-any-return, no-untyped-call]


class _SymbolLogProb(torch.autograd.Function):
    """One block of rows at a time; a batch of one block keeps its softmax for the backward pass, a larger one recomputes it."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, symbols: Tensor) -> Tensor:
        precise = torch.promote_types(hidden.dtype, torch.float32)
        if any(ctx.needs_input_grad) and len(hidden) <= ROWS:
            logits = nn.functional.linear(hidden, weight, bias)
            chosen, top = logits.gather(1, symbols[:, None])[:, 0].to(precise), logits.amax(-1).to(precise)
            softmax = torch.softmax(logits, -1, out=logits)  # in place: half the memory
            picked = chosen - top + softmax.amax(-1).to(precise).log()  # log p = logit - top + log p(top), which cannot underflow
            ctx.save_for_backward(hidden, weight, bias, symbols, softmax)
            return picked
        picked = hidden.new_empty(len(hidden), dtype=precise)
        for start in range(0, len(hidden), ROWS):
            block = slice(start, start + ROWS)
            log_probs = nn.functional.linear(hidden[block], weight, bias).log_softmax(-1)
            picked[block] = log_probs.gather(1, symbols[block, None])[:, 0].to(precise)
        ctx.save_for_backward(hidden, weight, bias, symbols, None)
        return picked

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        hidden, weight, bias, symbols, softmax = ctx.saved_tensors
        gradient = gradients[0].to(hidden.dtype)[:, None]
        scaled = gradient * hidden
        d_hidden = gradient * weight[symbols]
        d_weight = torch.zeros_like(weight).index_add_(0, symbols, scaled)
        d_bias = torch.zeros_like(bias).index_add_(0, symbols, gradient[:, 0])
        for start in range(0, len(hidden), ROWS):
            block = slice(start, start + ROWS)
            probs = softmax if softmax is not None else nn.functional.linear(hidden[block], weight, bias).softmax(-1)
            d_hidden[block].addcmul_(gradient[block], probs @ weight, value=-1)
            d_weight.addmm_(probs.T, scaled[block], alpha=-1)
            d_bias.addmv_(probs.T, gradient[block, 0], alpha=-1)
        return d_hidden, d_weight, d_bias, None
