"""Mixture priors compared with torch's mixture, numerical integration and closed forms."""

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.noise import FreshNoise, KeyedNoise
from vaetext.distributions.priors import LearnedMixture, Prior, StandardNormal, VampPrior

SAMPLES = 20000


def mixture() -> LearnedMixture:
    torch.manual_seed(1)
    prior = LearnedMixture(2, 3).double()
    with torch.no_grad():
        prior.logits.copy_(torch.tensor([0.5, -1.0, 0.2]))
        prior.log_var.copy_(torch.randn(3, 2) * 0.5)
    return prior


def posterior() -> Gaussian:
    return Gaussian(
        torch.tensor([[0.3, -0.7], [2.0, 1.0]], dtype=torch.float64),
        torch.tensor([[-1.0, 0.2], [-0.5, -2.0]]).double(),
    )


def sampled_kl(prior: Prior, q: Gaussian) -> tuple[Tensor, Tensor]:
    """Mean and standard error of log q - log p [B]."""
    noise = KeyedNoise(0, torch.arange(len(q.mean)), range(SAMPLES), torch.float64)
    sample = prior.posterior_sample(q, noise.at("z"))
    ratio = sample.log_q - sample.log_p
    return ratio.mean(0), ratio.std(0) / SAMPLES**0.5


def as_torch(prior: LearnedMixture) -> MixtureSameFamily:
    components = Independent(Normal(prior.mean, (0.5 * prior.log_var).exp()), 1)
    return MixtureSameFamily(Categorical(logits=prior.logits), components)


@torch.no_grad()
def test_mixture_density_agrees_with_torch() -> None:
    prior = mixture()
    z = 3 * torch.randn(50, 2, dtype=torch.float64)
    expected = as_torch(prior).log_prob(z)
    torch.testing.assert_close(prior().log_prob(z), expected, rtol=1e-12, atol=1e-12)


@torch.no_grad()
def test_mixture_kl_agrees_with_the_integral() -> None:
    prior = mixture()
    q = posterior()
    line = torch.linspace(-9, 9, 1201, dtype=torch.float64)
    grid = torch.cartesian_prod(line, line)
    log_p = as_torch(prior).log_prob(grid)
    mean, error = sampled_kl(prior, q)
    for row in range(2):
        log_q = Gaussian(q.mean[row], q.log_var[row]).log_prob(grid)
        integral = (log_q.exp() * (log_q - log_p)).sum() * (line[1] - line[0]) ** 2
        assert abs(mean[row] - integral) < 4 * error[row]


@torch.no_grad()
def test_mixture_samples_have_its_mean_and_variance() -> None:
    prior = mixture()
    noise = FreshNoise(1, SAMPLES, torch.device("cpu"), torch.float64)
    z = prior.sample(noise)[0]
    expected = as_torch(prior)
    error = expected.variance.sqrt() / SAMPLES**0.5
    assert bool(((z.mean(0) - expected.mean).abs() < 4 * error).all())
    squares = (z - expected.mean) ** 2
    assert bool(
        ((squares.mean(0) - expected.variance).abs() < 4 * squares.std(0) / SAMPLES**0.5).all()
    )


@torch.no_grad()
def test_vamp_prior_with_one_component_is_that_gaussian() -> None:
    q = posterior()
    component = Gaussian(
        torch.tensor([[0.5, -1.0]], dtype=torch.float64),
        torch.tensor([[0.3, -0.4]], dtype=torch.float64),
    )
    mean, error = sampled_kl(VampPrior(2, 1, 4, 3, lambda inputs: component).double(), q)
    assert bool(((mean - q.kl(component).sum(-1)).abs() < 4 * error).all())
    zero = torch.zeros(1, 2, dtype=torch.float64)
    normal = Gaussian(zero, zero)
    mean, error = sampled_kl(VampPrior(2, 1, 4, 3, lambda inputs: normal).double(), q)
    assert bool(((mean - q.kl(normal).sum(-1)).abs() < 4 * error).all())
    torch.testing.assert_close(mean, sampled_kl(StandardNormal(2), q)[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e3])
def test_samples_far_from_every_component_have_finite_densities_and_gradients(
    scale: float,
) -> None:
    prior = LearnedMixture(4, 3)
    with torch.no_grad():
        prior.log_var.fill_(-8.0)
    q = Gaussian(
        torch.full((2, 4), scale, requires_grad=True),
        torch.full((2, 4), -100.0, requires_grad=True),
    )
    sample = prior.posterior_sample(q, FreshNoise(5, 2, torch.device("cpu")))
    sample.total_kl.mean().backward()
    assert sample.axes == () and sample.kl.isfinite().all()
    assert all(
        parameter.grad is not None and parameter.grad.isfinite().all()
        for parameter in (*prior.parameters(), q.mean, q.log_var)
    )


def test_each_position_of_a_map_has_its_own_standard_normal() -> None:
    prior = StandardNormal(3, positions=4)
    noise = KeyedNoise(0, torch.arange(2), range(5))
    assert prior.sample(noise.at("z")).shape == (5, 2, 4, 3)
    zeros = torch.zeros(2, 4, 3)
    sample = prior.posterior_sample(Gaussian(zeros, zeros), noise.at("z"))
    assert torch.equal(sample.z, prior.sample(noise.at("z")))
    assert sample.axes == ("position", "dimension")
    assert sample.kl.shape == (5, 2, 4, 3)


def test_vamp_prior_is_initialised_from_training_sequences() -> None:
    prior = VampPrior(2, 3, 4, 1, lambda inputs: Gaussian(inputs[:, 0], inputs[:, 0]))
    words = [[1.0, 2.0], [], [3.0], [4.0], [5.0, 6.0, 7.0, 8.0, 9.0], [4.0], [4.0]]
    prior.setup([torch.tensor(each)[:, None] for each in words])
    assert prior.inputs[..., 0].tolist() == [[1, 2, 1, 2], [4, 4, 4, 4], [4, 4, 4, 4]]
    prior.setup([torch.tensor(each)[:, None] for each in words[:5]])
    assert prior.inputs[..., 0].tolist() == [[1, 2, 1, 2], [3, 3, 3, 3], [4, 4, 4, 4]]
    prior.setup([torch.tensor(words[4])[:, None]])
    assert prior.inputs[0, :, 0].tolist() == [5, 6, 7, 8]
    with pytest.raises(
        ValueError, match=r"model\.prior=vamp is initialised from training sequences"
    ):
        prior.setup([])
