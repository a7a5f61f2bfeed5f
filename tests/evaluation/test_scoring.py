"""Evaluation of distributions whose answers are known."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pytest
import torch
from torch import Tensor

from vaetext.config.models.hvrae import HVRAE
from vaetext.config.models.vrae import VRAE
from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split, collate
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.gaussian import Gaussian, standard
from vaetext.distributions.latent import Latent, LatentSample
from vaetext.distributions.noise import MeanNoise, Noise
from vaetext.distributions.priors import StandardNormal
from vaetext.distributions.state import State
from vaetext.evaluation.codes import LatentCodes
from vaetext.evaluation.metrics import (
    active_units,
    effective_samples,
    evaluate,
    mutual_information,
    perplexity,
)
from vaetext.evaluation.results import SplitResults
from vaetext.evaluation.scoring import Scores, score
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build

CPU = torch.device("cpu")


class Linear(SequenceModel):
    """z ~ N(0, 1), the first token as a number x ~ N(z, 1), so log p(x) = log N(x; 0, 2).

    q(z|x) is a little off.
    """

    latents = (Latent("z"),)

    def __init__(self) -> None:
        super().__init__(Symbols(9, 1, 0, 9))
        self.prior = StandardNormal(1)

    def encode(self, batch: Batch, carried: State | None = None) -> Gaussian:
        x = batch.x[:, :1].double()
        return Gaussian(0.5 * x + 0.1, torch.full_like(x, math.log(0.6)))

    def sample(
        self, encoded: Gaussian, noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        return {"z": self.prior.posterior_sample(encoded, noise.at("z"))}

    def log_px(self, batch: Batch, z: Mapping[str, Tensor], noise: Noise) -> Tensor:
        return standard(z["z"], 1).log_prob(batch.x[:, :1].double() - z["z"])

    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"z": self.prior.sample(noise.at("z")), **given}

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        raise NotImplementedError

    def emit(self, state: State, noise: Noise) -> tuple[Distribution, State]:
        raise NotImplementedError

    def advance(self, state: State, x: Tensor) -> State:
        raise NotImplementedError


SEQUENCES = [[n % 6 + 2, 1] for n in range(60)]


def evaluated(split: Split, samples: int = 1) -> SplitResults:
    found = evaluate(Linear(), split, seed=0, samples=samples, batch_tokens=40, device=CPU)
    return found.results


def scored(split: Split, model: SequenceModel | None = None) -> Scores:
    return score(model or Linear(), split, seed=0, samples=1, batch_tokens=40, device=CPU)


def record(samples: int) -> SplitResults:
    x = np.array([each[0] for each in SEQUENCES], dtype=float)
    truth = -0.5 * (x**2 / 2 + math.log(2 * math.pi * 2))
    return evaluated(Split.of(SEQUENCES, truth), samples)


def test_bounds_are_above_the_truth_and_importance_sampling_reaches_it() -> None:
    loose = record(1)
    tight = record(2000)
    assert tight.truth_gap is not None and loose.truth_gap is not None
    assert tight.iw_nll is not None and loose.truth_gap_stderr is not None
    truth = tight.neg_elbo - tight.truth_gap
    assert tight.iw_nll == pytest.approx(truth, abs=0.01)
    assert truth < tight.iw_nll + 0.01 < tight.neg_elbo
    assert loose.truth_gap > -4 * loose.truth_gap_stderr
    assert loose.iw_nll is None and tight.iw_samples == 2000
    assert tight.rec + tight.kl["z"] == pytest.approx(tight.neg_elbo)


def test_effective_samples_are_all_for_equal_weights_and_one_where_one_weight_decides() -> None:
    equal = torch.full((4,), -800.0, dtype=torch.float64)
    one = torch.tensor([0.0, -900.0, -900.0, -900.0], dtype=torch.float64)
    three_to_one = torch.tensor([3.0, 1.0, 0.0, 0.0], dtype=torch.float64).log()
    found = effective_samples(torch.stack([equal, one, three_to_one], 1))
    assert found.tolist() == pytest.approx([4.0, 1.0, 16 / 10])


def test_effective_samples_are_left_out_where_there_is_one_sample() -> None:
    assert record(1).iw_effective_samples is None
    effective = record(20).iw_effective_samples
    assert effective is not None
    assert 1 < effective < 20


def test_each_perplexity_counts_what_its_name_says() -> None:
    row = record(1)
    assert (row.sequences, row.tokens, row.tokens_no_eos) == (60, 120, 60)
    assert row.ppl == pytest.approx(math.exp(row.neg_elbo / 2))
    assert row.ppl_no_eos == pytest.approx(math.exp(row.neg_elbo))
    assert row.rec_ppl_no_eos == pytest.approx(math.exp(row.rec))
    assert row.bits_per_symbol == pytest.approx(row.neg_elbo / 2 / math.log(2))
    many = record(20)
    assert many.iw_nll is not None
    assert many.iw_ppl == pytest.approx(math.exp(many.iw_nll / 2))
    assert many.iw_nll < many.neg_elbo - 0.01


def test_no_perplexity_is_infinite() -> None:
    assert perplexity(1.0, 3, 0) is None
    assert perplexity(709.0, 3, 3) == pytest.approx(8.2e307, rel=0.01)
    assert perplexity(710.0, 3, 3) is None
    assert [perplexity(nats, 3, 3) for nats in (None, math.inf, math.nan, 1e9)] == [None] * 4


def test_the_distance_has_the_standard_error_of_a_mean() -> None:
    split = Split.of(SEQUENCES, np.linspace(-30, -3, 60))
    scores = scored(split)
    gaps = np.linspace(-30, -3, 60) - (scores.log_px - scores.kl["z"]).mean(0).numpy()
    row = evaluated(split)
    assert row.truth_gap == pytest.approx(gaps.mean())
    assert row.truth_gap_stderr == pytest.approx(gaps.std(ddof=1) / 60**0.5)


def test_one_sequence_has_no_standard_error() -> None:
    row = evaluated(Split.of([[3, 1]], np.array([-4.0])), samples=2)
    assert row.truth_gap is not None and row.truth_gap_stderr is None
    json.dumps(asdict(row), allow_nan=False)


def test_published_rows_follow_from_their_convention() -> None:
    assert perplexity(102.27, 3761, 78669) == pytest.approx(132.89, abs=0.05)


def test_shuffling_a_used_latent_hurts() -> None:
    assert record(1).shuffle_rec_increase["z"] > 1


def test_codes_are_in_the_order_of_the_split_and_shuffled_between_its_sequences() -> None:
    # of several lengths: evaluated in another order
    split = Split.of([[n % 6 + 2] * (1 + n % 3) + [1] for n in range(60)])
    code = scored(split).codes["z"]
    x = np.array([split[n][0] for n in range(60)], dtype=float)
    np.testing.assert_allclose(code.mean[:, 0], 0.5 * x + 0.1)
    z = code.z[:, 0].numpy()
    other = z[np.random.default_rng(0).permutation(60)]
    expected = 0.5 * np.mean((x - other) ** 2 - (x - z) ** 2)
    assert evaluated(split).shuffle_rec_increase["z"] == pytest.approx(expected, rel=1e-6)


def test_the_mean_of_a_lower_latent_is_that_given_the_mean_of_the_upper() -> None:
    torch.manual_seed(0)
    model = build(HVRAE(name="hvrae", embedding_dim=5, latent_dim=2), Symbols(8, 1, 0, 9)).eval()
    split = Split.of([[2 + n % 4, 3 + n % 3, 1] for n in range(12)])
    batch = collate(split, np.arange(12), model.domain)
    with torch.no_grad():
        middle = model.sample(model.encode(batch), MeanNoise(12, CPU))
    found = scored(split, model).codes
    for name in model.latent_names:
        torch.testing.assert_close(found[name].mean, middle[name].q.mean.expand(1, 12, -1)[0])


def code(mean: Tensor, std: Tensor) -> LatentCodes:
    z = mean + std * torch.randn(mean.shape, generator=torch.Generator().manual_seed(0))
    return LatentCodes(
        latent=Latent("z"),
        z=z,
        q=Gaussian(mean, 2 * std.log()),
        mean=mean,
        prior_mean=None,
        kl=torch.zeros_like(mean),
        axes=("position", "dimension")[-(mean.dim() - 1) :],
        lengths=None,
    )


def test_mutual_information_of_far_apart_codes_is_log_n() -> None:
    mean = 100.0 * torch.arange(64)[:, None].double()
    found = mutual_information(code(mean, torch.ones_like(mean)), block=7)
    assert found == pytest.approx(math.log(64))


@pytest.mark.parametrize(
    ("count", "apart", "warned"), [(500, 0, False), (500, 100, True), (20, 0, True)]
)
def test_mutual_information_from_too_few_sequences_is_a_warning(
    count: int, apart: float, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    mean = apart * torch.arange(float(count))[:, None]
    mutual_information(code(mean, torch.ones_like(mean)))
    assert ("mutual information of z" in caplog.text) == warned
    assert (f"N = {count} codes, which can show ln N" in caplog.text) == warned


def test_mutual_information_of_equal_codes_is_zero() -> None:
    mean = torch.ones(64, 3).double()
    assert mutual_information(code(mean, torch.ones_like(mean))) == pytest.approx(0.0, abs=1e-9)


def test_a_map_counts_as_the_vector_of_its_units() -> None:
    generator = torch.Generator().manual_seed(1)
    mean = torch.randn(40, 6, dtype=torch.float64, generator=generator)
    mean = mean * torch.tensor([1.0, 0, 0, 2, 0, 3])
    vector = code(mean, 0.5 * torch.ones_like(mean))
    shaped = code(mean.view(40, 2, 3), 0.5 * torch.ones(40, 2, 3))
    assert active_units(shaped) == active_units(vector) == 3
    assert mutual_information(shaped) == pytest.approx(mutual_information(vector))


def test_a_map_of_one_size_is_collected_and_shuffled() -> None:
    torch.manual_seed(0)
    sizes = {"embedding_dim": 4, "hidden_dim": 5, "latent_dim": 3, "stride": 2}
    model = build(
        VRAE(name="vrae", latent="feature-map", **sizes),  # type: ignore[arg-type]
        Symbols(9, 1, 0, 7),
    )
    with torch.no_grad():
        model.head.linear.weight[:3] *= 100.0  # type: ignore  # every unit that is reached moves
    split = Split.of([[n % 6 + 2] * (n % 5 + 1) + [1] for n in range(30)])
    row = evaluate(model, split, seed=0, samples=2, batch_tokens=20, device=CPU).results
    assert scored(split, model).codes["z"].z.shape == (30, 4, 3)
    assert row.shuffle_rec_increase["z"] != 0
    assert row.active_units["z"] == 9  # three a position, and no sequence reaches the fourth
    assert row.mutual_information["z"] is not None


def test_active_units_are_those_whose_mean_moves() -> None:
    mean = torch.zeros(50, 3)
    mean[:, 1] = torch.linspace(-1, 1, 50)
    assert active_units(code(mean, torch.ones_like(mean))) == 1
    deviations = torch.tensor([0.09, 0.11, 0.15])  # variances below and above 0.01
    signs = torch.linspace(-1, 1, 50).sign()[:, None]
    assert active_units(code(deviations * signs, torch.ones(50, 3))) == 2
