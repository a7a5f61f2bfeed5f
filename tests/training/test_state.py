"""The state after each validation, compared with lists written by hand."""

import pytest

from vaetext.training.state import State


def counts_after(
    values: list[float], least: float, patience: int | None
) -> list[tuple[int, int, int]]:
    """(stale, plateau, reductions) after each epoch."""
    state, after = State(), []
    for value in values:
        state.update_best(value, least, patience)
        state.epoch += 1
        after.append((state.stale, state.plateau, state.reductions))
    return after


@pytest.mark.parametrize(
    ("patience", "plateau", "reductions"),
    [
        (0, [0, 0, 0, 0, 0, 0], [0, 0, 1, 2, 2, 3]),
        (1, [0, 0, 1, 0, 0, 1], [0, 0, 0, 1, 1, 1]),
        (None, [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]),
    ],
)
def test_the_rate_is_cut_after_more_than_patience_epochs_without_an_improvement(
    patience: int | None, plateau: list[int], reductions: list[int]
) -> None:
    after = counts_after([10, 9, 9, 9.5, 8, 8.5], 0.0, patience)
    assert [each[0] for each in after] == [0, 0, 1, 2, 0, 1]
    assert [each[1] for each in after] == plateau
    assert [each[2] for each in after] == reductions


def test_the_best_is_the_lowest_whatever_counts_as_an_improvement() -> None:
    state = State()
    assert [state.update_best(value, 1.0, 0) for value in (10.0, 9.9, 9.95, 9.0)] == [
        True,
        True,
        False,
        True,
    ]
    assert state.best == 9.0
