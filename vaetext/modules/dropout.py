"""Dropout, with a new mask at every step or one mask for a whole sequence."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Zeroes features with probability ``rate`` and scales the rest by 1 / (1 - rate).

    In evaluation it does nothing.

    Args:
        rate: probability of zero, 0 <= rate < 1.
        locked: one mask for all steps of a sequence (Gal and Ghahramani 2016).
    """

    def __init__(self, rate: float, locked: bool = False) -> None:
        super().__init__()
        self.rate = rate
        self.locked = locked

    def forward(self, steps: Tensor) -> Tensor:
        """steps [B, T, F] -> the same shape."""
        if not self.training or self.rate == 0:
            return steps
        shape = steps[:, :1].shape if self.locked else steps.shape
        # uniform samples are far faster on a CPU than Bernoulli samples, and float32, since
        # bfloat16 has too few values
        uniform = torch.rand(shape, device=steps.device)
        return steps * ((uniform >= self.rate) / (1 - self.rate))
