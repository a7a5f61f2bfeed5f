"""Dropout, fresh at every step or locked for a whole sequence."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Zeroes features with probability ``rate`` and scales the rest by 1 / (1 - rate), in training only.

    Args:
        rate: share of zeros, 0 <= rate < 1.
        locked: one mask for all steps of a sequence (Gal and Ghahramani 2016).
    """

    def __init__(self, rate: float, locked: bool = False) -> None:
        super().__init__()
        self.rate, self.locked = rate, locked

    def forward(self, steps: Tensor) -> Tensor:
        """steps [B, T, F] -> the same shape."""
        if not self.training or self.rate == 0:
            return steps
        shape = steps[:, :1].shape if self.locked else steps.shape
        drawn = torch.rand(
            shape, device=steps.device
        )  # far faster than Bernoulli draws on a CPU; float32, as bfloat16 has too few values
        return steps * ((drawn >= self.rate) / (1 - self.rate))
