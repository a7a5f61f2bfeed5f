"""Batch normalisation compared with torch's own."""

import pytest
import torch

from vaetext.modules.normalisation import BatchNorm, PositionNorm


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


def test_position_norm_gives_means_of_a_fixed_deviation_to_the_rows_that_reach_it() -> None:
    norm = PositionNorm(3, 2, std=0.7)
    m = 5 + 4 * torch.randn(2, 200, 2)
    mask = torch.rand(2, 200) < 0.5
    for _ in range(100):
        found = norm(m, 1, mask)
    torch.testing.assert_close(found[mask].std(0), torch.full((2,), 0.7), rtol=1e-4, atol=0)
    torch.testing.assert_close(found[mask].mean(0), torch.zeros(2), rtol=0, atol=1e-5)
    norm.eval()
    torch.testing.assert_close(norm(m, 1, mask), found, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(norm(m, 0, mask), 0.7 * m, rtol=1e-4, atol=0)


def test_position_norm_of_a_single_row_takes_the_running_statistics() -> None:
    norm = PositionNorm(1, 2, std=1.0)
    m = torch.randn(1, 4, 2)
    for count in (0, 1):
        mask = torch.arange(4)[None] < count
        torch.testing.assert_close(norm(m, 0, mask), m, rtol=1e-4, atol=1e-5)
        assert torch.equal(norm.mean[0], torch.zeros(2))
        assert torch.equal(norm.var[0], torch.ones(2))
