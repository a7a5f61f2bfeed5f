"""Dropout: the share of zeros, the mean, and masks locked over steps."""

import numpy as np
import pytest
import torch

from vaetext.config.models.hvrae import HVRAE
from vaetext.config.models.rnnlm import RNNLM
from vaetext.config.models.vrae import VRAE
from vaetext.data.domain import Real, Symbols
from vaetext.data.loader import Split, collate
from vaetext.distributions.noise import FreshNoise, MeanNoise
from vaetext.models.registry import build
from vaetext.modules.dropout import Dropout, TypeDropout

SYMBOLS = Symbols(size=8, eos=1, unk=0, longest=9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_share_of_zeros_and_mean_agree_with_the_rate(rate: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    count = 4_000_000
    dropped = Dropout(rate)(torch.ones(1, 1000, count // 1000, dtype=dtype))
    stderr = (rate * (1 - rate) / count) ** 0.5
    kept = dropped != 0
    assert abs(kept.double().mean().item() - (1 - rate)) < 4 * stderr
    assert dropped[kept].double().mean().item() == pytest.approx(1 / (1 - rate), rel=1e-2)


def test_locked_mask_is_the_same_at_every_step_and_differs_between_sequences() -> None:
    torch.manual_seed(0)
    ones = torch.ones(3, 7, 50)
    locked = Dropout(0.5, locked=True)(ones)
    free = Dropout(0.5)(ones)
    assert torch.equal(locked, locked[:, :1].expand_as(locked))
    assert not torch.equal(locked[0], locked[1])
    assert not torch.equal(free[:, 0], free[:, 1])


@pytest.mark.parametrize("option", ["dropout", "output_dropout"])
def test_decoder_applies_dropout_to_inputs_and_outputs(option: str) -> None:
    torch.manual_seed(0)
    rates = {"dropout": 0.0, "output_dropout": 0.0, option: 0.9}
    model = build(RNNLM(name="rnnlm", embedding_dim=5, hidden_dim=6, **rates), SYMBOLS)
    batch = collate(Split.of([[2 + n % 4, 3, 1] for n in range(9)]), np.arange(9), SYMBOLS)
    noise = FreshNoise(1, len(batch), torch.device("cpu"))
    trained = model.log_px(batch, {}, noise)
    assert not torch.equal(trained, model.eval().log_px(batch, {}, noise))


@pytest.mark.parametrize(
    "config",
    [
        VRAE(name="vrae", dropout=0.0, encoder_dropout=0.9),
        VRAE(name="vrae", dropout=0.0, encoder_dropout=0.9, encoder="mlp"),
        VRAE(name="vrae", dropout=0.0, encoder_dropout=0.9, latent="feature-map", max_length=9),
        HVRAE(name="hvrae", dropout=0.0, encoder_dropout=0.9),
    ],
)
def test_encoder_applies_dropout_to_its_inputs_in_training_alone(config: VRAE | HVRAE) -> None:
    torch.manual_seed(0)
    model = build(config, SYMBOLS)
    batch = collate(Split.of([[2 + n % 4, 3, 1] for n in range(9)]), np.arange(9), SYMBOLS)
    noise = MeanNoise(len(batch), torch.device("cpu"))
    (trained, *_) = model.sample(model.encode(batch), noise).values()
    (again, *_) = model.sample(model.encode(batch), noise).values()
    assert not torch.equal(trained.z, again.z)
    model.eval()
    (evaluated, *_) = model.sample(model.encode(batch), noise).values()
    (once_more, *_) = model.sample(model.encode(batch), noise).values()
    assert torch.equal(evaluated.z, once_more.z)


@pytest.mark.parametrize("locked", [False, True])
def test_decoder_locks_its_masks_if_configured(locked: bool) -> None:
    config = RNNLM(name="rnnlm", dropout=0.4, output_dropout=0.3, locked_dropout=locked)
    dropouts = [each for each in build(config, SYMBOLS).modules() if isinstance(each, Dropout)]
    assert [(each.rate, each.locked) for each in dropouts] == [(0.4, locked), (0.3, locked)]


def test_dropout_does_nothing_in_evaluation() -> None:
    steps = torch.ones(2, 3, 4)
    assert Dropout(0.5).eval()(steps) is steps


def test_type_dropout_zeroes_every_occurrence_of_a_type_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    rate, types = 0.3, 20_000
    ids = torch.arange(types).repeat(2)
    dropped = TypeDropout(rate, types)(torch.ones(len(ids), 3), ids).view(2, types, 3)
    assert dropped[0].equal(dropped[1])
    kept = dropped[0, :, 0] != 0
    stderr = (rate * (1 - rate) / types) ** 0.5
    assert abs(kept.double().mean().item() - (1 - rate)) < 4 * stderr
    torch.testing.assert_close(dropped[0][kept], torch.full((int(kept.sum()), 3), 1 / (1 - rate)))


def test_type_dropout_reads_the_same_output_layer_where_it_is_tied() -> None:
    torch.manual_seed(0)
    options = {"tied": True, "dropout": 0.0, "embedding_dropout": 0.9}
    model = build(RNNLM(name="rnnlm", embedding_dim=4, hidden_dim=4, **options), SYMBOLS).train()
    table = model.decoder.table()
    assert table is not None
    assert table.equal(model.decoder.embedding.weight[: SYMBOLS.size])


def test_type_dropout_is_refused_for_frames() -> None:
    config = RNNLM(name="rnnlm", embedding_dropout=0.1)
    with pytest.raises(ValueError, match=r"model.embedding_dropout=0.1: frames are of no types"):
        build(config, Real(size=3, longest=9))
