"""Models of at most N tokens: p(x|z) sums to one for every z, so no map gives away the length."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from vaetext.config.decoding import DecodingOptions
from vaetext.config.model import Model
from vaetext.config.models import MODELS
from vaetext.config.models.cnn import CNN
from vaetext.config.models.hvrae import HVRAE
from vaetext.config.models.hybrid_cnn import HybridCNN
from vaetext.config.models.lcnnvae import LCNNVAE
from vaetext.config.models.lrnnvae import LRNNVAE
from vaetext.config.models.lvae import LVAE
from vaetext.config.models.vrae import VRAE
from vaetext.config.trainer import Trainer
from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split, collate
from vaetext.distributions.noise import FreshNoise, KeyedNoise
from vaetext.evaluation.decoding import generate
from vaetext.models.base import SequenceModel
from vaetext.models.hybrid_cnn import HybridCNN as HybridModel
from vaetext.models.registry import build
from vaetext.objectives.objective import Objective

SYMBOLS = Symbols(size=4, eos=1, unk=0, longest=5)
SIZES: dict[str, Any] = {"embedding_dim": 5, "latent_dim": 3}
CONVOLUTIONAL = {**SIZES, "channels": [4, 6], "output_channels": 5}
HYBRID = {**CONVOLUTIONAL, "hidden_dim": 6, "dropout": 0.0}
LADDER: dict[str, Any] = {
    "embedding_dim": 5,
    "hidden_dim": 6,
    "hidden_dims": [6, 5],
    "latent_dims": [3, 2],
    "reconstruction_dim": 4,
    "dropout": 0.0,
}
MAP = {"latent": "feature-map"}
BOUNDED: list[Model] = [
    CNN(name="cnn", **CONVOLUTIONAL),
    CNN(name="cnn", **CONVOLUTIONAL, **MAP),
    HybridCNN(name="hybrid-cnn", **HYBRID),
    HybridCNN(name="hybrid-cnn", **HYBRID, **MAP),
    VRAE(name="vrae", **SIZES, **MAP, hidden_dim=6, dropout=0.0, stride=2),
    HVRAE(
        name="hvrae",
        **SIZES,
        local="sequence",
        local_dim=2,
        pyramid_layers=2,
        hidden_dim=6,
        dropout=0.0,
    ),
    LVAE(name="lvae", **LADDER),
    LCNNVAE(name="lcnnvae", **LADDER, z_to="inputs"),
    LCNNVAE(name="lcnnvae", **LADDER, **MAP),
    LRNNVAE(name="lrnnvae", **LADDER),
    LRNNVAE(name="lrnnvae", **LADDER, **MAP),
]
CASES = [
    pytest.param(config, id=f"{config.name}-{getattr(config, 'latent', 'dense')}")
    for config in BOUNDED
]


def make(config: Model, symbols: Symbols = SYMBOLS) -> SequenceModel:
    """A model in evaluation mode, far from uniform, with updated running statistics."""
    torch.manual_seed(0)
    model = build(config, symbols).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
        noise = FreshNoise(2, 40, torch.device("cpu"), torch.float64)
        batch = batch_of(sequences(4))
        model.evidence(batch, model.encode(batch), noise)
    return model.eval()


def sequences(longest: int) -> list[list[int]]:
    """All sequences of at most ``longest`` tokens, EOS counted."""
    return [
        [*body, 1]
        for length in range(longest)
        for body in itertools.product((0, 2, 3), repeat=length)
    ]


def batch_of(rows: list[list[int]]) -> Batch:
    return collate(Split.of(rows), np.arange(len(rows)), SYMBOLS)


def prior_sample(model: SequenceModel, rows: int, seed: int) -> dict[str, torch.Tensor]:
    """One sample of the prior, repeated for all rows: z [1, rows, ...]."""
    index = torch.zeros(1, dtype=torch.int64)
    z = model.sample_prior(KeyedNoise(seed, index, range(1), torch.float64), {})
    return {name: each.expand(-1, rows, *each.shape[2:]) for name, each in z.items()}


def log_px(model: SequenceModel, rows: list[list[int]], seed: int) -> torch.Tensor:
    """[rows] log p(x|z) with one z of the prior for all rows."""
    batch = batch_of(rows)
    noise = KeyedNoise(seed, batch.index, range(1), torch.float64)
    return model.log_px(batch, prior_sample(model, len(rows), seed), noise)[0]


@pytest.mark.parametrize("config", CASES)
def test_p_of_x_given_z_sums_to_one_over_all_sequences(config: Model) -> None:
    model = make(config)
    rows = sequences(SYMBOLS.longest)
    longest_shares = set()
    for seed in range(3):
        found = log_px(model, rows, seed)
        assert found.exp().sum().item() == pytest.approx(1.0, abs=1e-12)
        longest_shares.add(round(found[-81:].exp().sum().item(), 3))
    assert len(longest_shares) == 3  # z changes the probability of the greatest length


@pytest.mark.parametrize("config", CASES)
def test_beam_search_finds_the_best_sequence_and_samples_end_in_time(config: Model) -> None:
    model = make(config)
    rows = sequences(SYMBOLS.longest)
    code = prior_sample(model, 1, 0)
    best = rows[int(log_px(model, rows, 0).argmax())]
    one = {name: z[0] for name, z in code.items()}
    assert generate(model, one, 1, DecodingOptions(beam=81, max_length=20)) == [best]
    many = {name: z[0].expand(200, *z.shape[2:]) for name, z in code.items()}
    samples = generate(model, many, 200, DecodingOptions(max_length=20))
    assert len(samples) == 200
    assert all(each[-1] == SYMBOLS.eos and len(each) <= SYMBOLS.longest for each in samples)


def test_tokens_of_cnn_are_independent_given_z() -> None:
    model = make(BOUNDED[0])
    one, other, empty = log_px(model, [[2, 3, 0, 1], [3, 3, 0, 1], [1]], 0).tolist()
    again = log_px(model, [[2, 2, 2, 1], [3, 2, 2, 1], [1]], 0).tolist()
    assert one - other == pytest.approx(again[0] - again[1])
    assert empty == again[2]


@pytest.mark.parametrize("config", CASES)
@pytest.mark.parametrize("longest", [1, 2, 3, 17])
def test_every_greatest_length_works(config: Model, longest: int) -> None:
    symbols = Symbols(4, 1, 0, longest)
    model = build(config, symbols).double()
    batch = batch_of([[2] * (longest - 1) + [1]])
    noise = FreshNoise(1, 1, torch.device("cpu"), torch.float64)
    result = model.evidence(batch, model.encode(batch), noise)
    result.elbo.sum().backward()  # batch normalisation of a single value included
    assert result.elbo.isfinite().all()
    assert longest > 1 or result.log_px.item() == 0


@pytest.mark.parametrize("config", CASES)
def test_longer_sequence_is_refused(config: Model) -> None:
    model = build(type(config)(**{**vars(config), "max_length": 3}), SYMBOLS)
    assert model.max_length == 3
    model.check_lengths(3, "valid")
    with pytest.raises(ValueError, match=r"model\.max_length=3: a sequence of valid has 4 tokens"):
        model.check_lengths(4, "valid")


def test_alpha_changes_the_loss_and_no_bound() -> None:
    batch = batch_of([[2, 3, 1], [1], [0, 0, 0, 1]])
    losses = []
    bounds = []
    for alpha in (0.0, 0.3, 1.0):
        model = make(HybridCNN(name="hybrid-cnn", **HYBRID, alpha=alpha))
        noise = KeyedNoise(0, batch.index, range(3), torch.float64)
        evidence = model.evidence(batch, model.encode(batch), noise)
        losses.append(Objective(Trainer(), model)(evidence, {"z": 1.0}).loss.item())
        bounds.append(torch.stack([evidence.elbo, evidence.log_weight]))
        aux = sum(each.mean().item() for each in evidence.aux.values())
        assert losses[-1] == pytest.approx(-evidence.elbo.mean().item() - aux)
    assert torch.equal(bounds[0], bounds[1])
    assert torch.equal(bounds[0], bounds[2])
    assert losses[2] - losses[0] == pytest.approx((losses[1] - losses[0]) / 0.3)
    assert losses[0] == pytest.approx(-bounds[0][0].mean().item())
    assert losses[2] > losses[0]


def test_auxiliary_distribution_sums_to_one() -> None:
    model = make(HybridCNN(name="hybrid-cnn", **HYBRID))
    assert isinstance(model, HybridModel)
    rows = sequences(SYMBOLS.longest)
    z = prior_sample(model, len(rows), 0)["z"]
    found = model.log_px_aux(batch_of(rows), model.deconvolution(z))
    assert found.exp().sum().item() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("hybrid-cnn", {"alpha": -0.1}, "alpha=-0.1 is out of range: it must be at least 0"),
        ("cnn", {"channels": []}, r"channels=\[\] leaves no convolution"),
        ("cnn", {"channels": [4, 0]}, r"channels=\[4, 0\] is out of range"),
        (
            "cnn",
            {"latent": "feature-map", "prior": "gmm"},
            "prior=gmm is the prior of one vector; set prior=standard",
        ),
        ("vrae", {"latent": "feature-map", "prior": "vamp"}, "prior=vamp is .* of one vector"),
        ("vrae", {"max_length": 9}, "max_length=9 has an effect with latent=feature-map only"),
        ("vrae", {"latent": "feature_map"}, "did you mean 'feature-map'"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        MODELS[name](name=name, **options)


def test_pseudo_inputs_longer_than_a_sequence_are_refused() -> None:
    with pytest.raises(ValueError, match=r"model\.pseudo_length=6: a sequence has at most 5 steps"):
        build(CNN(name="cnn", **CONVOLUTIONAL, prior="vamp", pseudo_length=6), SYMBOLS)


def test_pseudo_inputs_do_not_change_the_running_statistics() -> None:
    model = build(CNN(name="cnn", **CONVOLUTIONAL, prior="vamp", pseudo_length=4), SYMBOLS)
    before = {name: value.clone() for name, value in model.named_buffers()}
    model.sample_prior(KeyedNoise(0, torch.arange(3), range(2)), {})
    assert all(module.training for module in model.modules())
    assert all(
        torch.equal(value, before[name])
        for name, value in model.named_buffers()
        if "encoder" in name
    )
