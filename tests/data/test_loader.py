"""The order of batches in evaluation, and what is known of a split."""

from hashlib import sha256

import numpy as np
import pytest

from vaetext.data import loader
from vaetext.data.loader import Split, evaluation_order

SPLIT = Split.of([[2] * (n % 4) + [1] for n in range(10)])


@pytest.mark.parametrize("tokens", [9, 10, 30])
def test_evaluation_batches_keep_to_their_size(tokens: int) -> None:
    split = Split.of([[2] * (n % 9) + [1] for n in range(100)])
    order = list(evaluation_order(split, tokens))
    assert all(len(batch) * split.lengths[batch].max() <= tokens for batch in order)
    assert sorted(np.concatenate(order)) == list(range(100))


def test_the_digest_is_that_of_offsets_and_sequences() -> None:
    content = SPLIT.offsets.tobytes() + SPLIT.x.tobytes()
    assert SPLIT.digest == sha256(content).hexdigest()
    frames = Split.of([np.ones((3, 2), dtype=np.float32), np.zeros((1, 2), dtype=np.float32)])
    assert frames.digest == sha256(frames.offsets.tobytes() + frames.x.tobytes()).hexdigest()


def test_the_longest_sequence_is_found_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "PART", 3)
    for length in range(1, 9):
        split = Split.of([[1]] * 4 + [[2] * length] + [[1]] * 3)
        assert split.longest == length
    assert Split.of([]).longest == 0
