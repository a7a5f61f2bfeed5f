"""What the decoder is fed, and what is masked."""

import numpy as np
import pytest
import torch

from vaetext.data.batch import Batch
from vaetext.data.domain import Real, Symbols
from vaetext.data.loader import Split, collate

SYMBOLS = Symbols(9, 1, 0, 30)
FRAMES = Real(2, 4)


def tokens(copies: int = 3) -> Batch:
    """Three sequences, ``copies`` times."""
    sequences = [[2, 3, 4, 1], [5, 1], [6, 7, 8, 2, 3, 1]] * copies
    return collate(Split.of(sequences), np.arange(3 * copies), SYMBOLS)


def frames() -> Batch:
    """Two sequences of frames of ones, of 4 and 2 frames."""
    ones = [np.ones((length, 2), dtype=np.float32) for length in (4, 2)]
    return collate(Split.of(ones), np.arange(2), FRAMES)


def test_tokens_are_padded_with_eos() -> None:
    assert tokens(1).x[1].tolist() == [5, 1, 1, 1, 1, 1]


def test_inputs_of_tokens_begin_with_bos() -> None:
    assert tokens(1).inputs[0].tolist() == [SYMBOLS.bos, 2, 3, 4, 1, 1]


def test_eos_is_real_but_no_word() -> None:
    batch = tokens(1)
    assert batch.mask.sum(1).tolist() == [4, 2, 6]
    assert batch.word_mask.sum(1).tolist() == [3, 1, 5]


def test_frames_begin_with_zeros_and_have_no_end() -> None:
    batch = frames()
    assert batch.x.sum(2).tolist() == [[2, 2, 2, 2], [2, 2, 0, 0]]
    assert batch.inputs.sum(2).tolist() == [[0, 2, 2, 2], [0, 2, 2, 0]]
    assert torch.equal(batch.word_mask, batch.mask)


def test_word_dropout_changes_inputs_alone() -> None:
    whole = tokens()
    dropped = whole.with_word_dropout(1.0)
    assert (dropped.inputs[:, 0] == SYMBOLS.bos).all()
    assert (dropped.inputs[:, 1:] == SYMBOLS.unk).all()
    assert torch.equal(dropped.x, whole.x)
    assert torch.equal(dropped.real_indices, whole.real_indices)
    assert torch.equal(whole.with_word_dropout(0.0).inputs, whole.inputs)


def test_word_dropout_has_its_rate() -> None:
    torch.manual_seed(0)
    whole = tokens(2000)
    changed = whole.with_word_dropout(0.3).inputs != whole.inputs
    share = changed[:, 1:].double().mean().item()
    error = (0.3 * 0.7 / changed[:, 1:].numel()) ** 0.5
    assert not changed[:, 0].any()
    assert share == pytest.approx(0.3, abs=4 * error)


def test_dropped_frames_are_zeros() -> None:
    dropped = frames().with_word_dropout(1.0)
    assert dropped.inputs.abs().max() == 0
    assert torch.equal(dropped.x, frames().x)
