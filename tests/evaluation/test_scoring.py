"""Scores and metrics of models whose true values are known."""

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vaetext.config.model import HVRAE, VRAE
from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split, collate
from vaetext.distributions.evidence import Code
from vaetext.distributions.gaussian import Gaussian, standard
from vaetext.distributions.noise import MeanNoise, Noise
from vaetext.distributions.priors import StandardNormal
from vaetext.evaluation.metrics import active_units, evaluate, mutual_information, perplexity
from vaetext.evaluation.scoring import score
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build

CPU = torch.device("cpu")


class Linear(SequenceModel):
    """z ~ N(0, 1), x ~ N(z, 1) is the first token as a number, so log p(x) = log N(x; 0, 2).

    q(z|x) is a little off.
    """

    latents = ("z",)

    def __init__(self) -> None:
        super().__init__(Symbols(9, 1, 0, 9))
        self.prior = StandardNormal(1)

    def posterior(self, batch: Batch) -> Gaussian:
        x = batch.x[:, :1].double()
        return Gaussian(0.5 * x + 0.1, torch.full_like(x, math.log(0.6)))

    def sample(self, posterior: Gaussian, noise: Noise) -> dict[str, Code]:
        return {"z": self.prior.code("z", posterior, noise)}

    def log_px(self, batch: Batch, codes: dict[str, Tensor]) -> Tensor:
        return standard(codes["z"]).log_prob(batch.x[:, :1].double() - codes["z"])

    def sample_prior(self, noise: Noise) -> dict[str, Any]:
        return {"z": self.prior.sample("z", noise)}


def record(samples: int) -> dict[str, Any]:
    sequences = [[n % 6 + 2, 1] for n in range(60)]
    x = np.array([each[0] for each in sequences], dtype=float)
    truth = -0.5 * (x**2 / 2 + math.log(2 * math.pi * 2))
    return evaluate(
        Linear(), Split.of(sequences, truth), seed=0, samples=samples, batch_tokens=40, device=CPU
    )


def test_bounds_are_above_the_truth_and_importance_sampling_reaches_it() -> None:
    loose, tight = record(1), record(2000)
    truth = tight["neg_elbo"] - tight["truth_gap"]
    assert tight["iw_nll"] == pytest.approx(truth, abs=0.01)
    assert truth < tight["iw_nll"] + 0.01 < tight["neg_elbo"]
    assert loose["truth_gap"] > -4 * loose["truth_gap_stderr"]
    assert loose["iw_nll"] is None and tight["iw_samples"] == 2000
    assert tight["rec"] + tight["kl"]["z"] == pytest.approx(tight["neg_elbo"])


def test_each_perplexity_counts_the_tokens_that_its_name_says() -> None:
    row = record(1)
    assert (row["sequences"], row["tokens"], row["tokens_no_eos"]) == (60, 120, 60)
    assert row["ppl"] == pytest.approx(math.exp(row["neg_elbo"] / 2))
    assert row["ppl_no_eos"] == pytest.approx(math.exp(row["neg_elbo"]))
    assert row["rec_ppl_no_eos"] == pytest.approx(math.exp(row["rec"]))
    assert row["bits_per_symbol"] == pytest.approx(row["neg_elbo"] / 2 / math.log(2))
    many = record(20)
    assert (
        many["iw_ppl"] == pytest.approx(math.exp(many["iw_nll"] / 2))
        and many["iw_nll"] < many["neg_elbo"] - 0.01
    )
    assert perplexity(1.0, 3, 0) is None
    assert (
        perplexity(709.0, 3, 3) == pytest.approx(8.2e307, rel=0.01)
        and perplexity(710.0, 3, 3) is None
    )


def test_the_distance_to_the_truth_has_the_standard_error_of_a_mean() -> None:
    split = Split.of([[n % 6 + 2, 1] for n in range(60)], np.linspace(-30, -3, 60))
    scores = score(Linear(), split, seed=0, samples=1, batch_tokens=40, device=CPU)
    gaps = np.linspace(-30, -3, 60) - (scores.log_px - scores.kl["z"]).mean(0).numpy()
    row = evaluate(Linear(), split, seed=0, samples=1, batch_tokens=40, device=CPU)
    assert row["truth_gap"] == pytest.approx(gaps.mean())
    assert row["truth_gap_stderr"] == pytest.approx(gaps.std(ddof=1) / 60**0.5)


def test_one_sequence_has_no_standard_error() -> None:
    row = evaluate(
        Linear(),
        Split.of([[3, 1]], np.array([-4.0])),
        seed=0,
        samples=2,
        batch_tokens=40,
        device=CPU,
    )
    assert row["truth_gap"] is not None and row["truth_gap_stderr"] is None
    json.dumps(row, allow_nan=False)


