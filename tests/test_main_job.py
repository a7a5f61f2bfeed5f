"""The main job reaches the numbers that are promised. It takes minutes: ``make test-all``."""

from pathlib import Path
from typing import Any

import pytest

import vaetext


def trained(model: str, folder: Path) -> dict[str, Any]:
    return vaetext.train([f"model={model}"], folder).results["test"]  # type: ignore[no-any-return]


@pytest.mark.slow
def test_rnnlm_comes_within_three_per_cent_of_the_truth(tmp_path: Path) -> None:
    found = trained("rnnlm", tmp_path)
    assert (
        -4 * found["truth_gap_stderr"]
        < found["truth_gap"]
        < 0.03 * (found["neg_elbo"] - found["truth_gap"])
    )


@pytest.mark.slow
def test_vrae_uses_its_code_and_its_bound_is_one(tmp_path: Path) -> None:
    found = trained("vrae", tmp_path)
    assert (
        found["kl"]["z"] > 1
        and found["shuffle_rec_increase"]["z"] > 4
        and found["mutual_information"]["z"] > 1
    )
    assert 0 < found["truth_gap"] < 2 and found["iw_nll"] < found["neg_elbo"]
    assert found["iw_nll"] > found["neg_elbo"] - found["truth_gap"] - 4 * found["truth_gap_stderr"]
