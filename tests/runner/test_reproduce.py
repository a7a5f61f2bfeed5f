"""A table of rows that have been trained already: nothing is trained again, ours stand beside theirs."""

import json
from pathlib import Path

import pytest
import torch

from vaetext.config.verbs import ReproduceConfig, Table
from vaetext.runner import reproduce
from vaetext.runner.evaluation import Scores, summary


def finished(folder: Path, bounds: list[float]) -> None:
    scores = Scores(
        -torch.ones(1, 3).double(), {"z": torch.ones(1, 3).double()}, -torch.ones(1, 3).double(), {}, torch.tensor([2, 3, 4]), None
    )
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps({"split": "valid", "neg_elbo": bound}) + "\n" for bound in bounds))
    (folder / "results.json").write_text(json.dumps({"data": "ptb", "test": summary(scores)}))
    (folder / "DONE").touch()


def test_ours_stand_beside_theirs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("t", "Title", "Note.", [{"name": "A row", "overrides": [], "published": {"NLL (rec)": 101.45, "KL": 4.86}}], {"full": []})
    finished(tmp_path / "tables" / "t" / "full" / "A-row", [9, 8])
    reproduce.run(ReproduceConfig(table=table, scale="full", outputs=str(tmp_path)))
    shown = capsys.readouterr().out
    assert shown == (tmp_path / "tables" / "t" / "full" / "table.md").read_text() + "\n"
    cells = " ".join(shown.split())
    assert "| published NLL (rec) | published KL |" in cells
    assert "| 101.45 | 4.860 |" in cells
    assert "Note." in cells


@pytest.mark.parametrize(
    ("bounds", "falling"),
    [
        ([9.0, 8.0], True),
        ([9.0, 8.95], False),
        ([*[9.0] * 19, 8.0], True),
        ([*[9.0] * 18, 8.0, 8.5], True),
        ([8.0, 9.0], False),
        ([-8.0, -9.0], True),
    ],
)
def test_a_run_that_had_not_converged_is_marked(bounds: list[float], falling: bool, tmp_path: Path) -> None:
    finished(tmp_path / "run", bounds)
    assert reproduce.falling(tmp_path / "run") == falling


def test_a_row_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="status 1"):
        reproduce.train(["model=vrea"], tmp_path / "out")
