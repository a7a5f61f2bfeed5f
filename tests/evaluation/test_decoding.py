"""Decoding of a distribution whose every sequence can be enumerated."""

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.distributions.evidence import Code
from vaetext.distributions.noise import Noise
from vaetext.evaluation import decoding as generation
from vaetext.evaluation.decoding import GREEDY, ROWS, DecodingOptions, choose, generate, restricted
from vaetext.models.base import Generator, SequenceModel

EOS, SIZE = 1, 4
TABLES = [  # [table, previous symbol or BOS, next symbol]
    [
        [0.1, 0.0, 0.5, 0.4],
        [0.25] * 4,
        [0.2, 0.2, 0.35, 0.25],
        [0.05, 0.9, 0.02, 0.03],
        [0.2, 0.05, 0.4, 0.35],
    ],
    [
        [0.2, 0.5, 0.2, 0.1],
        [0.25] * 4,
        [0.6, 0.1, 0.1, 0.2],
        [0.1, 0.1, 0.7, 0.1],
        [0.45, 0.15, 0.3, 0.1],
    ],
]


class TwoCodes(SequenceModel):
    """A distribution conditioned on one of two codes, without a step-by-step decoder."""

    name = "two-codes"
    latents = ("z",)

    def __init__(self) -> None:
        super().__init__(Symbols(SIZE, EOS, 0, 9))
        self.tables = torch.nn.Parameter(torch.tensor(TABLES, dtype=torch.float64).log())

    def posterior(self, batch: Batch) -> Any:
        raise NotImplementedError

    def sample(self, posterior: Any, noise: Noise) -> dict[str, Code]:
        raise NotImplementedError

    def log_px(self, batch: Batch, codes: dict[str, Tensor]) -> Tensor:
        raise NotImplementedError

    def sample_prior(self, noise: Noise) -> dict[str, Tensor]:
        return {"z": (noise.uniform("z") > 0.5).long()}


class Chain(TwoCodes, Generator):
    """A Markov chain with the code's table; every 3 swaps the two tables.

    So the state must follow its row through ``select``.
    """

    def start(self, codes: dict[str, Tensor], rows: int) -> Tensor:
        assert codes["z"].shape == (rows,)
        return codes["z"]

    def step(self, state: Tensor, token: Tensor) -> tuple[Tensor, Tensor]:
        table = torch.where(token == 3, 1 - state, state)
        return self.tables[table, token], table

    def select(self, state: Tensor, index: Tensor) -> Tensor:
        return state[index]


def log_p(table: int, sequence: tuple[int, ...]) -> float:
    total = 0.0
    for before, after in itertools.pairwise((SIZE, *sequence)):
        table = 1 - table if before == 3 else table
        total += (
            math.log(TABLES[table][before][after]) if TABLES[table][before][after] else -math.inf
        )
    return total


def complete(max_length: int) -> list[tuple[int, ...]]:
    inner = [symbol for symbol in range(SIZE) if symbol != EOS]
    return [
        (*body, EOS)
        for length in range(max_length)
        for body in itertools.product(inner, repeat=length)
    ]


def codes(*laws: int) -> dict[str, Tensor]:
    return {"z": torch.tensor(laws)}


@pytest.mark.parametrize("max_length", [1, 2, 3, 5, 7])
def test_a_wide_beam_finds_the_likeliest_of_all_sequences(max_length: int) -> None:
    found = generate(Chain(), codes(0, 1, 0), 3, DecodingOptions(beam=3**7, max_length=max_length))
    for table, sequence in zip((0, 1, 0), found, strict=True):
        assert sequence == list(max(complete(max_length), key=lambda each: log_p(table, each)))


def test_an_unlikely_end_is_not_a_result() -> None:
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
    return sum(model.tables[0, 0, symbol].item() for symbol in [*body, EOS])


def test_a_beam_beats_greedy() -> None:
    for table in (0, 1):
        beam, greedy = (
            log_p(table, tuple(generate(Chain(), codes(table), 1, options)[0]))
            for options in (DecodingOptions(beam=4), GREEDY)
        )
        assert beam >= greedy


