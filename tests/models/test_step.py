"""Models with a latent per step: Kalman filter, enumeration, segments against the whole."""

import math
from itertools import product
from typing import Any

import pytest
import torch
from step_models import make
from torch import Tensor
from toys.batches import batch_of
from toys.linear import LinearGaussian, kalman

from vaetext.data.batch import Batch
from vaetext.data.domain import Binary, Domain, Real, Symbols
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.noise import KeyedNoise
from vaetext.distributions.state import State, detach
from vaetext.models.step import StepModel

DOMAINS = [Symbols(5, longest=6, eos=0, unk=1), Real(2, longest=6), Binary(3, longest=6)]
SRNN = {"posterior": "filtering"}
CARRYING = {
    "vrnn": {},
    "vrnn-gru": {"cell": "gru"},
    "srnn": SRNN,
    "srnn-lstm": {**SRNN, "cell": "lstm"},
}


pytestmark = pytest.mark.usefixtures("float64")


def keyed(batch: Batch, samples: int, seed: int = 0) -> KeyedNoise:
    return KeyedNoise(seed, batch.index, range(samples), torch.float64)


def full(x: Tensor, domain: Domain) -> Batch:
    return Batch(x, torch.full((len(x),), x.shape[1]), torch.arange(len(x)), domain)


def rows_of(batch: Batch, rows: list[int]) -> Batch:
    return Batch(batch.x[rows], batch.lengths[rows], batch.index[rows], batch.domain)


def vrnn(domain: Domain, **options: Any) -> StepModel:
    return step_model("vrnn", domain, **options)


def step_model(name: str, domain: Domain, **options: Any) -> StepModel:
    """A small model with weights so large that every term matters."""
    model = make(name, domain, **options)
    assert isinstance(model, StepModel)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 1.5
    return model


def run(
    model: StepModel, batch: Batch, samples: int, route: str, carried: State | None = None
) -> Evidence:
    encoded = model.encode(batch, carried)
    if route == "filter":
        return model.filter(batch, encoded, keyed(batch, samples))
    return model.evidence(batch, encoded, keyed(batch, samples))


@torch.no_grad()
def test_bounds_of_a_linear_gaussian_model_reach_the_kalman_likelihood() -> None:
    model = LinearGaussian()
    batch = full(torch.randn(3, 5, 2), model.domain)
    exact = kalman(batch.x)
    few, many = (run(model, batch, samples, "evidence") for samples in (10, 20_000))
    assert bool((many.elbo.mean(0) < exact - 1).all())
    assert bool((many.log_likelihood - exact).abs().max() < 0.1)
    assert (many.log_likelihood - exact).abs().sum() < (few.log_likelihood - exact).abs().sum()
    filtered = run(model, batch, 4096, "filter").log_likelihood
    assert bool((filtered - exact).abs().max() < 0.1)


@torch.no_grad()
@pytest.mark.parametrize("route", ["evidence", "filter"])
def test_the_likelihood_estimate_is_unbiased(route: str) -> None:
    model, copies = LinearGaussian(), 20_000
    batch = full(torch.randn(2, 5, 2), model.domain)
    copied = full(batch.x.repeat(copies, 1, 1), model.domain)
    estimate = run(model, copied, 4, route).log_likelihood.view(copies, 2)
    ratio = (estimate - kalman(batch.x)).exp()
    error = ratio.std(0) / copies**0.5
    assert bool(((ratio.mean(0) - 1).abs() < 4 * error).all())
    assert bool((error < 0.05).all())


@torch.no_grad()
def test_the_filter_is_closer_than_importance_sampling_on_long_sequences() -> None:
    model = LinearGaussian()
    batch = full(torch.randn(200, 40, 2), model.domain)
    filtered, weighted = (
        run(model, batch, 16, route).log_likelihood for route in ("filter", "evidence")
    )
    difference = filtered - weighted
    assert float(difference.mean()) > 4 * float(difference.std()) / len(difference) ** 0.5


@torch.no_grad()
@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.kind)
def test_a_filter_that_never_resamples_is_importance_sampling(domain: Domain) -> None:
    model, batch = vrnn(domain), batch_of(domain)
    encoded = model.encode(batch)
    never = model.filter(batch, encoded, keyed(batch, 5), threshold=0.0).log_likelihood
    weighted = model.evidence(batch, encoded, keyed(batch, 5))
    torch.testing.assert_close(never, weighted.log_likelihood, rtol=1e-10, atol=1e-10)
    one = model.filter(batch, encoded, keyed(batch, 1)).log_likelihood
    torch.testing.assert_close(
        one, model.evidence(batch, encoded, keyed(batch, 1)).log_weight[0], rtol=1e-10, atol=1e-10
    )


@torch.no_grad()
def test_the_filter_does_resample() -> None:
    model, batch = vrnn(DOMAINS[1]), batch_of(DOMAINS[1])
    usual, never = (
        model.filter(batch, model.encode(batch), keyed(batch, 5), threshold).log_likelihood
        for threshold in (0.5, 0.0)
    )
    assert not torch.allclose(usual, never)


@torch.no_grad()
@pytest.mark.parametrize("route", ["evidence", "filter"])
@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.kind)
def test_padding_and_order_change_nothing(domain: Domain, route: str) -> None:
    model = vrnn(domain)
    expected = run(model, batch_of(domain), 4, route).log_likelihood
    padded = run(model, batch_of(domain, padding=3), 4, route).log_likelihood
    torch.testing.assert_close(padded, expected, rtol=1e-10, atol=1e-10)
    some = run(model, rows_of(batch_of(domain), [3, 1]), 4, route).log_likelihood
    torch.testing.assert_close(some, expected[[3, 1]], rtol=1e-10, atol=1e-10)


