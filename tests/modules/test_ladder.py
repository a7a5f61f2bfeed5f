"""The ladder on a linear-Gaussian law, where p(x) and the posterior have closed forms."""

import math

import pytest
import torch
from torch import Tensor, nn

from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.noise import KeyedNoise
from vaetext.modules.ladder import Ladder, LadderLayer, average

STEPS = [
    (-0.7, 0.0, 0.5),
    (1.3, 0.4, 0.6),
    (0.8, -0.2, 0.3),
]  # slope, shift, variance of x|z_1, z_1|z_2, z_2|z_3; z_3 ~ N(0, 1)


class Line(nn.Module):
    """h -> N(slope h + shift, var)."""

    def __init__(self, slope: float, shift: float, var: float) -> None:
        super().__init__()
        self.slope, self.shift, self.log_var = slope, shift, math.log(var)

    def forward(self, h: Tensor, mask: Tensor | None = None) -> Gaussian:
        return Gaussian(self.slope * h + self.shift, torch.full_like(h, self.log_var))


class Same(nn.Module):
    def forward(self, d: Tensor, mask: Tensor | None = None) -> Tensor:
        return d


def ladder(off: float = 0.0, only_mu_up: bool = False) -> Ladder:
    """q is exact at ``off`` = 0: an estimate is the likelihood of z_i as a law of z_i, merged with N(0, 1) at the top."""
    layers, (slope, shift, var) = [], (1.0, 0.0, 0.0)
    for step, above in zip(STEPS, [*STEPS[1:], None], strict=True):
        slope, shift, var = (
            slope / step[0],
            (shift - step[1]) / step[0],
            (var + step[2]) / step[0] ** 2,
        )
        share = 1.0 if above else 1 / (1 + var)
        estimate = Line(share * slope, share * shift + off, share * var + abs(off))
        layers.append(LadderLayer((1,), Same(), estimate, Line(*above) if above else None))
    return Ladder(layers, only_mu_up)


def marginals() -> list[tuple[float, float]]:
    """Mean and variance of z_3, z_2, z_1 and x."""
    found = [(0.0, 1.0)]
    for slope, shift, var in reversed(STEPS):
        mean, spread = found[-1]
        found.append((slope * mean + shift, slope**2 * spread + var))
    return found


X = torch.linspace(-3, 3, 7, dtype=torch.float64)[:, None]
LOG_P = Gaussian(
    torch.full_like(X, marginals()[-1][0]), torch.full_like(X, math.log(marginals()[-1][1]))
).log_prob(X)


def noise(samples: int) -> KeyedNoise:
    return KeyedNoise(0, torch.arange(len(X)), range(samples), torch.float64)


def terms(built: Ladder, samples: int) -> tuple[Tensor, Tensor]:
    """log-weights and ELBO, [K, B]."""
    codes = built.codes(built.estimates(X), noise(samples))
    log_px = Line(*STEPS[0])(codes["z_1"].z).log_prob(X)
    return log_px - sum(code.log_ratio for code in codes.values()), log_px - sum(
        code.total_kl for code in codes.values()
    )


def test_with_exact_estimates_every_sample_weighs_log_p() -> None:
    log_weight, elbo = terms(ladder(), 2000)
    torch.testing.assert_close(log_weight, LOG_P.expand_as(log_weight), rtol=1e-10, atol=1e-10)
    assert bool(((elbo.mean(0) - LOG_P).abs() < 4 * elbo.std(0) / 2000**0.5).all())


def test_the_bound_is_below_log_p_and_importance_sampling_reaches_it() -> None:
    log_weight, elbo = terms(ladder(off=0.5), 20000)
    assert bool((elbo.mean(0) < LOG_P - 0.05).all())
    torch.testing.assert_close(log_weight.logsumexp(0) - math.log(20000), LOG_P, rtol=0, atol=0.02)
    assert bool(
        ((elbo - log_weight).mean(0).abs() < 4 * (elbo - log_weight).std(0) / 20000**0.5).all()
    )


def test_the_merged_sample_goes_down() -> None:
    built = ladder(off=0.5)
    estimates = built.estimates(X)
    codes = built.codes(estimates, noise(3))
    torch.testing.assert_close(codes["z_3"].z, estimates["z_3"].sample(noise(3).normal("z_3", 1)))
    for name, above, step in (("z_2", "z_3", STEPS[2]), ("z_1", "z_2", STEPS[1])):
        prior = Line(*step)(codes[above].z)
        torch.testing.assert_close(
            codes[name].z, estimates[name].merge(prior).sample(noise(3).normal(name, 1))
        )
        torch.testing.assert_close(codes[name].log_p, prior.log_prob(codes[name].z))


def test_the_prior_is_drawn_from_the_top() -> None:
    drawn = ladder().sample_prior(noise(20000))
    for name, (mean, var) in zip(("z_3", "z_2", "z_1"), marginals(), strict=False):
        z = drawn[name].flatten()
        assert z.mean().item() == pytest.approx(mean, abs=4 * (var / len(z)) ** 0.5)
        assert z.var().item() == pytest.approx(var, abs=4 * var * (2 / len(z)) ** 0.5)
    rest = drawn["z_1"] - STEPS[1][0] * drawn["z_2"] - STEPS[1][1]
    assert (rest * drawn["z_2"]).mean().abs().item() < 4 * (
        STEPS[1][2] * marginals()[1][1] / rest.numel()
    ) ** 0.5


def test_what_is_given_stays_and_what_lies_below_follows() -> None:
    z_2 = torch.full((1, len(X), 1), 2.0, dtype=torch.float64)
    drawn = ladder().sample_prior(noise(1), {"z_2": z_2})
    assert torch.equal(drawn["z_2"], z_2)
    torch.testing.assert_close(drawn["z_1"], Line(*STEPS[1])(z_2).sample(noise(1).normal("z_1", 1)))


def test_only_means_go_up_on_request() -> None:
    plain, means = (ladder(only_mu_up=flag).estimates(X)["z_2"].mean for flag in (False, True))
    torch.testing.assert_close(means - means[3], (plain - plain[3]) / STEPS[0][0])


def test_an_average_is_over_real_steps() -> None:
    d, mask = (
        torch.tensor([[[2.0], [4.0], [0.0]], [[1.0], [0.0], [0.0]]]),
        torch.tensor([[True, True, False], [True, False, False]]),
    )
    assert average(d, mask).tolist() == [[3.0], [1.0]]
