"""A discrete latent at every step, compared with the sum over all its paths."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor
from toys.discrete import VALUES, ToyDiscreteVRNN

from vaetext.config.trainer import Trainer
from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.noise import FreshNoise, KeyedNoise
from vaetext.distributions.state import State
from vaetext.models.spans import Drawn
from vaetext.objectives.objective import Objective

DOMAIN = Symbols(4, longest=3, eos=0, unk=1)
CPU = torch.device("cpu")
PATHS = torch.tensor(list(product(range(VALUES), repeat=3)))[:, None]  # [27, 1, T]
WEIGHT = 0.4


pytestmark = pytest.mark.usefixtures("float64")


@pytest.fixture
def model() -> ToyDiscreteVRNN:
    made = ToyDiscreteVRNN(ToyDiscreteVRNN.Config(), DOMAIN)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter *= 2
    return made


def sequences(copies: int = 1) -> Batch:
    """One sequence of three tokens, ``copies`` times."""
    x = torch.tensor([[2, 3, 0]]).expand(copies, -1)
    return Batch(x, torch.full((copies,), 3), torch.arange(copies), DOMAIN)


def all_paths(model: ToyDiscreteVRNN) -> Evidence:
    """One sample for each path of z; their shares are q(path|x)."""
    batch = sequences()

    def draw(t: int, state: State, now: State) -> Drawn:
        return Drawn(PATHS[:, :, t], model.posterior_step(state, now, None))

    evidence = model._evidence(model.encode(batch), draw, len(PATHS))
    return replace(evidence, log_share=evidence.latents["z"].log_q)


def gradient(loss: Tensor, model: ToyDiscreteVRNN) -> Tensor:
    found = torch.autograd.grad(loss, list(model.parameters()))
    return torch.cat([each.flatten() for each in found])


@torch.no_grad()
def test_the_shares_of_all_paths_sum_to_one(model: ToyDiscreteVRNN) -> None:
    share = all_paths(model).log_share
    assert share is not None
    torch.testing.assert_close(share.exp().sum(0), torch.ones(1))


@torch.no_grad()
def test_likelihood_estimates_reach_the_sum_over_all_paths(model: ToyDiscreteVRNN) -> None:
    exact = all_paths(model).log_likelihood.item()
    batch = sequences(4000)
    for route in (model.evidence, model.filter):
        noise = KeyedNoise(0, batch.index, range(5), torch.float64)
        ratio = (route(batch, model.encode(batch), noise).log_likelihood - exact).exp()
        assert abs(ratio.mean().item() - 1) < 4 * ratio.std().item() / 4000**0.5


@pytest.mark.parametrize(("estimator", "samples"), [("rloo", 3), ("reinforce-ema", 1)])
def test_score_functions_have_the_gradient_of_the_sum_over_all_paths(
    model: ToyDiscreteVRNN, estimator: str, samples: int
) -> None:
    every = all_paths(model)
    bound = every.average(every.log_px - WEIGHT * every.latents["z"].total_kl).mean()
    exact = gradient(-bound, model)
    objective = Objective(Trainer(estimator=estimator, samples=max(samples, 2)), model)
    batch = sequences(500)
    found = []
    for _ in range(60):
        noise = FreshNoise(samples, len(batch), CPU, torch.float64)
        evidence = objective.evidence(model, batch, noise)
        found.append(gradient(objective(evidence, {"z": WEIGHT}).loss, model))
    stacked = torch.stack(found)
    error = stacked.std(0) / len(stacked) ** 0.5
    varies = error > 1e-12
    z = ((stacked.mean(0) - exact) / error)[varies]
    # squares of correlated standard normals: their mean is 1, and single ones stay under 25
    assert float((z**2).mean()) < 2 and float(z.abs().max()) < 5
    torch.testing.assert_close(stacked.mean(0)[~varies], exact[~varies], rtol=1e-9, atol=1e-12)