@torch.no_grad()
@pytest.mark.parametrize("route", ["evidence", "filter"])
@pytest.mark.parametrize("case", CARRYING)
def test_segments_with_carried_state_equal_the_whole(case: str, route: str) -> None:
    domain = DOMAINS[2]
    model, batch = step_model(case.split("-")[0], domain, **CARRYING[case]), batch_of(domain)
    whole = run(model, batch, 4, route)
    carried, likelihood, kl = None, torch.zeros(()), torch.zeros(())
    for start in range(0, 6, 2):
        lengths = (batch.lengths - start).clamp(0, 2)
        starts = torch.full((len(batch),), start == 0)
        segment = Batch(batch.x[:, start : start + 2], lengths, batch.index, domain, starts)
        part = run(model, segment, 4, route, carried)
        carried = detach(part.state or {})
        likelihood = likelihood + (part.log_likelihood if route == "filter" else part.log_weight)
        kl = kl + part.latents["z"].total_kl
    expected = whole.log_likelihood if route == "filter" else whole.log_weight
    torch.testing.assert_close(likelihood, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(kl, whole.latents["z"].total_kl, rtol=1e-10, atol=1e-10)


@torch.no_grad()
def test_a_row_that_begins_a_recording_forgets_what_was_carried() -> None:
    domain = DOMAINS[2]
    model, batch = vrnn(domain), batch_of(domain)
    carried = run(model, batch, 4, "evidence").state
    starts = torch.tensor([True, False, True, False])
    again = Batch(batch.x, batch.lengths, batch.index, domain, starts)
    fresh, mixed = run(model, batch, 4, "evidence"), run(model, again, 4, "evidence", carried)
    same = (fresh.log_px == mixed.log_px).all(0)
    assert same.tolist() == starts.tolist()


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "options", "smoothing"),
    [
        ("vrnn", {}, False),
        ("vrnn", {"z_forcing": 0.1}, True),
        ("srnn", {"posterior": "filtering"}, False),
        ("srnn", {"posterior": "smoothing"}, True),
        ("srnn", {"posterior": "smoothing", "cell": "lstm"}, True),
    ],
)
def test_smoothing_sees_the_future_and_filtering_does_not(
    name: str, options: dict[str, Any], smoothing: bool
) -> None:
    domain = DOMAINS[1]
    model = step_model(name, domain, **options)
    x = torch.randn(1, 6, 2)
    changed = x.clone()
    changed[:, 4] += 1
    one, other = (
        run(model, full(each, domain), 1, "evidence").latents["z"] for each in (x, changed)
    )
    moved = (one.q.mean != other.q.mean).any(-1)[0, 0]
    assert moved.tolist() == [smoothing] * 4 + [True, True]


@torch.no_grad()
@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.kind)
def test_a_replayed_path_gives_the_distributions_of_teacher_forcing(domain: Domain) -> None:
    model, batch = step_model("srnn", domain), batch_of(domain)
    batch = full(batch.x, domain)
    noise = keyed(batch, 2)
    expected = model.evidence(batch, model.encode(batch), noise)
    z = {"z": expected.latents["z"].z}
    torch.testing.assert_close(
        model.log_px(batch, z, noise), expected.log_px, rtol=1e-10, atol=1e-10
    )
    state, total = model.start(z, noise), torch.zeros(2, len(batch))
    for t in range(batch.x.shape[1]):
        p, state = model.emit(state, noise)
        total = total + p.log_prob(batch.x[:, t])
        state = model.advance(state, batch.x[:, t].expand(2, *batch.x[:, t].shape))
    torch.testing.assert_close(total, expected.log_px, rtol=1e-10, atol=1e-10)


@torch.no_grad()
def test_probabilities_of_all_sequences_sum_to_one() -> None:
    domain = Symbols(3, longest=2, eos=0, unk=1)
    model, samples = vrnn(domain), 40_000
    # all sequences of one step, and all continuations of the two that go on
    total = 0.0
    for sequence in [[0], *([a, b] for a, b in product((1, 2), range(3)))]:
        batch = full(torch.tensor([sequence]), domain)
        total += model.log_px(batch, {}, keyed(batch, samples)).exp().mean().item()
    assert total == pytest.approx(1.0, abs=0.02)


@torch.no_grad()
@pytest.mark.parametrize("route", ["evidence", "filter"])
def test_a_standard_prior_is_what_a_learned_one_is_with_no_weights(route: str) -> None:
    domain = DOMAINS[1]
    learned = vrnn(domain)
    standard = vrnn(domain, prior="standard")
    weights = learned.state_dict()
    standard.load_state_dict({key: weights[key] for key in standard.state_dict()})
    linear = learned.get_submodule("prior.linear")
    for parameter in linear.parameters():
        parameter.zero_()
    linear.bias[3:] = math.log(math.e ** (1 - 1e-4) - 1)  # softplus(bias) + 1e-4 = 1
    batch = batch_of(domain)
    one, other = (run(model, batch, 4, route) for model in (learned, standard))
    torch.testing.assert_close(one.log_likelihood, other.log_likelihood, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(
        one.latents["z"].total_kl, other.latents["z"].total_kl, rtol=1e-10, atol=1e-10
    )


def test_a_model_without_a_latent_per_step_cannot_be_filtered() -> None:
    from toys.length import ToyLength

    model = ToyLength(ToyLength.Config(), DOMAINS[0])
    batch = batch_of(DOMAINS[0])
    with pytest.raises(ValueError, match=r"trainer\.bound=fivo: toy-length has no latent per step"):
        model.filter(batch, model.encode(batch), keyed(batch, 2))
