"""Penalties on the outputs of a recurrent network."""

import torch
from torch import Tensor, nn

from vaetext.data.batch import Batch


class Penalties(nn.Module):
    """Auxiliary terms that keep outputs h_t of H units small, and slow (Merity et al. 2018).

    - ``activation``: -weight * sum_t |d(h_t)|^2 / H, d the output dropout;
    - ``temporal``: -weight * sum_{t>1} |h_t - h_{t-1}|^2 / H, without dropout.

    Sums are over the real steps of a sequence, so that a weight means what it does in the authors'
    code, whose loss and penalties are means over tokens. (The paper prints norms, the code squares
    them.) In evaluation there are none.

    Args:
        activation: weight of the first; 0 leaves it out.
        temporal: weight of the second.
    """

    def __init__(self, activation: float, temporal: float) -> None:
        super().__init__()
        self.activation = activation
        self.temporal = temporal

    def forward(self, outputs: Tensor, dropped: Tensor, batch: Batch) -> dict[str, Tensor]:
        """name -> [K, B] nats per sequence; of a weight of 0 there is none.

        Args:
            outputs: h [K, B, T, H].
            dropped: the same after dropout.
            batch: B sequences, padded to T.
        """
        found: dict[str, Tensor] = {}
        if self.training and self.activation:
            squares = _mean_square(dropped) * batch.mask
            found["activation_penalty"] = -self.activation * squares.sum(-1)
        if self.training and self.temporal:
            squares = _mean_square(outputs.diff(dim=2)) * batch.mask[:, 1:]
            found["temporal_penalty"] = -self.temporal * squares.sum(-1)
        return found


def _mean_square(values: Tensor) -> Tensor:
    """The mean over units of the squares of values [..., H], at least in float32."""
    dtype = torch.promote_types(values.dtype, torch.float32)
    return values.to(dtype).square().mean(-1)
