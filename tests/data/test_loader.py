"""The order of batches, in training and in evaluation."""

import numpy as np
import pytest

from vaetext.data.loader import Split, epoch_order, evaluation_order, training_order

SPLIT = Split.of([[2] * (n % 4) + [1] for n in range(10)])


def test_an_epoch_is_a_pass_over_the_split() -> None:
    for epoch in range(3):
        order = epoch_order(SPLIT, 3, seed=0, epoch=epoch)
        assert sorted(np.concatenate(order)) == list(range(10))
        for ours, expected in zip(order, training_order(SPLIT, 3, 0, epoch), strict=True):
            np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 9, 12])
def test_epochs_of_a_fixed_size_follow_pass_after_pass(count: int) -> None:
    passes = [
        batch.tolist() for number in range(15) for batch in training_order(SPLIT, 3, 7, number)
    ]
    epochs = [epoch_order(SPLIT, 3, seed=7, epoch=epoch, count=count) for epoch in range(4)]
    assert [len(epoch) for epoch in epochs] == [count] * 4
    assert [batch.tolist() for epoch in epochs for batch in epoch] == passes[: 4 * count]


def test_epochs_differ_in_order_and_batches_are_not_sorted_by_length() -> None:
    split = Split.of([[2] * (n % 9) + [1] for n in range(100)])
    first, second = (training_order(split, 5, 0, epoch) for epoch in (0, 1))
    assert [batch.tolist() for batch in first] != [batch.tolist() for batch in second]
    longest = [split.lengths[batch].max() for batch in first]
    assert longest != sorted(longest)


@pytest.mark.parametrize("tokens", [9, 10, 30])
def test_evaluation_batches_keep_to_their_size(tokens: int) -> None:
    split = Split.of([[2] * (n % 9) + [1] for n in range(100)])
    order = list(evaluation_order(split, tokens))
    assert all(len(batch) * split.lengths[batch].max() <= tokens for batch in order)
    assert sorted(np.concatenate(order)) == list(range(100))
