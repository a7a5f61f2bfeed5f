"""Gaussian densities and KLs compared with torch.distributions, and with a sampled KL."""

import torch
from torch.distributions import Normal, kl_divergence

from vaetext.distributions.gaussian import Gaussian, standard
from vaetext.distributions.noise import KeyedNoise
from vaetext.distributions.priors import StandardNormal


def random_gaussian() -> Gaussian:
    torch.manual_seed(0)
    return Gaussian(torch.randn(3, 4, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64))


def normal(gaussian: Gaussian) -> Normal:
    return Normal(gaussian.mean, gaussian.std)


def test_densities_and_kl_from_standard_normal_agree_with_torch() -> None:
    q = random_gaussian()
    z = torch.randn(3, 4, dtype=torch.float64)
    torch.testing.assert_close(q.log_prob(z), normal(q).log_prob(z).sum(-1))
    torch.testing.assert_close(standard(z).log_prob(z), Normal(0.0, 1.0).log_prob(z).sum(-1))
    torch.testing.assert_close(q.kl(standard(z)), kl_divergence(normal(q), Normal(0.0, 1.0)))


def test_kl_between_two_gaussians_agrees_with_torch() -> None:
    q = random_gaussian()
    p = Gaussian(torch.randn(3, 4, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64))
    torch.testing.assert_close(q.kl(p), kl_divergence(normal(q), normal(p)))
    assert q.kl(q).abs().max() == 0


def test_merge_is_the_normalised_product_of_densities() -> None:
    one, other = (
        Gaussian(torch.tensor([mean]), torch.tensor([var]).log())
        for mean, var in ((0.3, 0.5), (-1.1, 2.0))
    )
    grid = torch.linspace(-20, 20, 40001, dtype=torch.float64)[:, None]
    product = (one.log_prob(grid) + other.log_prob(grid)).exp()
    density = product / torch.trapezoid(product, grid[:, 0])
    merged = one.merge(other).log_prob(grid).exp().double()
    torch.testing.assert_close(merged, density, rtol=1e-5, atol=1e-7)


def test_merge_with_a_far_larger_variance_changes_nothing_and_does_not_overflow() -> None:
    narrow = Gaussian(torch.tensor([1.0]), torch.tensor([-300.0]))
    wide = Gaussian(torch.tensor([-5.0]), torch.tensor([300.0]))
    for merged in (narrow.merge(wide), wide.merge(narrow)):
        assert (merged.mean.item(), merged.log_var.item()) == (1.0, -300.0)


def test_sampled_kl_agrees_with_the_analytic_one() -> None:
    noise = KeyedNoise(0, torch.arange(3), range(4000), torch.float64)
    code = StandardNormal(4).code("z", random_gaussian(), noise)
    error = code.log_ratio.std(0) / code.log_ratio.shape[0] ** 0.5
    assert bool(((code.log_ratio.mean(0) - code.total_kl[0]).abs() < 4 * error).all())
