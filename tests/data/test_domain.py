"""What each kind of data says of its sequences."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from vaetext.data.domain import Binary, Domain, Real, Symbols

SYMBOLS = Symbols(size=9, eos=1, unk=0, longest=30)
REAL = Real(size=2, longest=4)
BINARY = Binary(size=3, longest=5)
DOMAINS: list[Domain] = [SYMBOLS, REAL, BINARY]
FRAMES: list[Domain] = [REAL, BINARY]

of_every_kind = pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.kind)
of_frames = pytest.mark.parametrize("domain", FRAMES, ids=lambda domain: domain.kind)


@of_every_kind
def test_a_domain_is_read_again_from_json(domain: Domain) -> None:
    saved = json.loads(json.dumps(domain.to_json()))
    assert saved["kind"] == domain.kind
    assert Domain.from_json(saved) == domain


def test_json_of_something_else_is_refused() -> None:
    with pytest.raises(KeyError):
        Domain.from_json({"size": 3})
    with pytest.raises(KeyError):
        Domain.from_json({"kind": "words"})
    with pytest.raises(TypeError):
        Domain.from_json({"kind": "real", "size": 3})


def test_tokens_start_from_bos_which_is_never_predicted() -> None:
    start = SYMBOLS.start(torch.zeros(1), 2, 3)
    assert start.shape == (2, 3) and start.dtype == torch.int64
    assert (start == SYMBOLS.bos).all() and SYMBOLS.bos == SYMBOLS.size


@of_frames
def test_frames_start_from_zeros_in_the_precision_asked_for(domain: Domain) -> None:
    start = domain.start(torch.zeros(1, dtype=torch.float64), 2, 3)
    assert start.shape == (2, 3, domain.size) and start.dtype == torch.float64
    assert not start.any()


def test_every_eos_ends_a_sequence_and_no_frame_does() -> None:
    assert SYMBOLS.ends(torch.tensor([[2, 1, 3], [1, 0, 1]])).int().tolist() == [
        [0, 1, 0],
        [1, 0, 1],
    ]
    for domain in FRAMES:
        ends = domain.ends(torch.ones(2, 3, domain.size))
        assert ends.shape == (2, 3) and not ends.any()


def test_dropped_tokens_are_unknown_but_bos_stays() -> None:
    inputs = torch.tensor([[SYMBOLS.bos, 2, 3, 1]])
    dropped = SYMBOLS.drop(inputs, torch.tensor([[True, True, False, True]]))
    assert dropped.tolist() == [[SYMBOLS.bos, SYMBOLS.unk, 3, SYMBOLS.unk]]


@of_frames
def test_dropped_frames_are_zeros(domain: Domain) -> None:
    inputs = torch.ones(1, 3, domain.size)
    dropped = domain.drop(inputs, torch.tensor([[True, False, True]]))
    assert dropped.sum(2).tolist() == [[0, domain.size, 0]]


@pytest.mark.parametrize("start", [False, True])
def test_an_embedding_takes_what_the_domain_gives(start: bool) -> None:
    table = SYMBOLS.embedding(5, start)
    assert isinstance(table, nn.Embedding) and table.num_embeddings == SYMBOLS.size + start
    for domain in FRAMES:
        linear = domain.embedding(5, start)
        assert linear(domain.start(torch.zeros(1), 2, 3)).shape == (2, 3, 5)
    if start:
        assert table(SYMBOLS.start(torch.zeros(1), 2, 3)).shape == (2, 3, 5)


def test_padding_is_eos_or_zeros() -> None:
    real = np.array([[True, True], [True, False]])
    padded = SYMBOLS.padded(np.array([[3, 1], [1, 7]], dtype=np.int32), real)
    assert padded.tolist() == [[3, 1], [1, SYMBOLS.eos]] and padded.dtype == np.int64
    for domain in FRAMES:
        ones = np.ones((2, 2, domain.size), dtype=np.float32)
        assert domain.padded(ones, real).sum(2).tolist() == [
            [domain.size, domain.size],
            [domain.size, 0],
        ]
        assert domain.padded(ones, real).dtype == np.float32


def test_lengths_of_frames_count_frames_and_those_of_tokens_eos_too() -> None:
    assert (SYMBOLS.unit, SYMBOLS.eos) == ("tokens with EOS", 1)
    assert {(each.unit, each.eos, each.event) for each in FRAMES} == {("frames", None, 1)}
