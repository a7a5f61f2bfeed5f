"""Batch normalisation against torch's own."""

import pytest
import torch

from vaetext.modules.normalisation import BatchNorm


def test_real_steps_alone_are_seen() -> None:
    torch.manual_seed(0)
    steps, mask = (
        torch.randn(4, 5, 3, dtype=torch.float64) * 2 + 1,
        torch.arange(5) < torch.tensor([5, 1, 3, 2])[:, None],
    )
    ours, torchs = BatchNorm(3).double(), torch.nn.BatchNorm1d(3).double()
    normed = ours(steps.masked_fill(~mask[..., None], 1e3), mask)
    torch.testing.assert_close(normed[mask], torchs(steps[mask]))
    torch.testing.assert_close(ours.mean, torchs.running_mean)
    torch.testing.assert_close(ours.var, torchs.running_var)


@pytest.mark.parametrize("axis", [-1, 1])
def test_without_a_mask_everything_counts(axis: int) -> None:
    steps = torch.randn(4, 5, 3, dtype=torch.float64)
    ours, torchs = BatchNorm(3, axis).double(), torch.nn.BatchNorm1d(3).double()
    for mode in (True, False):
        normed = ours.train(mode)(steps.movedim(-1, axis)).movedim(axis, -1)
        torch.testing.assert_close(normed.flatten(0, 1), torchs.train(mode)(steps.flatten(0, 1)))
    torch.testing.assert_close(ours.var, torchs.running_var)


@pytest.mark.parametrize("mask", [None, torch.tensor([True])])
def test_a_single_value_has_no_deviation(mask: torch.Tensor | None) -> None:
    norm = BatchNorm(2)
    assert norm(torch.tensor([[3.0, 5.0]]), mask).isfinite().all()
    assert norm.var.isfinite().all()
