"""The loss compared with its formula: KL weights, free bits of each kind, auxiliary terms."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from vaetext.config.trainer import Trainer
from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.distributions.categorical import Categorical
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.gaussian import Gaussian, standard
from vaetext.distributions.latent import Latent, LatentSample
from vaetext.distributions.mixture import GaussianMixture
from vaetext.distributions.noise import FreshNoise, Noise
from vaetext.distributions.state import State
from vaetext.models.base import SequenceModel
from vaetext.objectives.objective import Objective

LOG_PX = torch.tensor([[-3.0, -5.0]], dtype=torch.float64)
KL = torch.tensor([[[0.1, 2.0], [0.3, 4.0]]], dtype=torch.float64)  # [K, B, D]


class Declares(SequenceModel):
    """A model of which only the latents count."""

    name = "declares"

    def __init__(self, *latents: Latent) -> None:
        super().__init__(Symbols(5, 1, 0, 9))
        self.latents = latents

    def encode(self, batch: Batch, carried: State | None = None) -> Any:
        raise NotImplementedError

    def sample(
        self, encoded: Any, noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        raise NotImplementedError

    def log_px(self, batch: Batch, z: Mapping[str, Tensor], noise: Noise) -> Tensor:
        raise NotImplementedError

    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        raise NotImplementedError

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        raise NotImplementedError

    def emit(self, state: State, noise: Noise) -> tuple[Distribution, State]:
        raise NotImplementedError

    def advance(self, state: State, x: Tensor) -> State:
        raise NotImplementedError


def with_kl(kl: Tensor, *positions: str, mask: Tensor | None = None) -> LatentSample:
    """A sample whose KL is [K, B, *positions, D]: Gaussians of variance 1, a distance apart."""
    q = Gaussian((2 * kl).sqrt(), torch.zeros_like(kl))
    return LatentSample(torch.zeros_like(kl), q, standard(kl, kl.shape[-1]), mask, positions)


def loss_of(
    samples: Mapping[str, LatentSample], weights: Mapping[str, float], **options: Any
) -> float:
    objective = Objective(Trainer(**options), Declares(*map(Latent, samples)))
    return float(objective(Evidence(LOG_PX, samples), weights).loss)


@pytest.mark.parametrize(
    ("free_bits", "per", "kl"),
    [
        (0.0, "latent", 3.2),
        (4.0, "latent", 4.0),
        (0.5, "latent", 3.2),
        (0.5, "dimension", 3.5),
        (5.0, "dimension", 10.0),
    ],
)
def test_the_loss_is_the_weighted_bound_with_free_bits(
    free_bits: float, per: str, kl: float
) -> None:
    found = loss_of({"z": with_kl(KL)}, {"z": 0.5}, free_bits=free_bits, free_bits_per=per)
    assert found == pytest.approx(4.0 + 0.5 * kl, rel=1e-12)


def test_each_latent_can_have_its_own_weight_and_floor() -> None:
    latents = {"z_1": with_kl(KL), "z_2": with_kl(2 * KL)}
    weights = {"z_1": 0.5, "z_2": 0.25}
    plain = loss_of(latents, weights)
    assert plain == pytest.approx(4.0 + 0.5 * 3.2 + 0.25 * 6.4, rel=1e-12)
    own = {"z_2": {"free_bits": 7.0}}
    floored = loss_of(latents, weights, free_bits=3.0, latents=own)
    assert floored == pytest.approx(4.0 + 0.5 * 3.2 + 0.25 * 7.0, rel=1e-12)
    without = loss_of(latents, weights, free_bits=9.0, latents={"z_1": {"free_bits": 0.0}})
    assert without == pytest.approx(4.0 + 0.5 * 3.2 + 0.25 * 9.0, rel=1e-12)


def test_a_floor_for_each_dimension_is_on_the_sum_over_positions() -> None:
    sample = with_kl(torch.stack([KL, KL], 2), "position")
    found = loss_of({"z": sample}, {"z": 1.0}, free_bits=0.5, free_bits_per="dimension")
    assert found == pytest.approx(4.0 + 0.5 + 6.0, rel=1e-12)


def test_a_floor_for_each_step_is_on_the_sequences_that_reach_it() -> None:
    mask = torch.tensor([[[True, True], [True, False]]])
    sample = with_kl(torch.stack([KL, KL], 2), "step", mask=mask)
    # step 1: (2.1 + 4.3) / 2 of two sequences; step 2: 2.1 of one
    for floor, kl in ((1e-9, 3.2 + 2.1 / 2), (2.5, 3.2 + 2.5 / 2), (4.0, 4.0 + 4.0 / 2)):
        found = loss_of({"z": sample}, {"z": 1.0}, free_bits=floor, free_bits_per="step")
        assert found == pytest.approx(4.0 + kl, rel=1e-12)


@pytest.mark.parametrize("per", ["dimension", "step"])
def test_a_floor_for_parts_that_a_kl_lacks_is_refused(per: str) -> None:
    p = GaussianMixture(*(torch.zeros(shape) for shape in ((1,), (1, 2), (1, 2))))
    sample = LatentSample(torch.zeros(1, 2, 2), standard(KL, 2), p)
    message = (
        rf"^trainer\.free_bits_per={per}: the axes of the KL of z are none: it is sampled jointly;"
        r" set trainer\.free_bits_per=latent"
    )
    with pytest.raises(ValueError, match=message):
        loss_of({"z": sample}, {"z": 1.0}, free_bits=0.5, free_bits_per=per)


@pytest.mark.parametrize(("floor", "flows"), [(3.1, True), (3.3, False)])
def test_a_kl_below_its_floor_has_no_gradient(floor: float, flows: bool) -> None:
    kl = KL.clone().requires_grad_()
    objective = Objective(Trainer(free_bits=floor), Declares(Latent("z")))
    objective(Evidence(LOG_PX, {"z": with_kl(kl)}), {"z": 1.0}).loss.backward()
    assert kl.grad is not None
    torch.testing.assert_close(kl.grad, torch.full_like(kl, 0.5 * flows))


def test_auxiliary_terms_are_in_the_loss_and_not_in_the_bound() -> None:
    aux = {"deconvolution": torch.tensor([[-1.0, -2.0]], dtype=torch.float64)}
    evidence = Evidence(LOG_PX, {"z": with_kl(KL)}, aux=aux)
    found = Objective(Trainer(), Declares(Latent("z")))(evidence, {"z": 0.5})
    assert found.loss.item() == pytest.approx(4.0 + 1.5 + 0.5 * 3.2, rel=1e-12)
    assert found.rec.item() == pytest.approx(4.0, rel=1e-12)
    assert found.kl["z"].item() == pytest.approx(3.2, rel=1e-12)
    assert evidence.elbo.mean().item() == pytest.approx(-4.0 - 3.2, rel=1e-12)


def test_the_loss_without_latents_is_the_exact_nll() -> None:
    assert loss_of({}, {}) == pytest.approx(4.0, rel=1e-12)


def test_names_of_latents_that_a_model_lacks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"latents\.z: model declares has no such latent; it has"):
        Objective(Trainer(latents={"z": {"beta_max": 1.0}}), Declares())


def test_discrete_latents_per_step_are_not_enumerated() -> None:
    model = Declares(Latent("z", q_given=("z",), p_given=("z",), per_step=True, discrete=True))
    with pytest.raises(ValueError, match=r"^trainer\.estimator=enumerate: .* set trainer\.est"):
        Objective(Trainer(estimator="enumerate"), model)
    Objective(Trainer(estimator="reinforce-ema"), model)


def discrete(value: Tensor, **others: LatentSample) -> Evidence:
    """An evidence with a discrete latent of two equally likely values, at ``value`` [K, B]."""
    q = Categorical(torch.full((2,), 0.5, dtype=torch.float64).log())
    log_px = torch.zeros(value.shape, dtype=torch.float64)
    return Evidence(log_px, {"length": LatentSample(value, q, q), **others})


def test_floors_of_steps_with_a_discrete_latent_take_batches_of_any_length() -> None:
    model = Declares(Latent("length", discrete=True), Latent("z", q_given=("length",)))
    trainer = Trainer(free_bits_per="step", latents={"z": {"free_bits": 1.0}}, baseline_decay=0.5)
    objective = Objective(trainer, model)
    value = torch.zeros(1, 2, dtype=torch.int64)
    weights = {"length": 1.0, "z": 1.0}
    # the KL of each step, and what it costs by the running means of earlier batches
    batches: list[tuple[list[float], list[float]]] = [
        ([2.0, 0.5], [2.0, 1.0]),
        ([0.5], [0.5]),
        ([0.5, 2.0, 3.0], [0.5, 1.0, 3.0]),
        ([2.0, 2.0], [1.0, 2.0]),
    ]
    for steps, costs in batches:
        kl = torch.tensor(steps, dtype=torch.float64).expand(1, 2, -1)[..., None]
        evidence = discrete(value, z=with_kl(kl, "step"))
        assert objective(evidence, weights).loss.item() == pytest.approx(sum(costs))
    assert objective.state_dict()["kl_z"].shape == (3,)


def test_a_draw_moves_the_kl_of_latents_conditioned_on_it_through_others() -> None:
    latents = (
        Latent("length", discrete=True),
        Latent("free"),
        Latent("low", q_given=("high",), p_given=("high",)),
        Latent("high", p_given=("length",)),
    )
    assert Objective(Trainer(), Declares(*latents)).moved == {"low", "high"}
    recurrent = Latent("z", q_given=("z",), p_given=("z",), per_step=True, discrete=True)
    assert Objective(Trainer(), Declares(recurrent)).moved == {"z"}


@pytest.mark.parametrize("conditioned", ["directly", "through another"])
def test_the_reward_holds_every_kl_that_the_draw_moves(conditioned: str) -> None:
    """E[f] of a Bernoulli draw v with logit a, f(v) = -KL(v), has the gradient of its sum."""
    above = Latent("above", q_given=("v",))
    given = ("v",) if conditioned == "directly" else ("above",)
    model = Declares(Latent("v", discrete=True), above, Latent("z", q_given=given))
    objective = Objective(Trainer(estimator="rloo", samples=2), model)
    logit = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    rows = 200_000
    log_p = torch.stack([torch.zeros_like(logit), logit]).log_softmax(-1)
    q = Categorical(log_p)
    noise = FreshNoise(2, rows, torch.device("cpu"), torch.float64)
    torch.manual_seed(0)
    v = q.sample(noise)
    kl = torch.where(v == 1, 3.0, 1.0).double()[..., None]
    latents = {
        "v": LatentSample(v, q, Categorical(log_p.detach())),
        "above": with_kl(torch.zeros_like(kl)),
        "z": with_kl(kl),
    }
    zeros = torch.zeros(2, rows, dtype=torch.float64)
    loss = objective(Evidence(zeros, latents), {"v": 0.0, "above": 1.0, "z": 0.4}).loss
    (found,) = torch.autograd.grad(loss, logit, retain_graph=True)
    (exact,) = torch.autograd.grad(0.4 * (log_p.exp() @ torch.tensor([1.0, 3.0]).double()), logit)
    torch.testing.assert_close(found, exact, rtol=0.02, atol=0.0)
