"""The output laws against torch's own, in float64."""

import numpy as np
import torch

from vaetext.data.domain import Frames, Symbols
from vaetext.data.loader import Split, collate
from vaetext.modules.output import FrameOutput, TokenOutput


def test_frames_against_the_normal_law() -> None:
    torch.manual_seed(0)
    rng, lengths = np.random.default_rng(0), (3, 1, 5)
    batch = collate(
        Split.of([rng.normal(size=(length, 2)) for length in lengths]), np.arange(3), Frames(2, 5)
    )
    layer, hidden = (
        FrameOutput(Frames(2, 5), 4).double(),
        torch.randn(2 * 3, 5, 4, dtype=torch.float64),
    )
    mean, spread = layer.linear(hidden).chunk(2, -1)
    law = torch.distributions.Normal(mean, torch.nn.functional.softplus(spread) + 1e-4)
    expected = (
        (law.log_prob(batch.x.repeat(2, 1, 1)).sum(2) * batch.mask.repeat(2, 1)).sum(1).view(2, 3)
    )
    torch.testing.assert_close(layer.log_px(batch, 2, hidden), expected)
    torch.testing.assert_close(layer.distribution(hidden[:, 0]).mean, mean[:, 0])


def test_a_deviation_has_a_floor() -> None:
    layer = FrameOutput(Frames(1, 5), 4)
    torch.nn.init.constant_(layer.linear.bias, -1e4)
    assert abs(layer.distribution(torch.zeros(1, 4)).std.item() - 1e-4) < 1e-9


def test_symbols_against_the_softmax_and_a_certain_end() -> None:
    torch.manual_seed(0)
    symbols = Symbols(size=5, eos=1, unk=0, longest=3)
    batch = collate(Split.of([[2, 3, 1], [1]]), np.arange(2), symbols)
    layer, hidden = TokenOutput(symbols, 4).double(), torch.randn(2, 3, 4, dtype=torch.float64)
    assert layer.weight is not None
    log_probs = (hidden @ layer.weight.T + layer.bias).log_softmax(-1)
    picked = log_probs.gather(2, batch.x[..., None])[..., 0] * batch.mask
    torch.testing.assert_close(layer.log_px(batch, 1, hidden)[0], picked.sum(1))
    torch.testing.assert_close(layer.log_px(batch, 1, hidden, limit=3)[0], picked[:, :2].sum(1))
    torch.testing.assert_close(layer.distribution(hidden[:, 0]), log_probs[:, 0])
    assert layer.distribution(hidden[:, 0], last=True).exp().tolist() == [[0, 1, 0, 0, 0]] * 2
