"""Free bits as a constraint: a Gaussian whose bound, and whose best weight, are known."""

import math
from typing import Any

import pytest
import torch
from gradients import WEIGHTS, fresh, gradient
from test_terms import Declares
from torch import Tensor
from toys.batches import batch_of
from toys.length import ToyLength

from vaetext.config.trainer import Trainer
from vaetext.data.domain import Symbols
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.gaussian import Gaussian, standard
from vaetext.distributions.latent import Latent, LatentSample
from vaetext.objectives.objective import Objective

pytestmark = pytest.mark.usefixtures("float64")

SLOPE = 1.5  # p(x|z) = N(SLOPE z, 1), p(z) = N(0, 1), q(z|x) = N(m x, s^2)
X = torch.tensor([-1.3, 0.2, 0.9, 2.0], dtype=torch.float64)


def evidence(m: Tensor, log_var: Tensor, dims: int = 1) -> Evidence:
    """E_q[log p(x|z)] in closed form, for the data ``X`` in each of some dimensions of x and z."""
    q = Gaussian((m * X)[None, :, None].expand(1, -1, dims), log_var.expand(1, len(X), dims))
    error = (X * (1 - SLOPE * m)) ** 2 + SLOPE**2 * log_var.exp()
    log_px = -0.5 * dims * (error + math.log(2 * math.pi))[None]
    return Evidence(log_px, {"z": LatentSample(q.mean, q, standard(q.mean, dims))})


def best(weight: float) -> tuple[float, float, float]:
    """m, s^2 and the mean KL where rec + weight * KL is lowest: its derivatives are 0 there."""
    m = SLOPE / (SLOPE**2 + weight)
    variance = weight / (SLOPE**2 + weight)
    mean_square = float((X**2).mean())
    return m, variance, 0.5 * (m**2 * mean_square + variance - 1 - math.log(variance))


def weight_of(kl: float) -> float:
    """The weight at which the best KL is this one, by bisection: it falls with the weight."""
    low, high = 1e-6, 10.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if best(middle)[2] > kl else (low, middle)
    return low


def trained(steps: int, **options: Any) -> tuple[Objective, Tensor, list[list[float]]]:
    """The objective, m and log s^2 after gradient descent, and their values after each step."""
    objective = Objective(Trainer(beta_schedule="constant", **options), Declares(Latent("z")))
    parameters = torch.tensor([0.1, -0.1], dtype=torch.float64, requires_grad=True)
    path = []
    for _ in range(steps):
        loss = objective(evidence(*parameters), {"z": 1.0}).loss
        (step,) = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            parameters -= 0.2 * step
        path.append(parameters.tolist())
    return objective, parameters, path


@pytest.mark.parametrize("rate", [0.9, 1.5, 2.5])
def test_the_kl_settles_at_the_desired_rate_and_the_weight_is_the_best_one(rate: float) -> None:
    assert best(1.0)[2] < rate
    options = {"free_bits": rate, "free_bits_as": "constraint"}
    objective, parameters, _ = trained(600, **options)
    weight = weight_of(rate)
    m, variance, _ = best(weight)
    assert float(objective.multipliers.lowered("z")) == pytest.approx(1 - weight, rel=1e-3)
    assert parameters.tolist() == pytest.approx([m, math.log(variance)], rel=1e-3)
    kl = evidence(*parameters).latents["z"].total_kl.mean().item()
    assert kl == pytest.approx(rate, rel=1e-3)


def test_a_rate_that_the_bound_exceeds_changes_nothing() -> None:
    start = evidence(torch.tensor(0.1), torch.tensor(-0.1)).latents["z"].total_kl.mean().item()
    rate = 0.5 * start  # the KL rises from there to best(1.0)
    assert 0 < rate < best(1.0)[2]
    objective, _, path = trained(300, free_bits=rate, free_bits_as="constraint")
    assert objective.multipliers.lowered("z") == 0
    assert path == trained(300, free_bits=0.0)[2]


def test_what_is_reported_has_weight_1_and_evaluation_moves_no_multiplier() -> None:
    objective, parameters, _ = trained(50, free_bits=2.0, free_bits_as="constraint")
    u = float(objective.multipliers.lowered("z"))
    assert u > 0
    found = objective.eval()(evidence(*parameters), {"z": 0.7}, {"z": 1.2})
    assert float(objective.multipliers.lowered("z")) == u
    terms = evidence(*parameters)
    kl = terms.latents["z"].total_kl.mean()
    rec = -terms.log_px.mean()
    torch.testing.assert_close(found.rec, rec)
    torch.testing.assert_close(found.kl["z"], kl)
    torch.testing.assert_close(found.loss, rec + 0.7 * kl + u * (1.2 - kl))


def test_each_latent_has_its_own_rate_and_one_without_free_bits_has_none() -> None:
    own = {"a": {"free_bits": 3.0}, "b": {"free_bits": 0.0}}
    trainer = Trainer(free_bits_as="constraint", latents=own)
    objective = Objective(trainer, Declares(*map(Latent, "abc")))
    sample = evidence(torch.tensor(0.1), torch.tensor(-0.1)).latents["z"]
    objective(Evidence(torch.zeros(1, 4), dict.fromkeys("abc", sample)), dict.fromkeys("abc", 1.0))
    missing = 1 - sample.total_kl.mean().item() / 3.0
    assert objective.multipliers.of("a") == pytest.approx(0.03 * missing)
    found = {name: float(objective.multipliers.lowered(name)) for name in "abc"}
    assert found == {"a": pytest.approx(1.03 * missing), "b": 0.0, "c": 0.0}


@pytest.mark.parametrize("estimator", ["enumerate", "rloo"])
def test_discrete_latents_have_the_gradient_of_the_lower_weights(estimator: str) -> None:
    tokens = Symbols(5, longest=4, eos=0, unk=1)
    model = ToyLength(ToyLength.Config(), tokens)
    batch = batch_of(tokens, rows=3, steps=4)
    common: dict[str, Any] = {"estimator": estimator, "samples": 3}
    held = Objective(Trainer(free_bits=9.0, free_bits_as="constraint", **common), model)
    held.multipliers.update(dict.fromkeys(WEIGHTS, torch.tensor(6.0)), dict.fromkeys(WEIGHTS, 9.0))
    by = 1.03 / 3
    lower = {name: weight - by for name, weight in WEIGHTS.items()}
    plain = Objective(Trainer(free_bits=0.0, **common), model)
    found = []
    for objective, weights in ((held, WEIGHTS), (plain, lower)):
        torch.manual_seed(0)
        loss = objective(objective.evidence(model, batch, fresh(3)), weights).loss
        found.append((loss.detach(), gradient(loss, model)))
    torch.testing.assert_close(found[0][0], found[1][0] + 2 * by * 9.0)
    torch.testing.assert_close(found[0][1], found[1][1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"free_bits": 1.0, "free_bits_as": "constraint", "free_bits_per": "step"},
            "free_bits_per=step has an effect with free_bits_as=floor only",
        ),
        ({"free_bits_as": "constraint"}, "free_bits_as=constraint has an effect with free_bits "),
        (
            {"free_bits": 1.0, "free_bits_as": "constraint", "bound": "iwae", "samples": 2},
            "bound=iwae takes a KL weight of 1 and no free bits",
        ),
        ({"free_bits_as": "constrain"}, "did you mean 'constraint'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Trainer(**options)
