"""What the decoder is fed, and what is masked."""

import numpy as np
import pytest
import torch

from vaetext.data.batch import Batch
from vaetext.data.domain import Binary, Real, Symbols
from vaetext.data.loader import Split, collate

SYMBOLS = Symbols(9, 1, 0, 30)
FRAMES = Real(2, 4)


def tokens(copies: int = 3) -> Batch:
    """Three sequences, ``copies`` times."""
    sequences = [[2, 3, 4, 1], [5, 1], [6, 7, 8, 2, 3, 1]] * copies
    return collate(Split.of(sequences), np.arange(3 * copies), SYMBOLS)


def documents() -> Batch:
    """Three documents: of two sentences, of one, and of three, of which one is empty."""
    return collate(Split.of([[2, 3, 1, 4, 1], [5, 1], [6, 1, 1, 7, 8, 1]]), np.arange(3), SYMBOLS)


def frames(domain: Real | Binary = FRAMES) -> Batch:
    """Two sequences of frames of ones, of 4 and 2 frames."""
    ones = [np.ones((length, 2), dtype=np.float32) for length in (4, 2)]
    return collate(Split.of(ones), np.arange(2), domain)


def test_tokens_are_padded_with_eos() -> None:
    assert tokens(1).x[1].tolist() == [5, 1, 1, 1, 1, 1]


def test_inputs_of_tokens_begin_with_bos() -> None:
    assert tokens(1).inputs[0].tolist() == [SYMBOLS.bos, 2, 3, 4, 1, 1]


def test_eos_is_real_but_no_word() -> None:
    batch = tokens(1)
    assert batch.mask.sum(1).tolist() == [4, 2, 6]
    assert batch.word_mask.sum(1).tolist() == [3, 1, 5]
    assert torch.equal(batch.encoder_mask, batch.word_mask)


def test_no_eos_of_a_document_is_a_word_and_encoders_read_all_but_the_last() -> None:
    batch = documents()
    assert batch.mask.sum(1).tolist() == [5, 2, 6]
    assert batch.word_mask.int().tolist() == [
        [1, 1, 0, 1, 0, 0],
        [1, 0, 0, 0, 0, 0],
        [1, 0, 0, 1, 1, 0],
    ]
    assert batch.encoder_mask.int().tolist() == [
        [1, 1, 1, 1, 0, 0],
        [1, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 0],
    ]
    assert batch.inputs[2].tolist() == [SYMBOLS.bos, 6, 1, 1, 7, 8]
    assert len(batch.real_indices) == 13


def test_the_encoder_reads_the_last_token_of_a_sequence_cut_before_eos() -> None:
    batch = collate(Split.of([[2, 3, 4], [5, 1]]), np.arange(2), SYMBOLS)
    assert batch.encoder_mask.sum(1).tolist() == [3, 1]


@pytest.mark.parametrize("domain", [FRAMES, Binary(2, 4)], ids=lambda domain: domain.kind)
def test_frames_begin_with_zeros_and_have_no_end(domain: Real | Binary) -> None:
    batch = frames(domain)
    assert batch.x.sum(2).tolist() == [[2, 2, 2, 2], [2, 2, 0, 0]]
    assert batch.inputs.sum(2).tolist() == [[0, 2, 2, 2], [0, 2, 2, 0]]
    assert torch.equal(batch.word_mask, batch.mask)
    assert torch.equal(batch.encoder_mask, batch.mask)


def test_rows_begin_a_recording_unless_the_batch_says_otherwise() -> None:
    batch = frames()
    assert batch.begins.tolist() == [True, True]
    starts = torch.tensor([False, True])
    segment = Batch(batch.x, batch.lengths, batch.index, batch.domain, starts)
    assert segment.begins.tolist() == [False, True]


def test_what_a_batch_knows_moves_with_it() -> None:
    starts = torch.tensor([False, True, True])
    whole = documents()
    batch = Batch(whole.x, whole.lengths, whole.index, whole.domain, starts)
    moved = batch.to(torch.device("meta"))
    assert moved.starts is not None
    assert {each.device.type for each in (moved.x, moved.lengths, moved.index)} == {"meta"}
    assert moved.real_indices.shape == batch.real_indices.shape
    assert batch.to(torch.device("cpu")) is batch


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
