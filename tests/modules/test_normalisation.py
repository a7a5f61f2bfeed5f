"""Batch normalisation compared with torch's own."""

import pytest
import torch

from vaetext.modules.normalisation import BatchNorm


def test_moments_are_those_of_real_steps() -> None:
    torch.manual_seed(0)
    steps = torch.randn(4, 5, 3, dtype=torch.float64) * 2 + 1
    mask = torch.arange(5) < torch.tensor([5, 1, 3, 2])[:, None]
    ours = BatchNorm(3).double()
    theirs = torch.nn.BatchNorm1d(3).double()
    normed = ours(steps.masked_fill(~mask[..., None], 1e3), mask)
    torch.testing.assert_close(normed[mask], theirs(steps[mask]))
    torch.testing.assert_close(ours.mean, theirs.running_mean)
    torch.testing.assert_close(ours.var, theirs.running_var)


@pytest.mark.parametrize("axis", [-1, 1])
def test_all_steps_count_without_a_mask(axis: int) -> None:
    steps = torch.randn(4, 5, 3, dtype=torch.float64)
    ours = BatchNorm(3, axis).double()
    theirs = torch.nn.BatchNorm1d(3).double()
    for mode in (True, False):
        normed = ours.train(mode)(steps.movedim(-1, axis)).movedim(axis, -1)
        torch.testing.assert_close(normed.flatten(0, 1), theirs.train(mode)(steps.flatten(0, 1)))
    torch.testing.assert_close(ours.var, theirs.running_var)


@pytest.mark.parametrize("mask", [None, torch.tensor([True])])
def test_single_value_gives_finite_numbers(mask: torch.Tensor | None) -> None:
    norm = BatchNorm(2)
    assert norm(torch.tensor([[3.0, 5.0]]), mask).isfinite().all()
    assert norm.var.isfinite().all()
