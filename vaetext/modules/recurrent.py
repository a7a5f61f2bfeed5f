"""Recurrent networks over padded batches, on the fused kernels of every device."""

import warnings
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

# under a mask the weights are concatenated at each call, so cuDNN compacts them; that costs little
warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")
HOLD = 1e4  # a pre-activation at which sigmoid is exactly 0 or 1 in every floating-point format
_CLOSED = {"lstm": (-HOLD, HOLD, 0.0, 0.0), "gru": (0.0, HOLD, 0.0), "rnn": ()}  # of each gate


class Recurrent(nn.Module):
    """A stack of LSTM or GRU layers whose state does not change on padding.

    Each layer's input has one more feature, 1 at padded steps, with fixed weights that close the
    input gate and open the forget gate (of a GRU, the update gate) completely there. So one call
    of the fused kernel over the padded batch gives the states of the sequences without padding,
    final states included, in both directions: exactly for an LSTM, up to rounding for a GRU.

    Args:
        cell: "lstm" (Hochreiter and Schmidhuber 1997), "gru" (Cho et al. 2014), or "rnn", a tanh
            of a linear map, which has no gate to close and so takes no mask.
        inputs: features of each step.
        hidden: H, units of each layer and direction.
        layers: in the stack.
        bidirectional: whether each layer also reads backwards.
        weight_drop: in training, share of the hidden-to-hidden weights that are 0, the others
            scaled; one mask for all steps and rows of a call (Wan et al. 2013, Merity et al. 2018).
    """

    def __init__(
        self,
        cell: str,
        inputs: int,
        hidden: int,
        layers: int = 1,
        bidirectional: bool = False,
        weight_drop: float = 0.0,
    ) -> None:
        super().__init__()
        kind = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[cell]
        self.cell = cell
        self.hidden = hidden
        self.directions = 1 + bidirectional
        self.weight_drop = weight_drop
        sizes = [inputs] + [hidden * self.directions] * (layers - 1)
        self.layers = nn.ModuleList(
            kind(size, hidden, batch_first=True, bidirectional=bidirectional) for size in sizes
        )
        padding_weights = torch.tensor(_CLOSED[cell]).repeat_interleave(hidden)[:, None]
        self.padding_weights = nn.Buffer(padding_weights, persistent=False)

    @property
    def state_size(self) -> int:
        """Features of a layer's final state: h of each direction, and c for an LSTM."""
        return self.hidden * self.directions * (2 if self.cell == "lstm" else 1)

    def initial(self, rows: int, like: Tensor) -> list[Tensor]:
        """Zero states: for each layer h [directions, rows, H], or h and c [2 * directions, ...].

        They have the device and the dtype of ``like``.
        """
        count = self.directions * (2 if self.cell == "lstm" else 1)
        return [like.new_zeros(count, rows, self.hidden) for _ in self.layers]

    def forward(
        self,
        steps: Tensor,
        state: list[Tensor] | None = None,
        mask: Tensor | None = None,
        lengths: Sequence[int] | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Runs all layers over all steps.

        Args:
            steps: [B, T, inputs].
            state: of each layer, shaped as by ``initial``; None for zeros.
            mask: [B, T], true at real steps, which come before all others (or after them, if the
                state is zero and the final one does not matter); None where the final state does
                not matter (without a mask the outputs of real steps are the same).
            lengths: [B] real steps of each row, where they ascend: rows that have ended are then
                left out (see ``segments``). None runs every row to the end.

        Returns:
            Outputs [B, T, H * directions] of the last layer, zeros on padding, and the final state
            of each layer. Under a mask the final h is that of the last real step.
        """
        if cast_to_half(steps):
            state = state and [each.float() for each in state]
            with torch.autocast(steps.device.type, enabled=False):
                return self.forward(steps.float(), state, mask)
        state = state or self.initial(steps.shape[0], steps)
        parts = segments(lengths) if lengths and self.directions == 1 else []
        final = []
        for layer, start in zip(self.layers, state, strict=True):
            assert isinstance(layer, nn.RNNBase)
            weights = self._weights(layer)
            if len(parts) > 1:
                steps, end = self._layer_in_segments(weights, steps, start, mask, parts)
            else:
                steps, end = self._layer(weights, steps, start, mask)
            final.append(end)
        return steps, final

    def backwards(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Outputs [B, T, H] of a run from each row's last real step to its first.

        Args:
            steps: [B, T, inputs].
            mask: [B, T], true at real steps, which come before all others.
        """
        return self(steps.flip(1), mask=mask.flip(1))[0].flip(1)  # type: ignore[no-any-return]

    def _weights(self, layer: nn.RNNBase) -> list[Tensor]:
        """The flat weights: of each direction input-to-hidden, hidden-to-hidden, and two biases."""
        weights = [weight for weight in layer._flat_weights if weight is not None]
        if not self.training or not self.weight_drop:
            return weights
        return [
            weight * self._kept(weight) if n % 4 == 1 else weight
            for n, weight in enumerate(weights)
        ]

    def _kept(self, weight: Tensor) -> Tensor:
        uniform = torch.rand(weight.shape, device=weight.device)
        return ((uniform >= self.weight_drop) / (1 - self.weight_drop)).to(weight.dtype)

    def _layer_in_segments(
        self,
        weights: list[Tensor],
        steps: Tensor,
        start: Tensor,
        mask: Tensor | None,
        parts: list[tuple[int, int, int]],
    ) -> tuple[Tensor, Tensor]:
        """The same as ``_layer``, each segment with the rows that have not ended before it."""
        outputs = []
        final = []
        state = start
        for begin, stop, first in parts:
            ended = first - (steps.shape[0] - state.shape[1])
            final.append(state[:, :ended])
            part = None if mask is None else mask[first:, begin:stop]
            out, state = self._layer(weights, steps[first:, begin:stop], state[:, ended:], part)
            outputs.append(nn.functional.pad(out, (0, 0, 0, 0, first, 0)))
        rest = steps.shape[1] - parts[-1][1]  # padding that no row has a step in
        joined = nn.functional.pad(torch.cat(outputs, 1), (0, 0, 0, rest))
        return joined, torch.cat([*final, state], 1)

    def _layer(
        self, weights: list[Tensor], steps: Tensor, start: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Outputs and final state of the layer with these flat weights."""
        if mask is not None:
            assert self.cell != "rnn"
            steps = torch.cat([steps, ~mask[..., None]], -1)
            weights = self._with_padding_weights(weights)
        outputs, end = self._kernel(steps, start, weights)
        if mask is not None:
            outputs = outputs * mask[..., None]
            if self.cell == "lstm":  # the output gate changes h even where c does not change
                end[0] = self._last(outputs, mask)
        return outputs, torch.cat(end) if len(end) > 1 else end[0]

    def _with_padding_weights(self, weights: list[Tensor]) -> list[Tensor]:
        """The flat weights, each direction's first, the input-to-hidden one, widened by one."""
        return [
            weight if n % 4 else torch.cat([weight, self.padding_weights], 1)
            for n, weight in enumerate(weights)
        ]

    def _kernel(
        self, steps: Tensor, start: Tensor, weights: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """The fused kernel: outputs, and the final h, or h and c."""
        # has biases, layers, dropout, training, bidirectional, batch first
        options = (True, 1, 0.0, self.training, self.directions == 2, True)
        end: list[Tensor]
        if self.cell == "lstm":
            state = tuple(each.contiguous() for each in start.chunk(2))
            outputs, *end = torch.lstm(steps, state, weights, *options)
        else:
            kernel = torch.gru if self.cell == "gru" else torch.rnn_tanh
            outputs, *end = kernel(steps, start.contiguous(), weights, *options)
        return outputs, end

    def _last(self, outputs: Tensor, mask: Tensor) -> Tensor:
        """[directions, B, H]: forward output at the last real step, backward one at the first."""
        last = (mask.sum(1) - 1).clamp(min=0)[:, None, None].expand(-1, 1, self.hidden)
        forward = outputs[..., : self.hidden].gather(1, last)[:, 0]
        ends = [forward] if self.directions == 1 else [forward, outputs[:, 0, self.hidden :]]
        return torch.stack(ends)


def segments(lengths: Sequence[int]) -> list[tuple[int, int, int]]:
    """Cuts the steps of a batch where half, then three quarters, of its rows have ended.

    The fused kernels run over whole rectangles, so a batch of unlike lengths costs as many steps
    as its longest row has. Each segment is a call of its own, which pays where it saves a sixth.

    Args:
        lengths: [B] steps of each row, at least one each, ascending.

    Returns:
        (begin, stop, first row) of each segment; a single one where cutting does not pay.
    """
    count = len(lengths)
    longest = lengths[-1]
    stops = sorted({lengths[(count - 1) // 2], lengths[3 * (count - 1) // 4], longest})
    parts = []
    begin = 0
    for stop in stops:
        parts.append((begin, stop, bisect_right(lengths, begin)))
        begin = stop
    kept = sum((stop - begin) * (count - first) for begin, stop, first in parts)
    ascending = all(one <= other for one, other in pairwise(lengths))
    pays = lengths[0] > 0 and ascending and kept < 5 / 6 * count * longest
    return parts if pays else [(0, longest, 0)]


def cast_to_half(steps: Tensor) -> bool:
    """Whether autocast would run the kernels in float16, as it does cuDNN's for any dtype asked.

    They then run in float32.
    """
    return steps.is_cuda and torch.is_autocast_enabled("cuda")


def features(final: Tensor) -> Tensor:
    """A layer's final state [n, B, H] as one vector [B, n * H]: [h; c] of an LSTM."""
    return final.transpose(0, 1).flatten(1)
