"""Decoding a distribution whose every sequence can be enumerated."""

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor
from toys.chain import EOS, SIZE, TABLES, Chain

from vaetext.config.decoding import DecodingOptions
from vaetext.data.domain import Real, Symbols
from vaetext.distributions.categorical import Categorical
from vaetext.distributions.noise import KeyedNoise
from vaetext.evaluation.decoding import GREEDY, ROWS, generate


def log_p(table: int, sequence: tuple[int, ...]) -> float:
    total = 0.0
    for before, after in itertools.pairwise((SIZE, *sequence)):
        table = 1 - table if before == 3 else table
        p = TABLES[table][before][after]
        total += math.log(p) if p else -math.inf
    return total


def complete(max_length: int) -> list[tuple[int, ...]]:
    inner = [token for token in range(SIZE) if token != EOS]
    return [
        (*body, EOS)
        for length in range(max_length)
        for body in itertools.product(inner, repeat=length)
    ]


def codes(*tables: int) -> dict[str, Tensor]:
    return {"z": torch.tensor(tables)}


@pytest.mark.parametrize("max_length", [1, 2, 3, 5, 7])
def test_a_wide_beam_finds_the_likeliest_of_all_sequences(max_length: int) -> None:
    found = generate(Chain(), codes(0, 1, 0), 3, DecodingOptions(beam=3**7, max_length=max_length))
    for table, sequence in zip((0, 1, 0), found, strict=True):
        assert sequence == list(max(complete(max_length), key=lambda each: log_p(table, each)))


def test_an_unlikely_end_is_no_result() -> None:
    """The empty sequence is the likeliest of all here, yet no one would end there."""
    model = Chain()
    with torch.no_grad():
        model.tables.copy_(torch.tensor([0.05, 0.1, 0.43, 0.42]).log())
    empty, found = (
        log_p_of(model, []),
        generate(model, codes(0), 1, DecodingOptions(beam=2, max_length=6))[0],
    )
    assert len(found) == 6
    assert log_p_of(model, found[:-1]) < empty
    assert generate(model, codes(0), 1, DecodingOptions(beam=3, max_length=6))[0] == [EOS]


def log_p_of(model: Chain, body: list[int]) -> float:
    return sum(model.tables[0, 0, token].item() for token in [*body, EOS])


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_a_beam_is_never_worse_than_greedy(width: int) -> None:
    for seed in range(50):
        model = Chain()
        with torch.no_grad():
            scores = 2 * torch.randn(model.tables.shape, generator=torch.manual_seed(seed))
            model.tables.copy_(scores.log_softmax(-1))
        beam, greedy = beam_and_greedy(model, width)
        assert quality(model, beam) >= quality(model, greedy)
        assert width > 1 or beam == greedy


def test_a_beam_keeps_the_greedy_sequence_that_falls_behind() -> None:
    """Two other prefixes are likelier than 0 EOS after two tokens, and never end."""
    tables = torch.full((2, 5, SIZE), 0.25)
    tables[:, 0] = torch.tensor([0.24, 0.28, 0.24, 0.24])
    tables[:, 2:4] = torch.tensor([0.05, 0.05, 0.45, 0.45])
    tables[:, 4] = torch.tensor([0.4, 0.0, 0.3, 0.3])
    model = Chain()
    with torch.no_grad():
        model.tables.copy_(tables.log())
    assert beam_and_greedy(model, 2) == ([0, EOS], [0, EOS])


def beam_and_greedy(model: Chain, width: int) -> tuple[list[int], list[int]]:
    beam = DecodingOptions(beam=width, max_length=8)
    greedy = DecodingOptions(greedy=True, max_length=8)
    return generate(model, codes(0), 1, beam)[0], generate(model, codes(0), 1, greedy)[0]


def quality(model: Chain, sequence: list[int]) -> tuple[bool, float]:
    """Whether a sequence is complete, and its log p from table 0, rounded."""
    total = 0.0
    table = 0
    for before, after in itertools.pairwise((SIZE, *sequence)):
        table = 1 - table if before == 3 else table
        total += model.tables[table, before, after].item()
    return sequence[-1] == EOS, round(total, 4)


def test_a_beam_that_never_ends_is_cut_at_the_likeliest_prefix() -> None:
    model = Chain()
    with torch.no_grad():
        model.tables[:, :, EOS] = -torch.inf
    found = generate(model, codes(0, 1), 2, DecodingOptions(beam=200, max_length=4))
    for table, sequence in zip((0, 1), found, strict=True):
        prefixes = itertools.product((0, 2, 3), repeat=4)
        assert sequence == list(max(prefixes, key=lambda each: log_p(table, each)))


def test_greedy_takes_the_likeliest_token_of_each_step_and_stops_at_eos_or_max_length() -> None:
    found = generate(Chain(), codes(0, 1, 0), 3, DecodingOptions(greedy=True, max_length=6))
    assert found == [[2, 2, 2, 2, 2, 2], [0, EOS], [2, 2, 2, 2, 2, 2]]
    assert generate(Chain(), codes(0), 1, DecodingOptions(top_k=1, max_length=6)) == found[:1]
    assert (
        generate(Chain(), codes(0), 1, DecodingOptions(temperature=1e-30, max_length=6))
        == found[:1]
    )
    assert generate(Chain(), codes(0), 1, DecodingOptions(top_p=1e-9, max_length=6)) == found[:1]
    coldest = DecodingOptions(temperature=0, max_length=6)
    assert generate(Chain(), codes(0, 1, 0), 3, coldest) == found
    assert len(generate(Chain(), codes(0), 1, GREEDY)[0]) == 100
    longer = Chain()
    longer.domain = Symbols(Chain().domain.size, EOS, Chain().domain.unk, 138)
    assert len(generate(longer, codes(0), 1, GREEDY)[0]) == 138


