"""What the main job promises, run as it stands: minutes, so only in ``make test-all``."""

import json
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module

from vaetext.config.store import register, typed
from vaetext.config.train import TrainConfig
from vaetext.training.session import train


def trained(model: str, folder: Path) -> dict[str, Any]:
    register()
    with initialize_config_module("vaetext.conf", version_base="1.3"):
        config = typed(compose("train", overrides=[f"model={model}"]), TrainConfig)
    train(config, folder)
    return json.loads((folder / "results.json").read_text())["test"]  # type: ignore[no-any-return]


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
