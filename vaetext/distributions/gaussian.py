"""Gaussians with independent dimensions: density, KL, product and samples."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Gaussian:
    """N(mean, diag(exp(log_var))), independent over the last axis D.

    Attributes:
        mean: [..., D].
        log_var: [..., D] logarithms of the variances.
    """

    mean: Tensor
    log_var: Tensor

    @property
    def std(self) -> Tensor:
        """[..., D] standard deviations exp(log_var / 2)."""
        return (0.5 * self.log_var).exp()

    def sample(self, normal: Tensor) -> Tensor:
        """mean + std * normal, the reparameterised sample (Kingma and Welling 2014).

        Args:
            normal: [..., D] samples of N(0, I), of any shape that broadcasts.
        """
        return self.mean + self.std * normal

    def log_prob(self, z: Tensor) -> Tensor:
        """[...] log N(z; mean, std^2) in nats, summed over D."""
        scaled = (z - self.mean) * (-0.5 * self.log_var).exp()
        return -0.5 * (scaled**2 + self.log_var + math.log(2 * math.pi)).sum(-1)

    def kl(self, other: "Gaussian") -> Tensor:
        """[..., D] KL(self || other) of each dimension, in nats.

        KL = ((mean - mean')^2 / var' + r - 1 - log r) / 2, with r = var / var'.
        """
        log_ratio = self.log_var - other.log_var
        return 0.5 * (
            (self.mean - other.mean) ** 2 * (-other.log_var).exp()
            + log_ratio.exp()
            - 1.0
            - log_ratio
        )

    def merge(self, other: "Gaussian") -> "Gaussian":
        """The normalised product of both densities (Petersen, section 2.4; Sønderby et al. 2016).

        Precisions add, and each mean is weighted by its precision:
        var'' = 1 / (1/var + 1/var'), mean'' = (mean/var + mean'/var') var''.
        Petersen prints the first equation with a standard deviation where a variance belongs.
        """
        share = torch.sigmoid(other.log_var - self.log_var)  # of self in the precision
        mean = share * self.mean + (1 - share) * other.mean
        return Gaussian(mean, -torch.logaddexp(-self.log_var, -other.log_var))


def standard(like: Tensor) -> Gaussian:
    """N(0, 1), to be broadcast, on the device and with the precision of ``like``."""
    zero = like.new_zeros(())
    return Gaussian(zero, zero)


class GaussianHead(nn.Module):
    """h [..., H] -> N(mean, var) over D dimensions, [mean; log var] = W h + b (Chien and Wang).

    Args:
        features: H.
        latent_dim: D.
    """

    def __init__(self, features: int, latent_dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 2 * latent_dim)

    def forward(self, features: Tensor) -> Gaussian:
        # densities stay in float32 where matrix products run in bf16
        dtype = torch.promote_types(features.dtype, torch.float32)
        mean, log_var = self.linear(features).to(dtype).chunk(2, -1)
        return Gaussian(mean, log_var)
