"""Gaussian closed forms against torch.distributions and the sampled KL."""

import torch
from torch.distributions import Normal, kl_divergence

from vaetext.distributions.gaussian import Gaussian, standard_log_prob
from vaetext.distributions.noise import KeyedNoise
from vaetext.distributions.priors import StandardNormal


def gaussian() -> Gaussian:
    torch.manual_seed(0)
    return Gaussian(torch.randn(3, 4, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64))


def test_densities_and_kl() -> None:
    q, z = gaussian(), torch.randn(3, 4, dtype=torch.float64)
    torch.testing.assert_close(q.log_prob(z), Normal(q.mean, q.std).log_prob(z).sum(-1))
    torch.testing.assert_close(standard_log_prob(z), Normal(0.0, 1.0).log_prob(z).sum(-1))
    torch.testing.assert_close(q.kl_standard(), kl_divergence(Normal(q.mean, q.std), Normal(0.0, 1.0)))


def test_sampled_kl_agrees_with_the_analytic() -> None:
    q = gaussian()
    noise = KeyedNoise(0, torch.arange(3), range(4000), torch.float64)
    code = StandardNormal(4).code("z", q, noise)
    error = code.log_ratio.std(0) / code.log_ratio.shape[0] ** 0.5
    assert bool(((code.log_ratio.mean(0) - code.total_kl[0]).abs() < 4 * error).all())
