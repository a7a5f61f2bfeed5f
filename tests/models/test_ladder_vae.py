"""Ladder models: sizes, feature maps of fixed size, and the evaluation of every layer."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vaetext.config.models.lcnnvae import LCNNVAE
from vaetext.config.models.lrnnvae import LRNNVAE
from vaetext.config.models.lvae import LVAE
from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split, collate
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.latent import LatentSample
from vaetext.distributions.noise import KeyedNoise, Noise
from vaetext.distributions.state import State
from vaetext.evaluation.latents import follow
from vaetext.evaluation.metrics import evaluate
from vaetext.evaluation.results import SplitResults
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build
from vaetext.modules.ladder import Ladder, LadderLayer

SYMBOLS = Symbols(size=7, eos=1, unk=0, longest=9)
KINDS = {"lvae": LVAE, "lcnnvae": LCNNVAE, "lrnnvae": LRNNVAE}


def make(name: str, **options: Any) -> SequenceModel:
    torch.manual_seed(0)
    small = {
        "embedding_dim": 5,
        "hidden_dim": 6,
        "hidden_dims": [6, 5, 4],
        "latent_dims": [4, 3, 2],
        "reconstruction_dim": 4,
    }
    return build(KINDS[name](name=name, **{**small, **options}), SYMBOLS).eval()


def batch_of(*sentences: list[int]) -> Batch:
    return collate(Split.of(list(sentences)), np.arange(len(sentences)), SYMBOLS)


@pytest.mark.parametrize("name", KINDS)
def test_layer_lists_of_different_lengths_are_refused(name: str) -> None:
    message = r"hidden_dims=\[6, 5\] and latent_dims=\[3\] .* same length"
    with pytest.raises(ValueError, match=message):
        KINDS[name](hidden_dims=[6, 5], latent_dims=[3])
    with pytest.raises(ValueError, match=r"hidden_dims=\[\] and latent_dims=\[\]"):
        KINDS[name](hidden_dims=[], latent_dims=[])


@pytest.mark.parametrize("name", KINDS)
def test_longer_sequence_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"model\.max_length=4: .* has 6 tokens"):
        make(name, max_length=4).check_lengths(6, "the input")


@pytest.mark.parametrize(("name", "positions"), [("lcnnvae", [5, 3, 2]), ("lrnnvae", [9, 9, 9])])
def test_feature_maps_have_the_same_size_for_every_length(name: str, positions: list[int]) -> None:
    model = make(name, latent="feature-map")
    for batch in (batch_of([1]), batch_of([2, 3, 4, 5, 2, 3, 4, 5, 1])):
        latents = model.sample(model.encode(batch), KeyedNoise(0, batch.index, range(2)))
        for latent, size, channels in zip(latents, positions, [4, 3, 2], strict=True):
            sample = latents[latent]
            assert sample.kl.shape == sample.z.shape == (2, 1, size, channels)
            assert sample.axes == ("position", "dimension")


def test_decoder_reads_a_feature_map_in_its_order() -> None:
    model = make("lrnnvae", latent="feature-map")
    batch = batch_of([2, 3, 4, 5, 6, 1])
    noise = KeyedNoise(0, batch.index, range(1))
    z = model.sample_prior(noise, {})["z_1"]
    moved = torch.cat([z[:, :, :3], z[:, :, 3:4] + 1, z[:, :, 4:]], 2)
    one, other = (model.start({"z_1": each}, noise)["contexts"] for each in (z, moved))
    changed = ((one - other).abs() > 1e-5).any(3)[0, 0]
    assert changed.tolist() == [False] * 3 + [True] + [False] * 5


@pytest.mark.parametrize("name", KINDS)
def test_latents_below_a_moved_one_follow_at_the_mean_of_their_prior(name: str) -> None:
    model = make(name)
    batch = batch_of([2, 3, 1], [4, 1])
    noise = KeyedNoise(0, batch.index, range(1))
    codes = {key: z[0] for key, z in model.sample_prior(noise, {}).items()}
    with torch.no_grad():
        settled = follow(model, codes, "z_2")
    assert torch.equal(settled["z_2"], codes["z_2"])
    assert torch.equal(settled["z_3"], codes["z_3"])
    assert not torch.equal(settled["z_1"], codes["z_1"])
    assert torch.equal(follow(model, codes, "z_2")["z_1"], settled["z_1"])


class Line(nn.Module):
    """h -> N(slope h, var)."""

    def __init__(self, slope: float, var: float) -> None:
        super().__init__()
        self.slope = slope
        self.log_var = math.log(var)

    def forward(self, h: Tensor, mask: Tensor | None = None) -> Gaussian:
        return Gaussian(self.slope * h, torch.full_like(h, self.log_var))


class Same(nn.Module):
    def forward(self, d: Tensor, mask: Tensor | None = None) -> Tensor:
        return d


class Linear(SequenceModel):
    """z_2 ~ N(0, 1), z_1 ~ N(z_2, 1/2), and x, the first token as a number, ~ N(z_1, 1/2).

    Args:
        informed: latents whose estimate is exact; the others do not depend on x.
    """

    def __init__(self, *informed: str) -> None:
        super().__init__(Symbols(9, 1, 0, 9))
        low = Line(1.0, 0.5) if "z_1" in informed else Line(0.0, 1e9)
        top = Line(0.5, 0.5) if "z_2" in informed else Line(0.0, 1.0)
        self.ladder = Ladder(
            [LadderLayer((1,), Same(), low, Line(1.0, 0.5)), LadderLayer((1,), Same(), top, None)]
        )
        self.latents = self.ladder.latents

    def encode(self, batch: Batch, carried: State | None = None) -> dict[str, Gaussian]:
        return self.ladder.estimates(batch.x[:, :1].double())

    def sample(
        self, encoded: dict[str, Gaussian], noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        return self.ladder.sample(encoded, noise)

    def log_px(self, batch: Batch, z: Mapping[str, Tensor], noise: Noise) -> Tensor:
        z_1 = self.sample_prior(noise, z)["z_1"]
        return Line(1.0, 0.5)(z_1).log_prob(batch.x[:, :1].double())

    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self.ladder.sample_prior(noise, given)

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        raise NotImplementedError

    def emit(self, state: State, noise: Noise) -> tuple[Distribution, State]:
        raise NotImplementedError

    def advance(self, state: State, x: Tensor) -> State:
        raise NotImplementedError


def evaluated(*informed: str) -> SplitResults:
    sequences = [[n % 6 + 2, 1] for n in range(300)]
    x = np.array([each[0] for each in sequences], dtype=float)
    truth = -0.5 * (x**2 / 2 + math.log(2 * math.pi * 2))
    return evaluate(
        Linear(*informed),
        Split.of(sequences, truth),
        seed=0,
        samples=50,
        batch_tokens=100,
        device=torch.device("cpu"),
    ).results


def test_exact_layers_leave_no_gap_and_all_count_as_used() -> None:
    row = evaluated("z_1", "z_2")
    assert row.truth_gap is not None and row.truth_gap_stderr is not None
    assert row.iw_nll == pytest.approx(row.neg_elbo - row.truth_gap, abs=1e-6)
    assert abs(row.truth_gap) < 4 * row.truth_gap_stderr + 0.02
    assert row.active_units == {"z_1": 1, "z_2": 1}
    assert min(row.shuffle_rec_increase.values()) > 1
    assert row.mutual_information["z_1"] is None
    information = row.mutual_information["z_2"]
    assert information is not None and information > 0.3


def test_uninformed_layers_count_as_unused() -> None:
    row = evaluated()
    assert row.active_units == {"z_1": 0, "z_2": 0}
    assert row.kl["z_1"] == pytest.approx(0, abs=1e-6)
    assert row.mutual_information["z_2"] == pytest.approx(0, abs=1e-9)


def test_layer_that_only_follows_the_one_above_counts_as_unused() -> None:
    row = evaluated("z_2")
    assert row.active_units == {"z_1": 0, "z_2": 1}
    assert row.kl["z_1"] == pytest.approx(0, abs=1e-6)
    assert row.mutual_information["z_1"] is None
    assert evaluated("z_1").active_units == {"z_1": 1, "z_2": 0}
