"""Evaluating a run on its own split, on a file, and on another data set."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from command_line import run_cli
from tiny import LINES, tiny_run

from vaetext.config.data import UserText
from vaetext.config.trained import EvaluateConfig
from vaetext.report.collect import evaluated
from vaetext.runs.run import Run
from vaetext.verbs import evaluate


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Called by the command, which writes to the test's folder; trained on ``test.txt``."""
    (tmp_path / "test.txt").write_text("\n".join(LINES))
    loaded = tiny_run("vrae", tmp_path)
    data = UserText(name="text", train="gone", valid="gone", test=str(tmp_path / "test.txt"))
    model = SimpleNamespace(name="vrae")
    trainer = SimpleNamespace(name="debug", eval_batch_tokens=100)
    config: Any = SimpleNamespace(data=data, model=model, trainer=trainer, seed=0)
    loaded.config = config
    monkeypatch.setattr(evaluate, "load", lambda *_: loaded)
    monkeypatch.setattr(evaluate, "output_folder", lambda: tmp_path / "out")
    return loaded


def result(run: Run, **options: Any) -> dict[str, Any]:
    evaluate.run(EvaluateConfig(run="r", iw_samples=2, **options))
    found: dict[str, Any] = json.loads((run.folder / "out" / "results.json").read_text())
    return found


def test_the_same_lines_have_the_same_numbers_from_a_split_a_file_and_other_data(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = str(tmp_path / "test.txt")
    own = result(run)
    of_file = result(run, input=path)
    of_data = result(run, data=UserText(name="text", label="theirs", test=path))
    assert own["test"] == of_file["test"] == of_data["test"]
    assert own["sequences_sha256"] == of_file["sequences_sha256"] == of_data["sequences_sha256"]
    assert [each["data"] for each in (own, of_file, of_data)] == ["text", path, "theirs"]
    assert own["other"] is None
    assert evaluated(run.folder / "out" / "results.json", own, "test") == {}  # left out of tables
    assert "vocabulary" not in caplog.text


def test_unknown_words_of_other_data_are_counted(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "other.txt").write_text("the zebra sat\na dog\n")
    result(run, input=str(tmp_path / "other.txt"))
    assert "1 of 5 tokens (20.0 %) are not in the run's vocabulary" in caplog.text


def test_options_of_a_data_set_need_one(tmp_path: Path) -> None:
    done = run_cli("evaluate", str(tmp_path), "data.root=/elsewhere")
    assert done.status == 1
    assert "data.root=/elsewhere: `vaetext evaluate` reads the data of the run" in done.error
    assert "data.root" not in run_cli("evaluate", str(tmp_path), "data=ptb", "data.root=/x").error


def test_a_file_and_a_data_set_are_not_both_scored() -> None:
    with pytest.raises(ValueError, match="input=x: data=text is given too"):
        EvaluateConfig(run="r", input="x", data=UserText(name="text"))
    with pytest.raises(ValueError, match="split=valid has an effect with input=null only"):
        EvaluateConfig(run="r", input="x", split="valid")
