"""Batch normalisation over real steps only, for features on any axis."""

import torch
from torch import Tensor, nn

from vaetext.parallel.share import current, size, synchronised

MOMENTUM = 0.1
EPSILON = 1e-5
TINY = 1e-10


class BatchNorm(nn.Module):
    """scale * (h - mean) / sqrt(var + 1e-5) + shift, of each feature (Ioffe and Szegedy 2015).

    In training, mean and variance are those of the batch, over rows and real steps; where several
    processes share it, of the whole batch. In evaluation they are running averages, so the numbers
    of one sequence do not depend on the others.

    Args:
        features: F.
        axis: of the features.
    """

    mean: Tensor
    var: Tensor

    def __init__(self, features: int, axis: int = -1) -> None:
        super().__init__()
        self.axis = axis
        self.scale = nn.Parameter(torch.ones(features))
        self.shift = nn.Parameter(torch.zeros(features))
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("var", torch.ones(features))

    def forward(self, h: Tensor, mask: Tensor | None = None) -> Tensor:
        """h -> the same shape.

        Args:
            h: with F features on the axis.
            mask: the shape of h without the axis of features, true at real steps; None where all
                steps are real.
        """
        h = h.to(torch.promote_types(h.dtype, torch.float32)).movedim(self.axis, 1)
        if mask is None:
            if current() is None or size(h.numel() // h.shape[1]) == 1:
                return self._unmasked(h).movedim(1, self.axis)
            mask = torch.ones_like(h[:, 0], dtype=torch.bool)
        h = h.movedim(1, -1)
        mean, var = self._moments(h, mask) if self.training else (self.mean, self.var)
        normal = (h - mean) * (self.scale * (var + EPSILON).rsqrt()) + self.shift
        return normal.movedim(-1, self.axis)

    def _unmasked(self, h: Tensor) -> Tensor:
        """h [rows, F, ...] normalised by torch's own function."""
        single = h.numel() == h.shape[1]  # a single value has no variance: take the running one
        return nn.functional.batch_norm(
            h,
            self.mean,
            self.var,
            self.scale,
            self.shift,
            training=self.training and not single,
            momentum=MOMENTUM,
            eps=EPSILON,
        )

    def _moments(self, h: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance [F] of h [..., F] where ``mask`` [...] is true."""
        real = mask[..., None].to(h.dtype)
        axes = tuple(range(h.dim() - 1))
        count = synchronised(real.sum())
        mean = synchronised((real * h).sum(axes)) / count
        var = synchronised((real * (h - mean) ** 2).sum(axes)) / count
        unbiased = var * count / (count - 1).clamp(min=1)  # as torch's running variance
        self.mean.lerp_(mean.detach(), MOMENTUM)
        self.var.lerp_(unbiased.detach(), MOMENTUM)
        return mean, var


class PositionNorm(nn.Module):
    """std * (m - mean) / sqrt(var + 1e-10), of each feature at each position (Zhu et al. 2020).

    In training, mean and variance are those of the rows that reach the position, in evaluation
    running averages. Of posterior means m of variance std^2 over sequences, the KL from N(0, I) is
    at least std^2 / 2 nats a feature: such a posterior cannot collapse. (With
    the usual 1e-5 it can: the variance of m falls below that.)

    Args:
        positions: N.
        features: F.
        std: the standard deviation over rows that results.
    """

    mean: Tensor
    var: Tensor

    def __init__(self, positions: int, features: int, std: float) -> None:
        super().__init__()
        self.std = std
        self.register_buffer("mean", torch.zeros(positions, features))
        self.register_buffer("var", torch.ones(positions, features))

    def forward(self, m: Tensor, position: int, mask: Tensor) -> Tensor:
        """m [..., F] -> the same shape.

        Args:
            m: of every row.
            position: from 0.
            mask: [...] true in the rows that reach the position.
        """
        mean, var = self.mean[position], self.var[position]
        if self.training:
            mean, var = self._moments(m, mask, mean, var)
        return (m - mean) * (self.std * (var + TINY).rsqrt())

    def _moments(self, m: Tensor, mask: Tensor, mean: Tensor, var: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance [F] of the rows that count; the running ones where fewer than two do.

        The running ones are updated.
        """
        axes = tuple(range(m.dim() - 1))
        real = mask[..., None].to(m.dtype)
        count = synchronised(real.sum())
        own_mean = synchronised((real * m).sum(axes)) / count.clamp(min=1)
        own_var = synchronised((real * (m - own_mean) ** 2).sum(axes)) / (count - 1).clamp(min=1)
        enough = count > 1
        own_mean = torch.where(enough, own_mean, mean.clone())
        own_var = torch.where(enough, own_var, var.clone())
        mean.lerp_(own_mean.detach().to(mean.dtype), MOMENTUM)
        var.lerp_(own_var.detach().to(var.dtype), MOMENTUM)
        return own_mean, own_var


def has_batch_norm(model: nn.Module) -> bool:
    """Whether a model reads statistics of its batches in training."""
    return any(isinstance(module, (BatchNorm, PositionNorm)) for module in model.modules())
