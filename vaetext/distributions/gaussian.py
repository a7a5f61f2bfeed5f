"""Diagonal Gaussians."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vaetext.distributions.distribution import Distribution
from vaetext.distributions.noise import Noise

LOG_VARIANCES = (-30.0, 20.0)  # of a GaussianHead, so that no bound or gradient overflows


@dataclass(frozen=True)
class Gaussian(Distribution):
    """N(mean, diag(exp(log_var))), independent over the last axis D.

    Attributes:
        mean: [..., D].
        log_var: [..., D] log of the variances.
    """

    mean: Tensor
    log_var: Tensor

    parameter_axes = (1, 1)

    @property
    def mode(self) -> Tensor:
        return self.mean

    @property
    def std(self) -> Tensor:
        """[..., D] standard deviations exp(log_var / 2)."""
        return (0.5 * self.log_var).exp()

    def log_prob(self, x: Tensor) -> Tensor:
        """[...] log N(x; mean, std^2) in nats, summed over D."""
        scaled = (x - self.mean) * (-0.5 * self.log_var).exp()
        return -0.5 * (scaled**2 + self.log_var + math.log(2 * math.pi)).sum(-1)

    def sample(self, noise: Noise, *shape: int) -> Tensor:
        """mean + std * e, e ~ N(0, I): the pathwise sample [K, B, *shape, D]."""
        return self.mean + self.std * noise.normal(*shape, self.mean.shape[-1])

    def kl(self, other: Distribution) -> Tensor | None:
        """[..., D] nats of each dimension.

        ((mean - mean')^2 / var' + r - 1 - log r) / 2 with r = var / var'.

        None where the other is not a Gaussian.
        """
        if not isinstance(other, Gaussian):
            return None
        log_ratio = self.log_var - other.log_var
        squared = (self.mean - other.mean) ** 2 * (-other.log_var).exp()
        return 0.5 * (squared + log_ratio.exp() - 1.0 - log_ratio)

    def log_prob_of_all(self, x: Tensor) -> Tensor:
        """A matrix product, as log N(x_m; mean_n, std_n^2) is bilinear in (x^2, x)."""
        x = x.flatten(1)
        mean = self.mean.flatten(1)
        var = self.log_var.flatten(1).exp()
        constant = -0.5 * (mean**2 / var + var.log() + math.log(2 * math.pi)).sum(-1)
        return constant + x @ (mean / var).T - 0.5 * x**2 @ (1 / var).T

    def restricted(
        self, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
    ) -> "Gaussian":
        """Standard deviations times ``temperature``.

        Raises:
            ValueError: top_k or top_p, which choose among tokens.
        """
        super().restricted(1.0, top_k, top_p)
        return Gaussian(self.mean, self.log_var + 2 * math.log(temperature))

    def merge(self, other: "Gaussian") -> "Gaussian":
        """The product of both densities, normalised (Sønderby et al. 2016).

        Precisions add, means are weighted by them: var'' = 1 / (1/var + 1/var'),
        mean'' = (mean/var + mean'/var') var''. (Petersen, section 2.4, prints the first without
        its square.)
        """
        share = torch.sigmoid(other.log_var - self.log_var)  # of self in the precision
        mean = share * self.mean + (1 - share) * other.mean
        return Gaussian(mean, -torch.logaddexp(-self.log_var, -other.log_var))


def standard(like: Tensor, dimensions: int) -> Gaussian:
    """N(0, I) over [dimensions], on the device and in the precision of ``like``."""
    zeros = like.new_zeros(dimensions)
    return Gaussian(zeros, zeros)


class GaussianHead(nn.Module):
    """h [..., H] -> N(mean, var) over D dimensions by one linear map for mean and log-variance.

    The log-variance is kept in [-30, 20], as in Rombach et al. 2022: at high learning rates that of
    a single sequence can be so large that its KL, or the square of its gradient, is not finite.
    Above ``most`` it is ``most``, with the gradient that it would have unchanged, so that none
    remains there for want of a gradient.

    Args:
        most: upper bound of the log-variance, at most 20.
    """

    def __init__(self, features: int, latent_dim: int, most: float = LOG_VARIANCES[1]) -> None:
        super().__init__()
        self.most = most
        self.linear = nn.Linear(features, 2 * latent_dim)

    def forward(self, features: Tensor) -> Gaussian:
        # densities stay in float32 where matrix products run in bf16
        dtype = torch.promote_types(features.dtype, torch.float32)
        mean, log_var = self.linear(features).to(dtype).chunk(2, -1)
        log_var = log_var.clamp(*LOG_VARIANCES)
        return Gaussian(mean, log_var - (log_var - self.most).clamp(min=0).detach())
