"""The ladder on linear-Gaussian layers, where p(x) and the posterior have closed forms."""

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from vaetext.distributions.evidence import Evidence
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.noise import KeyedNoise
from vaetext.modules.ladder import Ladder, LadderLayer, average


@dataclass(frozen=True)
class Step:
    """N(slope h + shift, var) given h."""

    slope: float
    shift: float
    var: float


# x|z_1, z_1|z_2, z_2|z_3; z_3 ~ N(0, 1)
STEPS = [Step(-0.7, 0.0, 0.5), Step(1.3, 0.4, 0.6), Step(0.8, -0.2, 0.3)]


class Line(nn.Module):
    """h -> N(slope h + shift, var)."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step

    def forward(self, h: Tensor, mask: Tensor | None = None) -> Gaussian:
        log_var = torch.full_like(h, math.log(self.step.var))
        return Gaussian(self.step.slope * h + self.step.shift, log_var)


class Same(nn.Module):
    def forward(self, d: Tensor, mask: Tensor | None = None) -> Tensor:
        return d


def make_ladder(off: float = 0.0, only_mu_up: bool = False) -> Ladder:
    """A ladder whose q is exact where ``off`` is 0.

    An estimate is then the likelihood of z_i, normalised over z_i; at the top it is the posterior.
    """
    layers = []
    estimate = Step(1.0, 0.0, 0.0)  # of the layer below, from x
    for step, above in zip(STEPS, [*STEPS[1:], None], strict=True):
        estimate = Step(
            estimate.slope / step.slope,
            (estimate.shift - step.shift) / step.slope,
            (estimate.var + step.var) / step.slope**2,
        )
        share = 1.0 if above else 1 / (1 + estimate.var)
        head = Line(
            Step(
                share * estimate.slope,
                share * estimate.shift + off,
                share * estimate.var + abs(off),
            )
        )
        layers.append(LadderLayer((1,), Same(), head, Line(above) if above else None))
    return Ladder(layers, only_mu_up)


def marginals() -> list[tuple[float, float]]:
    """Mean and variance of z_3, z_2, z_1 and x."""
    found = [(0.0, 1.0)]
    for step in reversed(STEPS):
        mean, var = found[-1]
        found.append((step.slope * mean + step.shift, step.slope**2 * var + step.var))
    return found


X = torch.linspace(-3, 3, 7, dtype=torch.float64)[:, None]
X_MEAN, X_VAR = marginals()[-1]
LOG_P = Gaussian(torch.full_like(X, X_MEAN), torch.full_like(X, math.log(X_VAR))).log_prob(X)


def noise(samples: int) -> KeyedNoise:
    return KeyedNoise(0, torch.arange(len(X)), range(samples), torch.float64)


def terms(ladder: Ladder, samples: int) -> tuple[Tensor, Tensor]:
    """log-weights and ELBO, [K, B]."""
    latents = ladder.sample(ladder.estimates(X), noise(samples))
    evidence = Evidence(Line(STEPS[0])(latents["z_1"].z).log_prob(X), latents)
    return evidence.log_weight, evidence.elbo


def test_every_log_weight_is_log_p_with_exact_estimates() -> None:
    log_weight, elbo = terms(make_ladder(), 2000)
    torch.testing.assert_close(log_weight, LOG_P.expand_as(log_weight), rtol=1e-10, atol=1e-10)
    assert bool(((elbo.mean(0) - LOG_P).abs() < 4 * elbo.std(0) / 2000**0.5).all())


def test_bound_is_below_log_p_and_importance_sampling_reaches_it() -> None:
    log_weight, elbo = terms(make_ladder(off=0.5), 20000)
    assert bool((elbo.mean(0) < LOG_P - 0.05).all())
    torch.testing.assert_close(log_weight.logsumexp(0) - math.log(20000), LOG_P, rtol=0, atol=0.02)
    difference = elbo - log_weight
    assert bool((difference.mean(0).abs() < 4 * difference.std(0) / 20000**0.5).all())


def test_sample_of_the_merged_gaussian_is_passed_down() -> None:
    ladder = make_ladder(off=0.5)
    estimates = ladder.estimates(X)
    latents = ladder.sample(estimates, noise(3))
    top = estimates["z_3"].sample(noise(3).at("z_3"))
    torch.testing.assert_close(latents["z_3"].z, top)
    for name, above, step in (("z_2", "z_3", STEPS[2]), ("z_1", "z_2", STEPS[1])):
        prior = Line(step)(latents[above].z)
        z = estimates[name].merge(prior).sample(noise(3).at(name))
        torch.testing.assert_close(latents[name].z, z)
        torch.testing.assert_close(latents[name].log_p, prior.log_prob(z))


def test_prior_samples_have_its_moments_and_covariance() -> None:
    z = make_ladder().sample_prior(noise(20000), {})
    for name, (mean, var) in zip(("z_3", "z_2", "z_1"), marginals(), strict=False):
        count = z[name].numel()
        assert z[name].mean().item() == pytest.approx(mean, abs=4 * (var / count) ** 0.5)
        assert z[name].var().item() == pytest.approx(var, abs=4 * var * (2 / count) ** 0.5)
    _, var_2 = marginals()[1]
    residual = z["z_1"] - STEPS[1].slope * z["z_2"] - STEPS[1].shift
    covariance = (residual * z["z_2"]).mean()
    assert covariance.abs().item() < 4 * (STEPS[1].var * var_2 / residual.numel()) ** 0.5


def test_given_latents_keep_their_values_and_lower_ones_follow() -> None:
    z_2 = torch.full((1, len(X), 1), 2.0, dtype=torch.float64)
    z = make_ladder().sample_prior(noise(1), {"z_2": z_2})
    assert torch.equal(z["z_2"], z_2)
    torch.testing.assert_close(z["z_1"], Line(STEPS[1])(z_2).sample(noise(1).at("z_1")))


def test_each_layer_is_conditioned_on_the_one_above_and_only_the_first_is_decoded() -> None:
    latents = make_ladder().latents
    assert [each.name for each in latents] == ["z_1", "z_2", "z_3"]
    assert [each.q_given for each in latents] == [("z_2",), ("z_3",), ()]
    assert [each.p_given for each in latents] == [("z_2",), ("z_3",), ()]
    assert [each.decoded for each in latents] == [True, False, False]


def test_layers_read_the_mean_below_with_only_mu_up() -> None:
    plain, means = (make_ladder(only_mu_up=flag).estimates(X)["z_2"].mean for flag in (False, True))
    torch.testing.assert_close(means - means[3], (plain - plain[3]) / STEPS[0].slope)


def test_average_is_over_real_steps() -> None:
    d = torch.tensor([[[2.0], [4.0], [0.0]], [[1.0], [0.0], [0.0]]])
    mask = torch.tensor([[True, True, False], [True, False, False]])
    assert average(d, mask).tolist() == [[3.0], [1.0]]
