"""Mixtures of diagonal Gaussians."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vaetext.distributions.categorical import Categorical
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.noise import Noise


@dataclass(frozen=True)
class GaussianMixture(Distribution):
    """sum_c w_c N(mean_c, diag(exp(log_var_c))) over the last axis D, the component summed out.

    Attributes:
        log_weights: [..., C] log w, normalised.
        means: [..., C, D].
        log_vars: [..., C, D].
    """

    log_weights: Tensor
    means: Tensor
    log_vars: Tensor

    parameter_axes = (1, 2, 2)

    @property
    def mean(self) -> Tensor:
        return (self.log_weights.exp()[..., None] * self.means).sum(-2)

    @property
    def mode(self) -> Tensor:
        return self.mean

    def log_prob(self, x: Tensor) -> Tensor:
        """[...] log p(x) in nats, by logsumexp over components."""
        each = Gaussian(self.means, self.log_vars).log_prob(x[..., None, :])
        return torch.logsumexp(each + self.log_weights, -1)

    def sample(self, noise: Noise, *shape: int) -> Tensor:
        """A component by the noise "component", then a draw of it: [K, B, *shape, D]."""
        chosen = Categorical(self.log_weights).sample(noise.at("component"), *shape)
        index = chosen[..., None, None].expand(*chosen.shape, 1, self.means.shape[-1])

        def pick(values: Tensor) -> Tensor:
            return values.expand(*chosen.shape, *values.shape[-2:]).gather(-2, index).squeeze(-2)

        return Gaussian(pick(self.means), pick(self.log_vars)).sample(noise, *shape)

    def restricted(
        self, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
    ) -> "GaussianMixture":
        """Every component's standard deviations times ``temperature``, the weights as they are.

        Raises:
            ValueError: top_k or top_p, which choose among tokens.
        """
        super().restricted(1.0, top_k, top_p)
        return GaussianMixture(
            self.log_weights, self.means, self.log_vars + 2 * math.log(temperature)
        )
