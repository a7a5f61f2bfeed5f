"""Recurrent networks over padded batches, on the fused kernels of every device."""

import warnings

import torch
from torch import Tensor, nn

# where padding is held the weights are made anew at each call: cuDNN compacts them, which copies little and is no news to anybody
warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")
HOLD = 1e4  # a pre-activation at which sigmoid is exactly 0 or 1 in every floating format


class Recurrent(nn.Module):
    """A stack of LSTM or GRU layers whose state stands still on padding.

    Each layer's input carries one more feature, 1 at padded steps, with fixed weights that close the input gate and open the
    forget gate (GRU: the update gate) completely there. So one call of the fused kernel over the padded batch gives the states
    of the unpadded sequences, final ones included, in both directions: an LSTM's exactly, a GRU's up to rounding.

    Args:
        cell: "lstm" or "gru".
        inputs: features of each step.
        hidden: units of each layer and direction.
    """

    def __init__(
        self, cell: str, inputs: int, hidden: int, layers: int = 1, bidirectional: bool = False
    ) -> None:
        super().__init__()
        kind = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
        self.cell, self.hidden, self.directions = cell, hidden, 1 + bidirectional
        sizes = [inputs] + [hidden * self.directions] * (layers - 1)
        self.layers = nn.ModuleList(
            kind(size, hidden, batch_first=True, bidirectional=bidirectional) for size in sizes
        )
        gates = (-HOLD, HOLD, 0.0, 0.0) if cell == "lstm" else (0.0, HOLD, 0.0)
        self.holding = nn.Buffer(
            torch.tensor(gates).repeat_interleave(hidden)[:, None], persistent=False
        )  # the padding feature's weights

    @property
    def state_size(self) -> int:
        """Features of a layer's final state: h of each direction, and c for an LSTM."""
        return self.hidden * self.directions * (2 if self.cell == "lstm" else 1)

    def initial(self, rows: int, like: Tensor) -> list[Tensor]:
        """Zero states: one [directions, rows, H] per layer; an LSTM's hold h and c, [2 * directions, rows, H]."""
        count = self.directions * (2 if self.cell == "lstm" else 1)
        return [like.new_zeros(count, rows, self.hidden) for _ in self.layers]

    def forward(
        self, steps: Tensor, state: list[Tensor] | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Runs over steps [B, T, inputs].

        Args:
            steps: the inputs.
            state: as ``initial`` gives it; zeros when absent.
            mask: [B, T], true at real steps; without it padding is not held (outputs before it are right all the same).

        Returns:
            Outputs [B, T, H * directions] of the last layer (zeros on padding), and each layer's final state. Under a mask the
            final h is that of the last real step.
        """
        if cast_to_half(steps):
            with torch.autocast(steps.device.type, enabled=False):
                return self.forward(steps.float(), state and [each.float() for each in state], mask)
        state = state or self.initial(steps.shape[0], steps)
        final = []
        for layer, start in zip(self.layers, state, strict=True):
            assert isinstance(layer, nn.RNNBase)
            steps, end = self._layer(layer, steps, start, mask)
            final.append(end)
        return steps, final

    def _layer(
        self, layer: nn.RNNBase, steps: Tensor, start: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        weights = [weight for weight in layer._flat_weights if weight is not None]
        if mask is not None:
            steps = torch.cat([steps, ~mask[..., None]], -1)
            weights = [
                weight if n % 4 else torch.cat([weight, self.holding], 1)
                for n, weight in enumerate(weights)
            ]
        options = (
            True,
            1,
            0.0,
            self.training,
            self.directions == 2,
            True,
        )  # bias, layers, dropout, training, bidirectional, batch first
        end: list[Tensor]
        if self.cell == "lstm":
            outputs, *end = torch.lstm(
                steps, tuple(each.contiguous() for each in start.chunk(2)), weights, *options
            )
        else:
            outputs, *end = torch.gru(steps, start.contiguous(), weights, *options)
        if mask is not None:
            outputs = outputs * mask[..., None]
            if self.cell == "lstm":  # its h moves with the output gate even where c stands still
                end[0] = self._last(outputs, mask)
        return outputs, torch.cat(end) if len(end) > 1 else end[0]

    def _last(self, outputs: Tensor, mask: Tensor) -> Tensor:
        """[directions, B, H]: the forward output at the last real step, the backward one at the first."""
        last = (mask.sum(1) - 1).clamp(min=0)[:, None, None].expand(-1, 1, self.hidden)
        forward = outputs[..., : self.hidden].gather(1, last)[:, 0]
        ends = [forward] if self.directions == 1 else [forward, outputs[:, 0, self.hidden :]]
        return torch.stack(ends)


def cast_to_half(steps: Tensor) -> bool:
    """Whether autocast would run the kernels in float16, as it does cuDNN's whatever it was asked for: they run in float32 then."""
    return steps.is_cuda and torch.is_autocast_enabled("cuda")


def features(final: Tensor) -> Tensor:
    """A layer's final state [n, B, H] as one vector [B, n * H]: [h; c] of an LSTM."""
    return final.transpose(0, 1).flatten(1)
