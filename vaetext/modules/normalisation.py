"""Batch normalisation of features, whichever axis they lie on, over the steps that count."""

import torch
from torch import Tensor, nn

MOMENTUM, EPSILON = 0.1, 1e-5


class BatchNorm(nn.Module):
    """scale * (h - mean) / sqrt(var + 1e-5) + shift of each feature (Ioffe and Szegedy 2015).

    In training the moments are those of the batch, over rows and real steps; in evaluation their running averages, so no
    sequence's number depends on the others.

    Args:
        features: F.
        axis: where the features lie.
    """

    mean: Tensor
    var: Tensor

    def __init__(self, features: int, axis: int = -1) -> None:
        super().__init__()
        self.axis = axis
        self.scale, self.shift = (
            nn.Parameter(torch.ones(features)),
            nn.Parameter(torch.zeros(features)),
        )
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("var", torch.ones(features))

    def forward(self, h: Tensor, mask: Tensor | None = None) -> Tensor:
        """h with F features on its axis, mask (of h's shape without it) true at what counts, None for all -> the same shape."""
        h = h.to(torch.promote_types(h.dtype, torch.float32)).movedim(self.axis, 1)
        if mask is None:
            law = (self.mean, self.var, self.scale, self.shift)
            known = not self.training or h.numel() == h.shape[1]  # a single value has no deviation
            return nn.functional.batch_norm(
                h, *law, training=not known, momentum=MOMENTUM, eps=EPSILON
            ).movedim(1, self.axis)
        h = h.movedim(1, -1)
        mean, var = self._moments(h, mask) if self.training else (self.mean, self.var)
        normal = (h - mean) * (self.scale * (var + EPSILON).rsqrt()) + self.shift
        return normal.movedim(-1, self.axis)

    def _moments(self, h: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance [F] of h [..., F] where ``mask`` [...] is true."""
        real, axes = mask[..., None].to(h.dtype), tuple(range(h.dim() - 1))
        count = real.sum()
        mean = (real * h).sum(axes) / count
        var = (real * (h - mean) ** 2).sum(axes) / count
        self.mean.lerp_(mean.detach(), MOMENTUM)
        self.var.lerp_(
            (var * count / (count - 1).clamp(min=1)).detach(), MOMENTUM
        )  # unbiased, as torch's
        return mean, var
