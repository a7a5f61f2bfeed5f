"""Diagonal Gaussians: density, divergence and posterior samples."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Gaussian:
    """N(mean, diag(exp(log_var))), independent over the last axis D.

    Attributes:
        mean: [..., D].
        log_var: [..., D] log of the variances.
    """

    mean: Tensor
    log_var: Tensor

    @property
    def std(self) -> Tensor:
        """[..., D] deviations exp(log_var / 2)."""
        return (0.5 * self.log_var).exp()

    def sample(self, noise: Tensor) -> Tensor:
        """mean + std * noise, the pathwise sample for noise ~ N(0, I) of any leading shape."""
        return self.mean + self.std * noise

    def log_prob(self, z: Tensor) -> Tensor:
        """[...] log N(z; mean, std^2) in nats, summed over D."""
        scaled = (z - self.mean) * (-0.5 * self.log_var).exp()
        return -0.5 * (scaled**2 + self.log_var + math.log(2 * math.pi)).sum(-1)

    def kl(self, other: "Gaussian") -> Tensor:
        """[..., D] KL(self || other) = ((mean - mean')^2 / var' + r - 1 - log r) / 2, r = var / var', of each dimension, nats."""
        log_ratio = self.log_var - other.log_var
        return 0.5 * (
            (self.mean - other.mean) ** 2 * (-other.log_var).exp()
            + log_ratio.exp()
            - 1.0
            - log_ratio
        )

    def merge(self, other: "Gaussian") -> "Gaussian":
        """The product of both densities, normalised: precisions add, means are weighted by them (source 004, 2.4).

        var'' = 1 / (1/var + 1/var'), mean'' = (mean/var + mean'/var') var''. The source prints the first without its square.
        """
        share = torch.sigmoid(other.log_var - self.log_var)  # of self in the precision
        mean = share * self.mean + (1 - share) * other.mean
        return Gaussian(mean, -torch.logaddexp(-self.log_var, -other.log_var))


def standard(like: Tensor) -> Gaussian:
    """N(0, 1), to be broadcast, where and as precise as ``like``."""
    zero = like.new_zeros(())
    return Gaussian(zero, zero)


class GaussianHead(nn.Module):
    """h [..., H] -> N(mean, var) over D dimensions by one linear map for mean and log-variance (source 000)."""

    def __init__(self, features: int, latent_dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 2 * latent_dim)

    def forward(self, features: Tensor) -> Gaussian:
        # densities stay in float32 where matrix products run in bf16
        mean, log_var = (
            self.linear(features)
            .to(torch.promote_types(features.dtype, torch.float32))
            .chunk(2, -1)
        )
        return Gaussian(mean, log_var)
