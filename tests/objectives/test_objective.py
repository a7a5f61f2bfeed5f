"""The objective by second routes: estimators against enumeration, floors and bounds by hand."""

from typing import Any

import pytest
import torch
from gradients import WEIGHTS, fresh, gradient, gradients, squared_errors, with_known_means
from torch import Tensor
from toys.batches import batch_of
from toys.length import ToyLength
from toys.step import ToyVRNN

from vaetext.config.trainer import Trainer
from vaetext.data.batch import Batch
from vaetext.data.domain import Real, Symbols
from vaetext.distributions.noise import KeyedNoise
from vaetext.objectives.objective import Objective

TOKENS = Symbols(5, longest=4, eos=0, unk=1)


pytestmark = pytest.mark.usefixtures("float64")


@pytest.fixture
def model() -> ToyLength:
    made = ToyLength(ToyLength.Config(), TOKENS)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter *= 1.5
    return made


@pytest.fixture
def batch() -> Batch:
    return batch_of(TOKENS, rows=3, steps=4)


# each floor is either clearly under or clearly over the running mean of its part
FLOORS = {
    "no floors": {},
    "latents under and over their floors": {
        "latents": {"length": {"free_bits": 0.001}, "z": {"free_bits": 50.0}}
    },
    "a floor for each dimension": {
        "latents": {"z": {"free_bits": 0.6}},
        "free_bits_per": "dimension",
    },
}


@pytest.mark.parametrize("floors", FLOORS)
def test_every_estimator_has_the_gradient_of_enumeration(
    model: ToyLength, batch: Batch, floors: str
) -> None:
    options: dict[str, Any] = FLOORS[floors]

    def make(**others: Any) -> Objective:
        trainer = Trainer(**{"free_bits": 0.0, **options, **others})  # type: ignore[arg-type]
        return with_known_means(Objective(trainer, model), model, batch)

    exact = gradients(make(estimator="enumerate"), model, batch, samples=20, times=20)
    for estimator, samples in (("enumerate", 1), ("rloo", 4), ("reinforce-ema", 1)):
        objective = make(estimator=estimator, samples=max(samples, 2))
        found = gradients(objective, model, batch, samples, times=40)
        squares = squared_errors(found, exact)
        assert float(squares.mean()) < 2 and float(squares.max()) < 25, estimator


def test_a_baseline_that_has_seen_its_reward_is_biased(model: ToyLength, batch: Batch) -> None:
    class Seen(Objective):
        def _advantage(self, reward: Tensor) -> Tensor:
            return reward - reward.mean(0)

    def make(kind: type[Objective], estimator: str) -> Objective:
        return kind(Trainer(estimator=estimator, samples=2), model)

    exact = gradients(make(Objective, "enumerate"), model, batch, samples=20, times=20)
    scores = []
    for kind in (Objective, Seen):
        found = gradients(make(kind, "rloo"), model, batch, samples=2, times=60)
        scores.append(float(squared_errors(found, exact).mean()))
    assert scores[0] < 2 and scores[1] > 4


def test_the_enumerated_loss_is_the_sum_over_lengths_by_hand(
    model: ToyLength, batch: Batch
) -> None:
    objective = Objective(Trainer(estimator="enumerate", free_bits=0.0), model)
    noise = KeyedNoise(0, batch.index, range(2), torch.float64)
    evidence = model.evidence(batch, model.encode(batch), noise, enumerate=True)
    share = model.length(model.encode(batch)).softmax(-1)
    prior = model.prior_length(share).log_p
    total = torch.zeros(len(batch))
    for k in range(len(evidence.log_px)):
        kl_z = evidence.latents["z"].kl[k].sum((1, 2))
        total = total + share[:, k % 3] / 2 * (evidence.log_px[k] - WEIGHTS["z"] * kl_z)
    kl_length = (share * (share.log() - prior)).sum(-1)
    by_hand = -(total - WEIGHTS["length"] * kl_length).mean()
    loss = objective(evidence, WEIGHTS).loss
    torch.testing.assert_close(loss, by_hand, rtol=1e-12, atol=1e-12)
    difference = gradient(loss - by_hand, model)
    torch.testing.assert_close(difference, torch.zeros_like(difference), rtol=0, atol=1e-10)


@torch.no_grad()
def test_sampled_and_enumerated_lengths_estimate_the_same_likelihood(batch: Batch) -> None:
    model = ToyLength(ToyLength.Config(), TOKENS)
    noise = KeyedNoise(1, batch.index, range(20_000), torch.float64)
    encoded = model.encode(batch)
    sampled = model.evidence(batch, encoded, noise)
    other = KeyedNoise(2, batch.index, range(20_000), torch.float64)
    enumerated = model.evidence(batch, encoded, other, enumerate=True).log_likelihood
    weight = (sampled.log_weight - sampled.log_weight.amax(0)).exp()
    error = weight.std(0) / weight.mean(0) / len(weight) ** 0.5  # of the logarithm of their mean
    assert bool(((sampled.log_likelihood - enumerated).abs() < 4 * 2**0.5 * error).all())
    assert bool((error < 0.05).all())


