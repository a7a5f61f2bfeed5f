"""Two processes that share each batch train as one with all of it, in float64."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from two_processes import TRAINERS, every_case

LOCAL = {**os.environ, "GLOO_SOCKET_IFNAME": "lo"}
PROGRAM = Path(__file__).with_name("two_processes.py")
QUICK = [
    *(f"trainer-{name}" for name in TRAINERS),
    *("cnn-4-symbols", "lcnnvae-2-symbols", "latent-seq-2-symbols", "hvrae-5-symbols"),
]


def differences(folder: Path, cases: list[str]) -> dict[str, list[float]]:
    started = [
        subprocess.Popen([sys.executable, PROGRAM, str(rank), folder, *cases], env=LOCAL)
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


def test_a_process_leaves_the_group_before_python_ends(tmp_path: Path) -> None:
    program = f"""
import atexit, torch
from torch import distributed
from vaetext.parallel.ranks import connect

atexit.register(lambda: print(distributed.is_initialized()))  # the last to run
connect(0, 1, 0, "file://{tmp_path / "rendezvous"}", torch.device("cpu"))
print(distributed.is_initialized())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=LOCAL, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\nFalse\n", "")