def test_a_published_perplexity_follows_from_its_nll() -> None:
    assert perplexity(102.27, 3761, 78669) == pytest.approx(132.89, abs=0.05)


def test_shuffling_a_used_latent_raises_rec() -> None:
    assert record(1)["shuffle_rec_increase"]["z"] > 1


def test_codes_are_in_the_order_of_the_split_and_shuffled_between_its_sequences() -> None:
    split = Split.of(
        [[n % 6 + 2] * (1 + n % 3) + [1] for n in range(60)]
    )  # of several lengths: evaluated in another order
    code = score(Linear(), split, seed=0, samples=1, batch_tokens=40, device=CPU).codes["z"]
    x = np.array([split[n][0] for n in range(60)], dtype=float)
    np.testing.assert_allclose(code.mean[:, 0], 0.5 * x + 0.1)
    z = code.z[:, 0].numpy()
    other = z[np.random.default_rng(0).permutation(60)]
    row = evaluate(Linear(), split, seed=0, samples=1, batch_tokens=40, device=CPU)
    assert row["shuffle_rec_increase"]["z"] == pytest.approx(
        0.5 * np.mean((x - other) ** 2 - (x - z) ** 2), rel=1e-6
    )


def test_the_mean_of_a_lower_latent_is_that_given_the_mean_of_the_upper() -> None:
    torch.manual_seed(0)
    model = build(HVRAE(name="hvrae", embedding_dim=5, latent_dim=2), Symbols(8, 1, 0, 9)).eval()
    split = Split.of([[2 + n % 4, 3 + n % 3, 1] for n in range(12)])
    batch = collate(split, np.arange(12), model.domain)
    with torch.no_grad():
        middle = model.sample(model.posterior(batch), MeanNoise(12, CPU))
    found = score(model, split, seed=0, samples=1, batch_tokens=40, device=CPU).codes
    for name in model.latents:
        torch.testing.assert_close(found[name].mean, middle[name].mean[0])


def test_no_perplexity_is_infinite() -> None:
    assert [perplexity(nats, 3, 3) for nats in (None, math.inf, math.nan, 1e9)] == [None] * 4


def code(mean: Tensor, std: Tensor) -> Code:
    z = mean + std * torch.randn(mean.shape, generator=torch.Generator().manual_seed(0))
    blank = torch.zeros(len(mean))
    return Code(z, mean, std, blank, blank, torch.zeros_like(mean))


def test_mutual_information_of_far_apart_codes_is_log_n() -> None:
    mean = 100.0 * torch.arange(64)[:, None].double()
    assert mutual_information(code(mean, torch.ones_like(mean)), block=7) == pytest.approx(
        math.log(64)
    )


def test_mutual_information_of_equal_codes_is_zero() -> None:
    mean = torch.ones(64, 3).double()
    assert mutual_information(code(mean, torch.ones_like(mean))) == pytest.approx(0.0, abs=1e-9)


def test_a_map_counts_as_the_vector_of_its_units() -> None:
    mean = torch.randn(
        40, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    ) * torch.tensor([1.0, 0, 0, 2, 0, 3])
    vector = code(mean, 0.5 * torch.ones_like(mean))
    shaped = code(mean.view(40, 2, 3), 0.5 * torch.ones(40, 2, 3))
    assert active_units(shaped) == active_units(vector) == 3
    assert mutual_information(shaped) == pytest.approx(mutual_information(vector))


def test_a_map_of_one_size_is_collected_and_shuffled() -> None:
    torch.manual_seed(0)
    model = build(
        VRAE(
            name="vrae", embedding_dim=4, hidden_dim=5, latent_dim=3, latent="feature-map", stride=2
        ),
        Symbols(9, 1, 0, 7),
    )
    with torch.no_grad():
        model.head.linear.weight[:3] *= 100.0  # every unit that a sequence reaches moves
    split = Split.of([[n % 6 + 2] * (n % 5 + 1) + [1] for n in range(30)])
    row = evaluate(model, split, seed=0, samples=2, batch_tokens=20, device=CPU)
    assert score(model, split, seed=0, samples=1, batch_tokens=20, device=CPU).codes[
        "z"
    ].z.shape == (30, 4, 3)
    assert row["shuffle_rec_increase"]["z"] != 0
    assert row["active_units"]["z"] == 9  # three a position, and no sequence reaches the fourth
    assert row["mutual_information"]["z"] is not None


def test_active_units_are_those_whose_mean_moves() -> None:
    mean = torch.zeros(50, 3)
    mean[:, 1] = torch.linspace(-1, 1, 50)
    assert active_units(code(mean, torch.ones_like(mean))) == 1
    deviations = torch.tensor([0.09, 0.11, 0.15])  # variances below and above 0.01
    assert (
        active_units(
            code(deviations * torch.linspace(-1, 1, 50).sign()[:, None], torch.ones(50, 3))
        )
        == 2
    )
