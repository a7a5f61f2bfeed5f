"""Dropout, with a new mask at every step or one mask for a whole sequence."""

import torch
from torch import Tensor, nn

from vaetext.parallel.share import drawn


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
        uniform = drawn(torch.rand, shape, device=steps.device)
        return steps * ((uniform >= self.rate) / (1 - self.rate))


class TypeDropout(nn.Module):
    """Zeroes the embeddings of whole types with probability ``rate`` and scales the rest.

    All occurrences of a type in a batch are zeroed together (Gal and Ghahramani 2016; Merity et al.
    2018). In evaluation it does nothing.

    Args:
        rate: probability of zero, 0 <= rate < 1.
        types: number of ids.
    """

    def __init__(self, rate: float, types: int) -> None:
        super().__init__()
        self.rate = rate
        self.types = types

    def forward(self, embedded: Tensor, ids: Tensor) -> Tensor:
        """embedded [..., E] of ids [...] -> the same shape."""
        if not self.training or self.rate == 0:
            return embedded
        kept = torch.rand(self.types, device=ids.device) >= self.rate
        return embedded * (kept / (1 - self.rate))[ids][..., None]
