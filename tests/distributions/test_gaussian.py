"""Gaussian densities and KLs compared with torch.distributions, and with a sampled KL."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vaetext.distributions.categorical import Categorical
from vaetext.distributions.gaussian import Gaussian, GaussianHead, standard
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
    torch.testing.assert_close(standard(z, 4).log_prob(z), Normal(0.0, 1.0).log_prob(z).sum(-1))
    torch.testing.assert_close(q.kl(standard(z, 4)), kl_divergence(normal(q), Normal(0.0, 1.0)))


def test_kl_between_two_gaussians_agrees_with_torch() -> None:
    q = random_gaussian()
    p = Gaussian(torch.randn(3, 4, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64))
    torch.testing.assert_close(q.kl(p), kl_divergence(normal(q), normal(p)))
    own = q.kl(q)
    assert own is not None and own.abs().max() == 0
    assert q.kl(Categorical(torch.zeros(1))) is None


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
    sample = StandardNormal(4).posterior_sample(random_gaussian(), noise.at("z"))
    ratio = sample.log_q - sample.log_p
    error = ratio.std(0) / len(ratio) ** 0.5
    assert bool(((ratio.mean(0) - sample.total_kl[0]).abs() < 4 * error).all())


def test_temperature_multiplies_the_standard_deviation() -> None:
    q = random_gaussian()
    torch.testing.assert_close(q.restricted(temperature=0.5).std, 0.5 * q.std)
    assert torch.equal(q.restricted(temperature=0.5).mean, q.mean)
    with pytest.raises(ValueError, match=r"top_k=3: a Gaussian .* set top_k=0"):
        q.restricted(top_k=3)


def test_a_head_gives_a_finite_kl_and_gradient_where_its_log_variance_would_overflow() -> None:
    head = GaussianHead(3, 2)
    with torch.no_grad():
        head.linear.bias[2:] = torch.tensor([100.0, -100.0])
    q = head(torch.randn(4, 3, generator=torch.Generator().manual_seed(0)))
    kl = q.kl(standard(q.mean, 2))
    assert isinstance(kl, torch.Tensor)
    assert kl.isfinite().all()
    gradients = torch.autograd.grad(kl.sum(), list(head.parameters()))
    assert all(gradient.square().sum().isfinite() for gradient in gradients)


def test_a_head_does_not_change_log_variances_of_a_usual_size() -> None:
    head = GaussianHead(3, 2)
    features = 5 * torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(head(features).log_var, head.linear(features)[:, 2:])


def test_a_head_is_no_wider_than_asked_and_its_gradient_leads_back() -> None:
    head = GaussianHead(3, 2, most=0.5)
    with torch.no_grad():
        head.linear.bias[2:] = torch.tensor([3.0, -3.0])
    features = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    free = head.linear(features)[:, 2:]
    log_var = head(features).log_var
    torch.testing.assert_close(log_var, free.clamp(max=0.5))
    assert (free > 0.5).any() and (free < 0.5).any()
    (gradient,) = torch.autograd.grad(log_var.sum(), head.linear.bias)
    torch.testing.assert_close(gradient, torch.tensor([0.0, 0.0, 4.0, 4.0]))
