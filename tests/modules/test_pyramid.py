"""The pyramid compared with one sequence at a time, without padding or masks."""

import math

import pytest
import torch
from torch import Tensor

from vaetext.modules.pyramid import Pyramid

LENGTHS = [1, 2, 3, 7, 8, 9, 16, 17]


def run_alone(pyramid: Pyramid, steps: Tensor) -> Tensor:
    """The frames [N, F] of one sequence [T, inputs], by torch's own bidirectional layers."""
    for rnn in pyramid.rnns:
        if len(steps) % 2:
            steps = torch.cat([steps, torch.zeros(1, steps.shape[1], dtype=steps.dtype)])
        steps, _ = rnn.layers[0](torch.cat([steps[0::2], steps[1::2]], 1)[None])
        steps = steps[0]
    return steps


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 3])
def test_frames_are_those_of_each_sequence_alone(cell: str, layers: int) -> None:
    torch.manual_seed(0)
    pyramid = Pyramid(cell, 3, 4, layers).double()
    steps = torch.randn(len(LENGTHS), max(LENGTHS) + 3, 3, dtype=torch.float64)
    mask = torch.arange(steps.shape[1]) < torch.tensor(LENGTHS)[:, None]
    frames, real = pyramid(steps, mask)
    for row, length in enumerate(LENGTHS):
        expected = run_alone(pyramid, steps[row, :length])
        assert len(expected) == math.ceil(length / 2**layers) == int(real[row].sum())
        torch.testing.assert_close(frames[row, : len(expected)], expected, rtol=1e-12, atol=1e-12)
        assert not frames[row, len(expected) :].any()


def test_sequence_without_steps_gives_zeros() -> None:
    frames, real = Pyramid("lstm", 3, 4)(torch.randn(2, 1, 3), torch.zeros(2, 1, dtype=torch.bool))
    assert frames.shape == (2, 1, 8)
    assert not frames.any()
    assert not real.any()
