"""Laws over sequences of at most N symbols: they sum to one whatever z, so no map tells the length, and what they refuse."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from vaetext.config.model import CNN, HVRAE, LCNNVAE, LRNNVAE, LVAE, MODELS, VRAE, HybridCNN, Model
from vaetext.config.trainer import Trainer
from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split, collate
from vaetext.distributions.noise import FreshNoise, KeyedNoise
from vaetext.evaluation.decoding import DecodingOptions, generate
from vaetext.models.base import Generator, SequenceModel
from vaetext.models.registry import build
from vaetext.objectives.loss import training_loss

SYMBOLS = Symbols(size=4, eos=1, unk=0, longest=5)
SIZES: dict[str, Any] = {"embedding_dim": 5, "latent_dim": 3}
CONVOLUTIONAL = {**SIZES, "channels": [4, 6], "output_channels": 5}
HYBRID = {**CONVOLUTIONAL, "hidden_dim": 6, "dropout": 0.0}
LADDER: dict[str, Any] = {
    "embedding_dim": 5,
    "hidden_dims": [6, 5],
    "latent_dims": [3, 2],
    "reconstruction_dim": 4,
}
LADDER |= {"hidden_dim": 6, "dropout": 0.0}
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
    """A model in evaluation mode, with running statistics that are those of no batch, and far from uniform."""
    torch.manual_seed(0)
    model = build(config, symbols).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
        model.evidence(
            batch_of(sequences(4)), FreshNoise(2, 40, torch.device("cpu"), torch.float64)
        )
    return model.eval()


def sequences(longest: int) -> list[list[int]]:
    """All sequences of at most ``longest`` symbols, EOS counted."""
    return [
        [*body, 1]
        for length in range(longest)
        for body in itertools.product((0, 2, 3), repeat=length)
    ]


def batch_of(rows: list[list[int]]) -> Batch:
    return collate(Split.of(rows), np.arange(len(rows)), SYMBOLS)


def drawn(model: SequenceModel, rows: int, seed: int) -> dict[str, torch.Tensor]:
    """One code of the prior, [1, ...], for all rows."""
    codes = model.sample_prior(
        KeyedNoise(seed, torch.zeros(1, dtype=torch.int64), range(1), torch.float64)
    )
    return {name: z.expand(-1, rows, *z.shape[2:]) for name, z in codes.items()}


@pytest.mark.parametrize("config", CASES)
def test_given_z_the_law_sums_to_one_over_all_sequences(config: Model) -> None:
    model, rows = make(config), sequences(SYMBOLS.longest)
    shares = set()
    for seed in range(3):
        log_px = model.log_px(batch_of(rows), drawn(model, len(rows), seed))[0]
        assert log_px.exp().sum().item() == pytest.approx(1.0, abs=1e-12)
        shares.add(
            round(log_px[-81:].exp().sum().item(), 3)
        )  # of the longest: z moves it, the size of z cannot
    assert len(shares) == 3


@pytest.mark.parametrize("config", CASES)
def test_decoding_knows_the_end(config: Model) -> None:
    model, rows = make(config), sequences(SYMBOLS.longest)
    assert isinstance(model, Generator)
    code = drawn(model, len(rows), 0)
    best = rows[int(model.log_px(batch_of(rows), code)[0].argmax())]
    one = {name: z[0, :1] for name, z in code.items()}
    assert generate(model, one, 1, DecodingOptions(beam=81, max_length=20)) == [best]
    many = {name: z[0, :1].expand(200, *z.shape[2:]) for name, z in code.items()}
    lengths = [
        len(each)
        for each in generate(model, many, 200, DecodingOptions(max_length=20))
        if each[-1] == SYMBOLS.eos
    ]
    assert len(lengths) == 200 and max(lengths) <= SYMBOLS.longest


def test_the_symbols_of_a_cnn_are_independent_given_z() -> None:
    model = make(BOUNDED[0])
    code = drawn(model, 3, 0)
    one, other, empty = model.log_px(batch_of([[2, 3, 0, 1], [3, 3, 0, 1], [1]]), code)[0].tolist()
    again = model.log_px(batch_of([[2, 2, 2, 1], [3, 2, 2, 1], [1]]), code)[0].tolist()
    assert one - other == pytest.approx(again[0] - again[1])
    assert empty == again[2]


@pytest.mark.parametrize("config", CASES)
@pytest.mark.parametrize("longest", [1, 2, 3, 17])
def test_no_length_is_too_short_or_odd(config: Model, longest: int) -> None:
    symbols = Symbols(4, 1, 0, longest)
    model = build(config, symbols).double()
    batch = batch_of([[2] * (longest - 1) + [1]])
    result = model.evidence(batch, FreshNoise(1, 1, torch.device("cpu"), torch.float64))
    result.elbo.sum().backward()  # one sequence, one position: nothing to normalise over
    assert result.elbo.isfinite().all()
    assert longest > 1 or result.log_px.item() == 0


@pytest.mark.parametrize("config", CASES)
def test_a_longer_sequence_is_refused(config: Model) -> None:
    model = build(type(config)(**{**vars(config), "max_length": 3}), SYMBOLS)
    assert model.max_length == 3
    model.check_lengths(np.array([1, 3]), "valid")
    with pytest.raises(ValueError, match=r"model\.max_length=3: a sequence of valid has 4 tokens"):
        model.check_lengths(np.array([4]), "valid")


def test_alpha_changes_the_loss_and_no_reported_number() -> None:
    batch, losses, bounds = batch_of([[2, 3, 1], [1], [0, 0, 0, 1]]), [], []
    for alpha in (0.0, 0.3, 1.0):
        model = make(HybridCNN(name="hybrid-cnn", **HYBRID, alpha=alpha))
        evidence = model.evidence(batch, KeyedNoise(0, batch.index, range(3), torch.float64))
        losses.append(training_loss(evidence, Trainer(), 1.0).item())
        bounds.append(torch.stack([evidence.elbo, evidence.log_weight]))
        assert training_loss(evidence, Trainer(), 1.0).item() == pytest.approx(
            -evidence.elbo.mean().item() - sum(aux.mean().item() for aux in evidence.aux.values())
        )
    assert torch.equal(bounds[0], bounds[1]) and torch.equal(bounds[0], bounds[2])
    assert losses[2] - losses[0] == pytest.approx((losses[1] - losses[0]) / 0.3)
    assert losses[0] == pytest.approx(-bounds[0][0].mean().item()) and losses[2] > losses[0]


def test_the_auxiliary_law_sums_to_one() -> None:
    model, rows = (
        make(HybridCNN(name="hybrid-cnn", **HYBRID, alpha=1.0)),
        sequences(SYMBOLS.longest),
    )
    model.sample = lambda *_: {"z": FixedCode(drawn(model, len(rows), 0)["z"])}  # type: ignore[method-assign, assignment, return-value, dict-item]
    aux = model.evidence(
        batch_of(rows), KeyedNoise(0, torch.arange(len(rows)), range(1), torch.float64)
    ).aux
    assert aux["deconvolution"].exp().sum().item() == pytest.approx(1.0, abs=1e-12)


class FixedCode:
    def __init__(self, z: torch.Tensor) -> None:
        self.z = z


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("hybrid-cnn", {"alpha": -0.1}, "alpha=-0.1 is out of range: it must be at least 0"),
        ("cnn", {"channels": []}, r"channels=\[\] leaves no convolution"),
        ("cnn", {"channels": [4, 0]}, r"channels=\[4, 0\] is out of range"),
        (
            "cnn",
            {"latent": "feature-map", "prior": "gmm"},
            "prior=gmm is a law of one vector; use prior=standard",
        ),
        ("vrae", {"latent": "feature-map", "prior": "vamp"}, "prior=vamp is a law of one vector"),
        ("vrae", {"max_length": 9}, "max_length=9 is for latent=feature-map only"),
        ("vrae", {"latent": "feature_map"}, "did you mean 'feature-map'"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MODELS[name](name=name, **options)


def test_a_pseudo_input_is_no_longer_than_a_sequence() -> None:
    with pytest.raises(ValueError, match=r"model\.pseudo_length=6: a sequence has at most 5 steps"):
        build(CNN(name="cnn", **CONVOLUTIONAL, prior="vamp", pseudo_length=6), SYMBOLS)


def test_pseudo_inputs_leave_the_running_statistics_alone() -> None:
    model = build(CNN(name="cnn", **CONVOLUTIONAL, prior="vamp", pseudo_length=4), SYMBOLS)
    before = {name: value.clone() for name, value in model.named_buffers()}
    model.sample_prior(KeyedNoise(0, torch.arange(3), range(2)))
    assert model.training and all(module.training for module in model.modules())
    assert all(
        torch.equal(value, before[name])
        for name, value in model.named_buffers()
        if "encoder" in name
    )
