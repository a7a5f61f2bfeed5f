"""A table of rows that have been trained already: nothing is trained again, ours stand beside theirs."""

import json
from pathlib import Path

import pytest
import torch

from vaetext.config.verbs import ReproduceConfig, Table
from vaetext.runner import reproduce
from vaetext.runner.evaluation import Scores, summary


def finished(folder: Path) -> None:
    scores = Scores(
        -torch.ones(1, 3).double(), {"z": torch.ones(1, 3).double()}, -torch.ones(1, 3).double(), {}, torch.tensor([2, 3, 4]), None
    )
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps({"data": "ptb", "test": summary(scores)}))
    (folder / "DONE").touch()


def test_ours_stand_beside_theirs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("t", "Title", "Note.", [{"name": "A row", "overrides": [], "published": {"NLL (rec)": 101.45, "KL": 4.86}}], {"full": []})
    finished(tmp_path / "tables" / "t" / "full" / "A-row")
    reproduce.run(ReproduceConfig(table=table, scale="full", outputs=str(tmp_path)))
    shown = capsys.readouterr().out
    assert shown == (tmp_path / "tables" / "t" / "full" / "table.md").read_text() + "\n"
    cells = " ".join(shown.split())
    assert "| published NLL (rec) | published KL |" in cells
    assert "| 101.45 | 4.860 |" in cells
    assert "Note." in cells


def test_a_row_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="status 1"):
        reproduce.train(["model=vrea"], tmp_path / "out")
