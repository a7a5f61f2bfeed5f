"""KL weights and learning rates at epochs where their values are known."""

import math
from typing import Any

import pytest

from vaetext.config.trainer import Trainer
from vaetext.objectives.schedules import (
    free_bits,
    kl_weight,
    kl_weights,
    learning_rate,
    ramp_end,
    rise_end,
)

RAMP = {"constant": 0.0, "linear": 2.0, "sigmoid": 2.0, "cyclical": 2.0}  # beta_epochs of each


def test_linear_kl_weight_rises_from_its_start_over_ten_epochs() -> None:
    config = Trainer(beta_start=0.01, beta_epochs=10)
    assert [kl_weight(config, epochs) for epochs in (0, 5, 9.9, 50)] == pytest.approx(
        [0.01, 0.51, 1.0, 1.0]
    )


@pytest.mark.parametrize("schedule", RAMP)
def test_kl_weight_stays_between_zero_and_beta_max(schedule: str) -> None:
    config = Trainer(beta_schedule=schedule, beta_max=0.3, beta_epochs=RAMP[schedule])
    weights = [kl_weight(config, step / 10) for step in range(100)]
    assert min(weights) >= 0 and max(weights) == 0.3


def test_cyclical_kl_weight_restarts_with_each_cycle() -> None:
    config = Trainer(beta_schedule="cyclical", beta_epochs=2, beta_ramp=0.5)
    assert [kl_weight(config, epochs) for epochs in (0, 0.5, 1, 1.9, 2, 2.5)] == pytest.approx(
        [0, 0.5, 1, 1, 0, 0.5]
    )


def test_cycle_begins_at_a_multiple_of_its_length_despite_rounding() -> None:
    config = Trainer(beta_schedule="cyclical", beta_epochs=0.1)
    assert [kl_weight(config, cycle / 10) for cycle in range(13)] == pytest.approx(
        [0.0] * 13, abs=1e-6
    )


def test_cyclical_kl_weight_rises_during_the_ramp_share_of_a_cycle() -> None:
    config = Trainer(beta_schedule="cyclical", beta_epochs=4, beta_ramp=0.25)
    assert [kl_weight(config, epochs) for epochs in (0, 0.5, 1, 3.9, 4.25)] == pytest.approx(
        [0, 0.5, 1, 1, 0.25]
    )


def test_sigmoid_kl_weight_is_half_of_beta_max_at_half_of_its_epochs() -> None:
    config = Trainer(beta_schedule="sigmoid", beta_epochs=4, beta_max=0.8)
    expected = [0.8 / (1 + math.exp(6)), 0.8 / (1 + math.exp(3)), 0.4, 0.8]
    assert [kl_weight(config, epochs) for epochs in (0, 1, 2, 4)] == pytest.approx(expected)


def test_kl_weight_of_each_latent_is_delayed_after_the_previous_one() -> None:
    config = Trainer(beta_epochs=2, beta_delay=1)
    names = ["z_1", "z_2", "z_3"]
    assert [list(kl_weights(config, epochs, names).values()) for epochs in range(5)] == [
        [0, 0, 0],
        [0.5, 0, 0],
        [1, 0.5, 0],
        [1, 1, 0.5],
        [1, 1, 1],
    ]
    assert kl_weights(Trainer(beta_epochs=2), 1, names) == dict.fromkeys(names, 0.5)
    assert kl_weights(config, 1, []) == {}


def test_single_latents_have_their_own_weight_and_delay() -> None:
    own = {"z_1": {"beta_max": 0.25}, "z_3": {"beta_delay": 0.5, "beta_max": 4.0}}
    config = Trainer(beta_epochs=2, beta_delay=1, latents=own)
    names = ["z_1", "z_2", "z_3"]
    found = [list(kl_weights(config, epochs, names).values()) for epochs in (0, 0.5, 1, 2, 2.5, 9)]
    assert found == [
        [0, 0, 0],
        [0.0625, 0, 0],
        [0.125, 0, 1],
        [0.25, 0.5, 3],
        [0.25, 0.75, 4],
        [0.25, 1, 4],
    ]


@pytest.mark.parametrize("schedule", RAMP)
def test_every_schedule_ends_at_the_largest_weight_of_each_latent(schedule: str) -> None:
    config = Trainer(
        beta_schedule=schedule,
        beta_epochs=RAMP[schedule],
        beta_max=0.5,
        latents={"z_2": {"beta_max": 2.0}},
    )
    assert kl_weights(config, 3.5, ["z_1", "z_2"]) == {"z_1": 0.5, "z_2": 2.0}


