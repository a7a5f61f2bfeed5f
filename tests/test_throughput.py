"""The benchmark of throughput names what it measures."""

import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from vaetext.config.models.rnn import RNN
from vaetext.config.models.rnnlm import RNNLM
from vaetext.config.models.vrae import VRAE
from vaetext.data.domain import Real, Symbols
from vaetext.models.registry import build

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "throughput.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def test_one_case_is_trainer_paper_as_it_is_unless_overridden(script: dict[str, Any]) -> None:
    assert script["configuration"]([]).trainer.length_pool == 1
    assert script["configuration"](["trainer.length_pool=64"]).trainer.length_pool == 64


def test_every_case_is_measured_as_paper_is_and_in_batches_of_like_length(
    script: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    measured = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        config = script["configuration"](command[2:])
        measured.append((config.model.name, config.trainer.precision, config.trainer.length_pool))
        row = script["row"](config, "a CPU", script["Measured"]([1000.0], [1.0]), 0.5, 9.0)
        return subprocess.CompletedProcess(command, 0, row)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("sys.argv", [str(SCRIPT)])
    script["main"]()
    printed = capsys.readouterr().out
    lines = [line.split(" | ") for line in printed.splitlines() if line.startswith("|")]
    column = lines[0].index("length_pool")
    assert {len(line) for line in lines if len(line) > 1} == {len(lines[0])}
    assert {line[column] for line in lines if len(line) > 1} == {"length_pool", "1", "64"}
    cases = {(model, "fp32", pool) for model in ("vrae", "rnnlm", "cnn") for pool in (1, 64)}
    assert cases <= set(measured)
    assert "after a first pass over the same batches" in " ".join(printed.split())


def test_operations_count_every_matrix_that_a_token_passes(script: dict[str, Any]) -> None:
    sizes = {"embedding_dim": 5, "hidden_dim": 6}
    domain = Symbols(size=9, eos=1, unk=0, longest=8)
    lstm, head = 4 * 6 * 5 + 4 * 6 * 6, 9 * 6
    operations = script["operations_per_token"]
    assert operations(build(RNNLM(name="rnnlm", **sizes), domain)) == 6 * (lstm + head)
    assert operations(build(VRAE(name="vrae", **sizes), domain)) == 6 * (2 * lstm + head)
    options = {"hidden_dim": 6, "feature_dim": 5, "feature_layers": 2}
    rnn = 4 * 6 * 5 + 4 * 6 * 6 + 5 * 5 + 5 * 6 + 5 * 5 + 9 * 5
    assert operations(build(RNN(name="rnn", **options), domain)) == 6 * rnn


def test_the_plain_loops_have_the_weights_of_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    steps = runpy.run_path(str(SCRIPT.parent / "steps.py"))
    for config, loop in steps["CASES"].values():
        model = build(config, Real(steps["FRAME"], 4))
        weights, others = (
            sum(each.numel() for each in one.parameters() if each.dim() == 2)
            for one in (model, loop)
        )
        assert weights == others
        assert loop(torch.zeros(2, 4, steps["FRAME"])).isfinite()
