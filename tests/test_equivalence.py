"""The comparison of two commits finds what differs, and runs on this tree."""

import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[1]
RULES = {"weights": {r"^old\.": "new."}, "latents": {"^u$": "z"}}


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "benchmarks" / "equivalence.py"))


def test_a_rule_renames_weights_and_their_gradients(script: dict[str, Any]) -> None:
    ones = torch.ones(2)
    old = {"weights/old.bias": ones, "evidence/gradients/plain/old.bias": ones, "prior/z/u": ones}
    new = {"weights/new.bias": ones, "evidence/gradients/plain/new.bias": ones, "prior/z/z": ones}
    assert script["differences"](script["renamed"](old, new, RULES), new, 0.0) == []


def test_a_rule_leaves_names_that_both_commits_have(script: dict[str, Any]) -> None:
    numbers = {"weights/old.bias": torch.ones(2)}
    assert script["renamed"](numbers, numbers, RULES) == numbers


def test_two_names_that_become_one_are_an_error(script: dict[str, Any]) -> None:
    old = {"weights/old.bias": torch.ones(2), "weights/new.bias": torch.ones(2)}
    with pytest.raises(ValueError, match="two names"):
        script["renamed"](old, {"weights/new.bias": torch.ones(2)}, RULES)


def test_the_last_bit_is_a_difference_unless_a_tolerance_allows_it(script: dict[str, Any]) -> None:
    one = {"evidence/elbo": torch.ones(1, dtype=torch.float64)}
    other = {"evidence/elbo": one["evidence/elbo"] + 2.0**-52}
    assert len(script["differences"](one, other, 0.0)) == 1
    assert script["differences"](one, other, 1e-10) == []


@pytest.mark.parametrize("sides", [(0, 1), (1, 0)])
def test_a_name_of_one_commit_only_is_a_difference(
    script: dict[str, Any], sides: tuple[int, int]
) -> None:
    numbers = [{}, {"weights/bias": torch.ones(2)}]
    assert len(script["differences"](*(numbers[side] for side in sides), 1.0)) == 1


def test_another_shape_or_type_is_a_difference(script: dict[str, Any]) -> None:
    one = {"weights/bias": torch.zeros(1)}
    for other in (torch.zeros(2), torch.zeros(1, dtype=torch.float64)):
        assert len(script["differences"](one, {"weights/bias": other}, 1.0)) == 1


@pytest.mark.slow
def test_this_tree_equals_itself_with_and_without_its_own_draws_given(
    script: dict[str, Any], tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "vaetext", tree / "vaetext")
    shutil.copytree(ROOT / "conf", tree / "vaetext" / "conf")
    shutil.copytree(ROOT / "conf", tree / "conf")
    cases = script["write_cases"](tmp_path / "cases.json", [tree], "hvrae-4-symbols")
    own = script["dump"](tree, cases, tmp_path / "own.pt")
    given = script["dump"](tree, cases, tmp_path / "given.pt", tmp_path / "own.pt")
    assert script["report"](own, own, {}, 0.0) == 0
    kept = {case: script["without_training"](numbers) for case, numbers in own.items()}
    assert script["report"](kept, given, {}, 0.0) == 0
