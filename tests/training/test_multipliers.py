"""Multipliers that hold a KL at its free bits: in checkpoints and metrics."""

from pathlib import Path
from typing import Any

import pytest
from small import lines, resumed_after_kill, same, training

HELD: dict[str, Any] = {"free_bits": 2.0, "free_bits_as": "constraint"}


@pytest.mark.parametrize("step", [1, 11])
def test_a_killed_run_goes_on_with_its_multiplier(tmp_path: Path, step: int) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    training(whole, **HELD).fit()
    again = resumed_after_kill(training, cut, step, **HELD)
    assert (float(again.objective.multipliers.lowered("z")) > 0) == (step > 1)
    again.fit()
    same(whole, cut)


def test_metrics_have_the_weight_less_the_multiplier(tmp_path: Path) -> None:
    run = training(tmp_path, **HELD)
    run.fit()
    shown = [line for line in lines(tmp_path) if line["split"] == "steps"]
    last = shown[-1]["kl_weights"]["z"]
    assert last == pytest.approx(shown[-1]["beta"] - run.objective.multipliers.of("z"))
    assert last < shown[-1]["beta"]


@pytest.mark.parametrize("held_first", [False, True])
def test_a_resumed_run_may_change_how_the_kl_is_kept(tmp_path: Path, held_first: bool) -> None:
    floor = {"free_bits": 2.0}
    first, then = (HELD, floor) if held_first else (floor, HELD)
    training(tmp_path, **first).fit()
    again = training(tmp_path, **{**then, "epochs": 4})
    again.restore()
    multiplier = float(again.objective.multipliers.lowered("z"))
    assert (multiplier > 0) == held_first
    again.fit()
    assert (float(again.objective.multipliers.lowered("z")) == multiplier) == held_first
