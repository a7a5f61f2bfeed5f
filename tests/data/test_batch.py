"""What the decoder is fed."""

import numpy as np
import pytest
import torch

from vaetext.data.batch import Batch
from vaetext.data.domain import Frames, Symbols
from vaetext.data.loader import Split, collate

SYMBOLS = Symbols(9, 1, 0, 30)


def batch(rows: int = 3) -> Batch:
    return collate(
        Split.of([[2, 3, 4, 1], [5, 1], [6, 7, 8, 2, 3, 1]] * rows), np.arange(3 * rows), SYMBOLS
    )


def test_words_are_dropped_from_inputs_alone() -> None:
    whole, dropped = batch(), batch().with_word_dropout(1.0)
    assert (dropped.inputs[:, 0] == SYMBOLS.bos).all() and (
        dropped.inputs[:, 1:] == SYMBOLS.unk
    ).all()
    assert torch.equal(dropped.x, whole.x) and torch.equal(dropped.real_indices, whole.real_indices)
    assert torch.equal(batch().with_word_dropout(0.0).inputs, whole.inputs)


def test_as_many_words_are_dropped_as_the_rate_says() -> None:
    torch.manual_seed(0)
    whole = batch(2000)
    changed = whole.with_word_dropout(0.3).inputs != whole.inputs
    share = changed[:, 1:].double().mean().item()
    assert not changed[:, 0].any()
    assert share == pytest.approx(0.3, abs=4 * (0.3 * 0.7 / changed[:, 1:].numel()) ** 0.5)


def test_dropped_frames_are_zeros() -> None:
    frames = Split.of([np.ones((4, 2), dtype=np.float32)] * 3)
    dropped = collate(frames, np.arange(3), Frames(2, 4)).with_word_dropout(1.0)
    assert dropped.inputs.abs().max() == 0 and dropped.x.min() == 1
