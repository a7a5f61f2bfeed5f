"""The order of batches in training, of small splits and of those that are shuffled by blocks."""

from itertools import chain

import numpy as np
import pytest

from vaetext.data import order
from vaetext.data.loader import Split
from vaetext.data.order import TrainingOrder

SPLIT = Split.of([[2] * (n % 4) + [1] for n in range(10)])
LARGE = Split.of([[2] * (n * n % 7) + [1] for n in range(1003)])


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window of 200 sequences, in blocks of 8."""
    monkeypatch.setattr(order, "WINDOW", 200)
    monkeypatch.setattr(order, "BLOCK", 8)


def whole_pass(split: Split, size: int, seed: int, number: int, pool: int) -> list[list[int]]:
    """The batches of a pass that shuffles the whole split at once."""
    rng = np.random.default_rng([seed, number])
    shuffled = rng.permutation(len(split))
    batches = []
    for start in range(0, len(shuffled), pool * size):
        drawn = shuffled[start : start + pool * size]
        drawn = drawn[np.argsort(split.lengths[drawn], kind="stable")]
        batches += [drawn[i : i + size].tolist() for i in range(0, len(drawn), size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def listed(batches: TrainingOrder) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


@pytest.mark.parametrize("pool", [1, 2, 64])
def test_an_epoch_is_a_pass_over_the_split(pool: int) -> None:
    for epoch in range(3):
        found = listed(TrainingOrder(SPLIT, 3, seed=5, epoch=epoch, pool=pool))
        assert sorted(chain(*found)) == list(range(10))
        assert found == whole_pass(SPLIT, 3, 5, epoch, pool)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 9, 12])
def test_epochs_of_a_fixed_size_follow_pass_after_pass(count: int) -> None:
    passes = [batch for number in range(15) for batch in whole_pass(SPLIT, 3, 7, number, 64)]
    epochs = [TrainingOrder(SPLIT, 3, seed=7, epoch=epoch, count=count) for epoch in range(4)]
    assert [len(epoch) for epoch in epochs] == [count] * 4
    assert [batch for epoch in epochs for batch in listed(epoch)] == passes[: 4 * count]


def test_epochs_differ_in_order_and_batches_are_not_sorted_by_length() -> None:
    split = Split.of([[2] * (n % 9) + [1] for n in range(100)])
    first, second = (TrainingOrder(split, 5, 0, epoch) for epoch in (0, 1))
    assert listed(first) != listed(second)
    longest = [split.lengths[batch].max() for batch in first]
    assert longest != sorted(longest)


@pytest.mark.parametrize("size", [1, 7, 32, 150, 300, 2000])
@pytest.mark.usefixtures("small_windows")
def test_blocks_and_windows_have_every_sequence_once_in_full_batches(size: int) -> None:
    for epoch in range(2):
        found = listed(TrainingOrder(LARGE, size, seed=3, epoch=epoch))
        assert sorted(chain(*found)) == list(range(1003))
        sizes = sorted(map(len, found))
        assert sizes[1:] == [size] * (len(found) - 1)
        assert len(found) == -(-1003 // size)


@pytest.mark.usefixtures("small_windows")
def test_windows_are_of_different_blocks_in_each_epoch() -> None:
    epochs = [TrainingOrder(LARGE, 5, seed=3, epoch=epoch) for epoch in range(2)]
    assert listed(epochs[0]) != listed(epochs[1])
    windows = [np.concatenate(epoch[: epoch.of_window]) for epoch in epochs]
    for window in windows:
        assert len(window) <= 205
        blocks = np.unique(window // 8)
        assert len(blocks) <= 200 / 8 + 3
        # a uniform choice of blocks reaches all parts of the split
        assert np.bincount(blocks * 8 // 251, minlength=4).min() > 0
        assert np.abs(np.corrcoef(np.arange(len(window)), window)[0, 1]) < 0.25
    assert set(windows[0]) != set(windows[1])


@pytest.mark.usefixtures("small_windows")
def test_batches_of_windows_are_of_like_length() -> None:
    found = TrainingOrder(LARGE, 5, seed=0, epoch=0)
    real = padded = 0
    for batch in found:
        lengths = LARGE.lengths_of(batch)
        real += lengths.sum()
        padded += len(batch) * lengths.max()
    assert padded < 1.1 * real
    longest = [LARGE.lengths_of(batch).max() for batch in found[: found.of_window]]
    assert longest != sorted(longest)


@pytest.mark.usefixtures("small_windows")
def test_a_batch_is_the_same_from_wherever_an_epoch_goes_on() -> None:
    for count in (0, 90):
        whole = listed(TrainingOrder(LARGE, 10, seed=1, epoch=1, count=count))
        again = TrainingOrder(LARGE, 10, seed=1, epoch=1, count=count)
        backwards = [again[n].tolist() for n in reversed(range(len(again)))]
        assert backwards[::-1] == whole
        assert [each.tolist() for each in again[-3:]] == whole[-3:]
    with pytest.raises(IndexError):
        again[len(again)]


@pytest.mark.usefixtures("small_windows")
def test_few_windows_are_made_where_a_step_has_batches_of_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []
    window = TrainingOrder._window

    def counted(self: TrainingOrder, number: int, which: int) -> order.Window:
        made.append((number, which))
        return window(self, number, which)

    monkeypatch.setattr(TrainingOrder, "_window", counted)
    found = TrainingOrder(LARGE, 10, seed=1, epoch=0)
    for number in range(len(found)):
        found[number - number % 4 : number - number % 4 + 4]
    assert made == [(0, n) for n in range(found.windows)]
