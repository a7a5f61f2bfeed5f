"""The output distributions compared with torch's own, in float64."""

import numpy as np
import torch
from vaetext.modules.output import FrameOutput, TokenOutput

from vaetext.data.domain import Real, Symbols
from vaetext.data.loader import Split, collate


def test_frame_output_agrees_with_torch_normal() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    frames = Real(size=2, longest=5)
    sequences = [rng.normal(size=(length, 2)) for length in (3, 1, 5)]
    batch = collate(Split.of(sequences), np.arange(3), frames)
    layer = FrameOutput(frames, 4).double()
    hidden = torch.randn(2 * 3, 5, 4, dtype=torch.float64)
    mean, raw = layer.linear(hidden).chunk(2, -1)
    normal = torch.distributions.Normal(mean, torch.nn.functional.softplus(raw) + 1e-4)
    log_prob = normal.log_prob(batch.x.repeat(2, 1, 1)).sum(2) * batch.mask.repeat(2, 1)
    torch.testing.assert_close(layer.log_px(batch, 2, hidden), log_prob.sum(1).view(2, 3))
    torch.testing.assert_close(layer.distribution(hidden[:, 0]).mean, mean[:, 0])


def test_deviation_of_frames_has_a_floor() -> None:
    layer = FrameOutput(Real(1, 5), 4)
    torch.nn.init.constant_(layer.linear.bias, -1e4)
    assert abs(layer.distribution(torch.zeros(1, 4)).std.item() - 1e-4) < 1e-9


def test_token_output_agrees_with_softmax_and_ends_at_the_limit() -> None:
    torch.manual_seed(0)
    symbols = Symbols(size=5, eos=1, unk=0, longest=3)
    batch = collate(Split.of([[2, 3, 1], [1]]), np.arange(2), symbols)
    layer = TokenOutput(symbols, 4).double()
    hidden = torch.randn(2, 3, 4, dtype=torch.float64)
    assert layer.weight is not None
    log_probs = (hidden @ layer.weight.T + layer.bias).log_softmax(-1)
    chosen = log_probs.gather(2, batch.x[..., None])[..., 0] * batch.mask
    torch.testing.assert_close(layer.log_px(batch, 1, hidden)[0], chosen.sum(1))
    torch.testing.assert_close(layer.log_px(batch, 1, hidden, limit=3)[0], chosen[:, :2].sum(1))
    torch.testing.assert_close(layer.distribution(hidden[:, 0]), log_probs[:, 0])
    assert layer.distribution(hidden[:, 0], last=True).exp().tolist() == [[0, 1, 0, 0, 0]] * 2