def test_samples_follow_the_distribution() -> None:
    n, max_length = 20000, 3
    drawn = generate(Chain(), codes(*([0] * n)), n, DecodingOptions(max_length=max_length))
    counts: dict[tuple[int, ...], int] = {}
    for sequence in drawn:
        counts[tuple(sequence)] = counts.get(tuple(sequence), 0) + 1
    cut = list(itertools.product((0, 2, 3), repeat=max_length))
    expected = {each: math.exp(log_p(0, each)) for each in [*complete(max_length), *cut]}
    assert sum(expected.values()) == pytest.approx(1.0)
    assert set(counts) <= {each for each, p in expected.items() if p > 0}
    for each, p in expected.items():
        assert abs(counts.get(each, 0) - n * p) <= 4.5 * math.sqrt(n * p * (1 - p)) + 1e-9, each


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_temperature_sharpens_and_flattens(temperature: float) -> None:
    n = 40000
    row = torch.tensor(TABLES[0][2])
    noise = KeyedNoise(0, torch.arange(n), range(1))
    drawn = Categorical(row.log()).restricted(temperature=temperature).sample(noise)
    expected = row ** (1 / temperature) / (row ** (1 / temperature)).sum()
    for token, p in enumerate(expected.tolist()):
        assert abs((drawn == token).sum().item() / n - p) < 4.5 * math.sqrt(p * (1 - p) / n)


def kept(row: list[float], **options: Any) -> list[int]:
    restricted = Categorical(torch.tensor(row).log()).restricted(**options)
    found: list[int] = restricted.log_p.isfinite().nonzero()[:, 0].tolist()
    return found


def test_top_k_and_top_p_keep_what_they_say() -> None:
    row = [0.15, 0.05, 0.5, 0.3]
    assert kept(row, top_k=2) == [2, 3]
    assert kept(row, top_k=9) == kept(row, top_k=0) == [0, 1, 2, 3]
    assert len(kept([0.25] * 4, top_k=3)) == 3  # ties too
    assert kept(row, top_p=0.01) == [2]
    assert kept(row, top_p=0.5) == [2]
    assert kept(row, top_p=0.51) == [2, 3]
    assert kept(row, top_p=0.81) == [0, 2, 3]
    assert kept(row, top_p=1.0) == [0, 1, 2, 3]
    assert kept(row, top_k=3, top_p=0.8) == [2, 3]  # 0.5 + 0.3 of the 0.95 that is left


@pytest.mark.parametrize("temperature", [1e-50, 5e-324])
def test_a_temperature_near_zero_takes_the_likeliest(temperature: float) -> None:
    restricted = Categorical(torch.tensor(TABLES[0][2]).log()).restricted(temperature=temperature)
    drawn = restricted.sample(KeyedNoise(0, torch.arange(200), range(1)))
    assert drawn.unique().tolist() == [2]


def test_tokens_are_drawn_in_double_precision() -> None:
    """A float32 draw could be 1, past every token that has a probability."""
    assert KeyedNoise(0, torch.arange(3), range(1)).uniform().dtype == torch.float64

    class AlmostOne(KeyedNoise):
        def uniform(self, *shape: int) -> Tensor:
            return torch.full_like(super().uniform(*shape), 1 - 2.0**-53)

    last = torch.tensor([0.3, 0.7, 0.0]).log()
    drawn = Categorical(last).sample(AlmostOne(0, torch.arange(3), range(1)))
    assert drawn.tolist() == [[1, 1, 1]]


def test_restricted_draws_stay_in_their_support() -> None:
    drawn = generate(Chain(), codes(*([1] * 500)), 500, DecodingOptions(top_k=2, max_length=5))
    for sequence in drawn:
        table = 1
        for before, after in itertools.pairwise((SIZE, *sequence)):
            table = 1 - table if before == 3 else table
            row = TABLES[table][before]
            assert sum(p > row[after] for p in row) < 2


def test_a_row_is_the_same_whatever_it_is_drawn_with() -> None:
    options = DecodingOptions(max_length=9)
    rows = codes(*([0, 1] * ROWS))
    many = generate(Chain(), rows, 2 * ROWS, options, seed=3)
    assert many[:3] == generate(Chain(), codes(0, 1, 0), 3, options, seed=3)
    assert many != generate(Chain(), rows, 2 * ROWS, options, seed=4)
    wide = DecodingOptions(beam=5, max_length=6)
    few = generate(Chain(), codes(0, 1), 2, wide)
    assert generate(Chain(), codes(*([0, 1] * 60)), 120, wide) == few * 60


def test_frames_have_no_beam() -> None:
    model = Chain()
    model.domain = Real(1, 9)
    with pytest.raises(ValueError, match=r"beam=4: a beam chooses among tokens, .* set beam=0"):
        generate(model, codes(0), 1, DecodingOptions(beam=4))
