"""Dropout: the share of zeros, the mean that stays, and masks locked over steps."""

import numpy as np
import pytest
import torch

from vaetext.config.model import RNNLM
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split, collate
from vaetext.models.registry import build
from vaetext.modules.dropout import Dropout


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_share_of_zeros_and_the_mean(rate: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    count = 4_000_000
    dropped = Dropout(rate)(torch.ones(1, 1000, count // 1000, dtype=dtype))
    stderr = (rate * (1 - rate) / count) ** 0.5
    kept = dropped != 0
    assert abs(kept.double().mean().item() - (1 - rate)) < 4 * stderr
    assert dropped[kept].double().mean().item() == pytest.approx(1 / (1 - rate), rel=1e-2)


def test_a_locked_mask_is_one_for_all_steps_and_its_own_for_each_sequence() -> None:
    torch.manual_seed(0)
    dropped = Dropout(0.5, locked=True)(torch.ones(3, 7, 50))
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert not torch.equal(dropped[0], dropped[1])
    assert not torch.equal((free := Dropout(0.5)(torch.ones(3, 7, 50)))[:, 0], free[:, 1])


@pytest.mark.parametrize("option", ["dropout", "output_dropout"])
def test_a_decoder_drops_of_its_inputs_and_of_its_outputs(option: str) -> None:
    torch.manual_seed(0)
    model = build(
        RNNLM(
            name="rnnlm",
            embedding_dim=5,
            hidden_dim=6,
            **{"dropout": 0.0, "output_dropout": 0.0, option: 0.9},
        ),
        Symbols(8, 1, 0, 9),
    )
    batch = collate(Split.of([[2 + n % 4, 3, 1] for n in range(9)]), np.arange(9), model.domain)
    assert not torch.equal(model.log_px(batch, {}), model.eval().log_px(batch, {}))


@pytest.mark.parametrize("locked", [False, True])
def test_a_decoder_locks_its_masks_where_it_is_told_to(locked: bool) -> None:
    model = build(
        RNNLM(name="rnnlm", dropout=0.4, output_dropout=0.3, locked_dropout=locked),
        Symbols(8, 1, 0, 9),
    )
    dropouts = [each for each in model.modules() if isinstance(each, Dropout)]
    assert [(each.rate, each.locked) for each in dropouts] == [(0.4, locked), (0.3, locked)]


def test_no_dropout_in_evaluation() -> None:
    steps = torch.ones(2, 3, 4)
    assert Dropout(0.5).eval()(steps) is steps