def test_a_running_mean_decides_the_floor_and_is_saved(model: ToyLength, batch: Batch) -> None:
    trainer = Trainer(free_bits=0.5, estimator="reinforce-ema", baseline_decay=0.9)
    objective = Objective(trainer, model)
    for _ in range(3):
        objective(objective.evidence(model, batch, fresh(1)), WEIGHTS)
    saved = objective.state_dict()
    assert set(saved) == {"baseline", "kl_length", "kl_z"}
    other = Objective(trainer, model)
    other.load_state_dict(saved)
    evidence = objective.evidence(model, batch, fresh(1))
    assert torch.equal(objective(evidence, WEIGHTS).loss, other(evidence, WEIGHTS).loss)


def test_the_baseline_is_of_earlier_batches(model: ToyLength, batch: Batch) -> None:
    objective = Objective(Trainer(estimator="reinforce-ema"), model)
    first = torch.tensor([[-4.0, -5.0, -9.0]])
    # before any batch, each reward is compared with the other two
    expected = torch.tensor([[-4.0 + 7.0, -5.0 + 6.5, -9.0 + 4.5]])
    torch.testing.assert_close(objective._advantage(first), expected)
    torch.testing.assert_close(objective.baseline, torch.tensor(-6.0))
    torch.testing.assert_close(objective._advantage(first), first + 6.0)
    torch.testing.assert_close(objective._advantage(torch.full((1, 3), -8.0)) + 8, first * 0 + 6.0)
    torch.testing.assert_close(objective.baseline, torch.tensor(-6.2))


@pytest.mark.parametrize("padding", [0, 4])
def test_free_bits_per_step_are_means_over_the_sequences_that_reach_it(padding: int) -> None:
    domain = Real(2, longest=6)
    model, batch = ToyVRNN(ToyVRNN.Config(), domain), batch_of(domain, padding=padding)
    objective = Objective(Trainer(free_bits=100.0, free_bits_per="step"), model)
    evidence = objective.evidence(model, batch, fresh(2, 4))
    cost = objective(evidence, {"z": 0.5}).loss + evidence.log_px.mean()
    torch.testing.assert_close(cost, 0.5 * 100 * batch.lengths.double().mean())


@pytest.mark.parametrize("bound", ["iwae", "fivo"])
def test_bounds_of_weights_are_the_likelihood_estimates(bound: str) -> None:
    domain = Real(2, longest=6)
    model, batch = ToyVRNN(ToyVRNN.Config(), domain), batch_of(domain)
    trainer = Trainer(bound=bound, samples=4, beta_schedule="constant", free_bits=0.0)
    objective = Objective(trainer, model)
    noise = KeyedNoise(0, batch.index, range(4), torch.float64)
    evidence = objective.evidence(model, batch, noise)
    loss = objective(evidence, {"z": 1.0})
    encoded = model.encode(batch)
    route = model.filter if bound == "fivo" else model.evidence
    torch.testing.assert_close(loss.loss, -route(batch, encoded, noise).log_likelihood.mean())
    loss.loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert loss.rec.isfinite() and loss.kl["z"].isfinite()


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"estimator": "rloo", "samples": 1},
        r"^trainer\.samples=1: trainer\.estimator=rloo compares samples",
    ),
    (
        {"bound": "iwae", "beta_schedule": "constant"},
        r"^trainer\.bound=iwae: q of the discrete latent length",
    ),
    (
        {"latents": {"zz": {"beta_max": 1.0}}},
        r"^trainer\.latents\.zz: model toy-length has no such latent; its latents are length, z;"
        r" did you mean 'z'\?",
    ),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_options_that_do_not_fit_the_model_are_refused(
    model: ToyLength, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Objective(Trainer(**options), model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bound": "iwae", "free_bits": 1.0}, "bound=iwae takes a KL weight of 1 and no free bits"),
        ({"bound": "fivo"}, "bound=fivo takes a KL weight of 1 and no free bits"),
        (
            {"bound": "fivo", "beta_schedule": "constant", "latents": {"z": {"beta_max": 0.5}}},
            "takes a KL weight of 1",
        ),
        (
            {"latents": {"z": {"beta": 0.5}}},
            r"latents\.z\.beta=0.5 is not an option of a single latent",
        ),
        (
            {"latents": {"z": {"free_bits": -1.0}}},
            r"latents\.z\.free_bits=-1.0 must be a number of at least 0",
        ),
    ],
)
def test_options_that_exclude_each_other_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Trainer(**options)