@pytest.mark.parametrize(
    "options",
    [
        {"beta_schedule": "constant"},
        {"beta_start": 1.0},
        {"beta_schedule": "cyclical", "beta_start": 1.0},
    ],
)
def test_delay_of_a_constant_kl_weight_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^beta_delay=1 .* set beta_delay=0"):
        Trainer(beta_delay=1, **options)
    Trainer(**options)


RAMP_ENDS: list[tuple[dict[str, Any], float]] = [
    ({"beta_schedule": "constant"}, 0),
    ({"beta_start": 1.0}, 0),
    ({"beta_max": 0.0}, 0),
    ({}, 10),
    ({"epochs": 4}, 2),
    ({"epochs": 4, "beta_share": 0.25}, 1),
    ({"beta_epochs": 30}, 30),
    ({"beta_start": 0.25}, 7.5),
    ({"beta_schedule": "sigmoid", "beta_epochs": 3}, 3),
    ({"beta_schedule": "cyclical", "beta_epochs": 5}, 17.5),
    ({"beta_schedule": "cyclical", "beta_epochs": 0.1, "beta_ramp": 1.0}, 20),
    ({"beta_schedule": "cyclical", "beta_epochs": 3}, 19.5),
    ({"beta_delay": 2}, 12),
    ({"latents": {"z_1": {"beta_delay": 3}, "z_2": {"beta_max": 0}}}, 13),
]


@pytest.mark.parametrize(("options", "end"), RAMP_ENDS)
def test_no_kl_weight_rises_after_the_end_of_the_ramp(options: dict[str, Any], end: float) -> None:
    config = Trainer(**options)
    names = ["z_1", "z_2"]
    assert ramp_end(config, names) == pytest.approx(end)
    times = [step / 100 for step in range(100 * config.epochs)]
    weights = [list(kl_weights(config, each, names).values()) for each in times]
    rises = [
        time
        for time, before, after in zip(times[1:], weights, weights[1:], strict=False)
        if any(high > low for low, high in zip(before, after, strict=True))
    ]
    assert max(rises, default=0) == pytest.approx(min(end, config.epochs), abs=0.0201)
    assert ramp_end(config, []) == 0


def test_the_end_of_a_ramp_is_not_above_a_whole_epoch_by_rounding() -> None:
    assert ramp_end(Trainer(epochs=30, beta_share=0.1), ["z"]) == 3
    assert ramp_end(Trainer(beta_schedule="cyclical", beta_epochs=0.1, beta_ramp=1.0), ["z"]) == 20


def test_the_default_ramp_ends_half_way_whatever_the_epochs() -> None:
    for epochs in (1, 4, 20):
        config = Trainer(epochs=epochs)
        assert kl_weight(config, epochs / 4) == 0.5
        assert kl_weight(config, epochs / 2) == 1


def test_learning_rate_of_each_schedule() -> None:
    halving = Trainer(schedule="halving", lr=1.0, halve_at=[10, 12])
    assert [learning_rate(halving, epochs, 0, 0) for epochs in (0, 9.99, 10, 12)] == [
        1.0,
        1.0,
        0.5,
        0.25,
    ]
    assert learning_rate(Trainer(schedule="plateau", lr=1.0), 0, 0, 3) == 0.125
    cosine = Trainer(schedule="cosine", lr=1.0, epochs=2, warmup_steps=10)
    assert [learning_rate(cosine, step / 100, step, 0) for step in (0, 100, 200)] == pytest.approx(
        [0.1, 0.5, 0.0]
    )


def test_free_bits_fall_linearly_to_zero() -> None:
    config = Trainer(free_bits=2, free_bits_epochs=4, latents={"b": {"free_bits": 8}})
    found = [free_bits(config, epochs, ["a", "b"]) for epochs in (0, 1, 3, 4, 9)]
    assert [each["a"] for each in found] == [2, 1.5, 0.5, 0, 0]
    assert [each["b"] for each in found] == [8, 6, 2, 0, 0]


@pytest.mark.parametrize(("part", "expected"), [("latent", 0.25), ("dimension", 0.25), ("step", 1)])
def test_a_segment_has_its_share_of_free_bits_and_a_step_all_of_its_own(
    part: str, expected: float
) -> None:
    config = Trainer(free_bits=1, free_bits_per=part)
    assert free_bits(config, 0.0, ["z"], share=0.25) == {"z": expected}


def test_a_ramp_ends_where_the_kl_weight_and_the_free_bits_do() -> None:
    options: dict[str, Any] = {"epochs": 30, "beta_epochs": 5, "free_bits": 1}
    assert ramp_end(Trainer(**options), ["z"]) == 5
    assert ramp_end(Trainer(**options, free_bits_share=0.1), ["z"]) == 5
    falling = Trainer(**options, free_bits_share=0.3)
    assert (ramp_end(falling, ["z"]), rise_end(falling, ["z"])) == (9, 5)
    assert ramp_end(falling, []) == 0
