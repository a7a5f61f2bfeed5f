"""Two processes that share each batch train as one with all of it, in float64."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from two_processes import TRAINERS, every_case

PROGRAM = Path(__file__).with_name("two_processes.py")
QUICK = [
    *(f"trainer-{name}" for name in TRAINERS),
    *("cnn-4-symbols", "lcnnvae-2-symbols", "latent-seq-2-symbols", "hvrae-5-symbols"),
]


def differences(folder: Path, cases: list[str]) -> dict[str, list[float]]:
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo"}
    started = [
        subprocess.Popen([sys.executable, PROGRAM, str(rank), folder, *cases], env=environment)
        for rank in range(2)
    ]
    try:
        assert [each.wait(timeout=600) for each in started] == [0, 0]
    finally:
        for each in started:
            each.kill()
    found: dict[str, list[float]] = json.loads((folder / "differences.json").read_text())
    return found


@pytest.mark.parametrize(
    "cases",
    [
        pytest.param(QUICK, id="options"),
        pytest.param([*every_case()], id="models", marks=pytest.mark.slow),
    ],
)
def test_gradients_weights_and_sums_are_those_of_one_process(
    cases: list[str], tmp_path: Path
) -> None:
    found = differences(tmp_path, cases)
    assert [*found] == cases
    assert {case: each for case, each in found.items() if max(each) > 1e-10} == {}