def test_a_beam_that_never_ends_is_cut_at_the_likeliest_prefix() -> None:
    model = Chain()
    with torch.no_grad():
        model.tables[:, :, EOS] = -torch.inf
    found = generate(model, codes(0, 1), 2, DecodingOptions(beam=200, max_length=4))
    for table, sequence in zip((0, 1), found, strict=True):
        prefixes = itertools.product((0, 2, 3), repeat=4)
        assert sequence == list(max(prefixes, key=lambda each: log_p(table, each)))


def test_greedy_takes_the_likeliest_token_until_eos_or_max_length() -> None:
    found = generate(Chain(), codes(0, 1, 0), 3, DecodingOptions(greedy=True, max_length=6))
    assert found == [[2, 2, 2, 2, 2, 2], [0, EOS], [2, 2, 2, 2, 2, 2]]
    assert generate(Chain(), codes(0), 1, DecodingOptions(top_k=1, max_length=6)) == found[:1]
    assert (
        generate(Chain(), codes(0), 1, DecodingOptions(temperature=1e-30, max_length=6))
        == found[:1]
    )
    assert generate(Chain(), codes(0), 1, DecodingOptions(top_p=1e-9, max_length=6)) == found[:1]
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
    uniform = torch.rand(n, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    drawn = choose(row.log().expand(n, -1), DecodingOptions(temperature=temperature), uniform)
    expected = row ** (1 / temperature) / (row ** (1 / temperature)).sum()
    for symbol, p in enumerate(expected.tolist()):
        assert abs((drawn == symbol).sum().item() / n - p) < 4.5 * math.sqrt(p * (1 - p) / n)


def kept(row: list[float], **options: Any) -> list[int]:
    return (
        restricted(torch.tensor([row]).log(), DecodingOptions(**options))
        .isfinite()[0]
        .nonzero()[:, 0]
        .tolist()
    )


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


def test_a_temperature_near_zero_takes_the_likeliest() -> None:
    row = torch.tensor([[0.15, 0.05, 0.5, 0.3]]).log()
    for temperature in (1e-50, 5e-324):
        assert choose(
            row, DecodingOptions(temperature=temperature), torch.tensor([0.99], dtype=torch.float64)
        ).tolist() == [2]


def test_tokens_are_sampled_in_double_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []  # a float32 draw could be 1.0, past every symbol that has a probability

    def recorded(log_probs: Tensor, options: DecodingOptions, uniform: Tensor) -> Tensor:
        seen.append(uniform.dtype)
        return choose(log_probs, options, uniform)

    monkeypatch.setattr(generation, "choose", recorded)
    generate(Chain(), codes(0, 1, 0), 3, DecodingOptions(max_length=4), 0)
    assert set(seen) == {torch.float64}


def test_restricted_samples_stay_in_their_support() -> None:
    drawn = generate(Chain(), codes(*([1] * 500)), 500, DecodingOptions(top_k=2, max_length=5))
    for sequence in drawn:
        table = 1
        for before, after in itertools.pairwise((SIZE, *sequence)):
            table = 1 - table if before == 3 else table
            assert sum(p > TABLES[table][before][after] for p in TABLES[table][before]) < 2


def test_a_sample_does_not_depend_on_the_others() -> None:
    many = generate(
        Chain(), codes(*([0, 1] * ROWS)), 2 * ROWS, DecodingOptions(max_length=9), seed=3
    )
    few = generate(Chain(), codes(0, 1, 0), 3, DecodingOptions(max_length=9), seed=3)
    assert many[:3] == few
    assert many != generate(
        Chain(), codes(*([0, 1] * ROWS)), 2 * ROWS, DecodingOptions(max_length=9), seed=4
    )
    wide = DecodingOptions(beam=5, max_length=6)
    assert (
        generate(Chain(), codes(*([0, 1] * 60)), 120, wide)
        == generate(Chain(), codes(0, 1), 2, wide) * 60
    )


def test_a_model_without_a_step_by_step_decoder_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"model two-codes .*beam=4"):
        generate(TwoCodes(), codes(0), 1, DecodingOptions(beam=4))
    with pytest.raises(ValueError, match="model two-codes "):
        generate(TwoCodes(), codes(0), 1, GREEDY)
