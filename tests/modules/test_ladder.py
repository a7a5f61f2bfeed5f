"""The ladder on a linear-Gaussian law, where p(x) and the posterior have closed forms."""

import math

import pytest
import torch
from torch import Tensor, nn

from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.noise import KeyedNoise
from vaetext.modules.ladder import Ladder, Rung, average

A, C, B, VAR_1, VAR_X = 1.3, 0.4, -0.7, 0.6, 0.5  # z_2 ~ N(0, 1), z_1 ~ N(A z_2 + C, VAR_1), x ~ N(B z_1, VAR_X)
SPREAD = B**2 * VAR_1 + VAR_X  # variance of x given z_2


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
    """q is exact at ``off`` = 0: z_1's estimate is the likelihood B z_1 = x, z_2's the law of z_2 given x."""
    var = 1 / (1 + (A * B) ** 2 / SPREAD)
    slope = var * A * B / SPREAD
    low = Rung((1,), Same(), Line(1 / B, off, VAR_X / B**2), Line(A, C, VAR_1))
    return Ladder([low, Rung((1,), Same(), Line(slope, off - slope * B * C, var + abs(off)), None)], only_mu_up)


X = torch.linspace(-3, 3, 7, dtype=torch.float64)[:, None]
LOG_P = Gaussian(torch.full_like(X, B * C), torch.full_like(X, math.log(B**2 * A**2 + SPREAD))).log_prob(X)


def noise(samples: int) -> KeyedNoise:
    return KeyedNoise(0, torch.arange(len(X)), range(samples), torch.float64)


def terms(built: Ladder, samples: int) -> tuple[Tensor, Tensor]:
    """log-weights and ELBO, [K, B]."""
    codes = built.codes(built.estimates(X), noise(samples))
    log_px = Gaussian(B * codes["z_1"].z, torch.full_like(codes["z_1"].z, math.log(VAR_X))).log_prob(X)
    return log_px - sum(code.log_ratio for code in codes.values()), log_px - sum(code.total_kl for code in codes.values())


def test_with_exact_estimates_every_sample_weighs_log_p() -> None:
    log_weight, elbo = terms(ladder(), 2000)
    torch.testing.assert_close(log_weight, LOG_P.expand_as(log_weight), rtol=1e-10, atol=1e-10)
    assert bool(((elbo.mean(0) - LOG_P).abs() < 4 * elbo.std(0) / 2000**0.5).all())


def test_the_bound_is_below_log_p_and_importance_sampling_reaches_it() -> None:
    log_weight, elbo = terms(ladder(off=0.5), 20000)
    assert bool((elbo.mean(0) < LOG_P - 0.05).all())
    torch.testing.assert_close(log_weight.logsumexp(0) - math.log(20000), LOG_P, rtol=0, atol=0.02)
    assert bool(((elbo - log_weight).mean(0).abs() < 4 * (elbo - log_weight).std(0) / 20000**0.5).all())


def test_the_merged_sample_goes_down() -> None:
    built = ladder(off=0.5)
    codes = built.codes(built.estimates(X), noise(3))
    below = Line(A, C, VAR_1)(codes["z_2"].z)
    torch.testing.assert_close(codes["z_1"].log_p, below.log_prob(codes["z_1"].z))
    merged = built.estimates(X)["z_1"].merge(below)
    torch.testing.assert_close(codes["z_1"].z, merged.draw(noise(3).normal("z_1", 1)))
    torch.testing.assert_close(codes["z_2"].z, built.estimates(X)["z_2"].draw(noise(3).normal("z_2", 1)))


def test_the_prior_is_drawn_from_the_top() -> None:
    drawn = ladder().prior(noise(20000))
    z_1, z_2 = drawn["z_1"].flatten(), drawn["z_2"].flatten()
    assert (z_2.mean().item(), z_2.var().item()) == pytest.approx((0, 1), abs=0.02)
    assert (z_1.mean().item(), z_1.var().item()) == pytest.approx((C, A**2 + VAR_1), abs=0.04)
    assert ((z_1 - C) * z_2).mean().item() == pytest.approx(A, abs=0.03)


def test_what_is_given_stays_and_what_lies_below_follows() -> None:
    z_2 = torch.full((1, len(X), 1), 2.0, dtype=torch.float64)
    drawn = ladder().prior(noise(1), {"z_2": z_2})
    assert torch.equal(drawn["z_2"], z_2)
    torch.testing.assert_close(drawn["z_1"], A * z_2 + C + VAR_1**0.5 * noise(1).normal("z_1", 1))


def test_only_means_go_up_on_request() -> None:
    plain, means = (ladder(only_mu_up=flag).estimates(X)["z_2"].mean for flag in (False, True))
    torch.testing.assert_close(means - means[3], (plain - plain[3]) / B)


def test_an_average_is_over_real_steps() -> None:
    d, mask = torch.tensor([[[2.0], [4.0], [0.0]], [[1.0], [0.0], [0.0]]]), torch.tensor([[True, True, False], [True, False, False]])
    assert average(d, mask).tolist() == [[3.0], [1.0]]
