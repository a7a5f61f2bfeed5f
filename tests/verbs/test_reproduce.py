"""Published tables: ours stand beside theirs, and what has been trained is not trained again."""

import json
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from vaetext.config.verbs import ReproduceConfig, Table
from vaetext.evaluation.scoring import Scores, summary
from vaetext.report.table import Row, cells
from vaetext.verbs import reproduce


def finished(folder: Path, bounds: list[float]) -> None:
    scores = Scores(
        -torch.ones(1, 3).double(),
        {"z": torch.ones(1, 3).double()},
        -torch.ones(1, 3).double(),
        {},
        torch.tensor([2, 3, 4]),
        None,
    )
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text(
        "".join(json.dumps({"split": "valid", "neg_elbo": bound}) + "\n" for bound in bounds)
    )
    (folder / "results.json").write_text(json.dumps({"data": "ptb", "test": summary(scores)}))
    (folder / "DONE").touch()


def test_ours_stand_beside_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reproduce, "train", lambda overrides, folder: None)
    table = Table(
        "t",
        "Title",
        "Note.",
        [
            {
                "name": "A row",
                "overrides": [],
                "published": {"NLL (rec)": 101.45, "KL (source)": 4.86},
            }
        ],
        {"full": []},
    )
    finished(tmp_path / "tables" / "t" / "full" / "A-row", [9, 8])
    reproduce.run(ReproduceConfig(table=table, scale="full", outputs=str(tmp_path)))
    shown = capsys.readouterr().out
    assert shown == (tmp_path / "tables" / "t" / "full" / "table.md").read_text()
    words = " ".join(shown.split())
    assert "# Title (scale=full, data=ptb)" in words
    assert (
        "| model | -ELBO | NLL (rec) | published NLL (rec) | KL (source) | published KL (source) |"
        in words
    )
    assert "| 1.000 | 101.45 | 1.000 | 4.860 |" in words
    assert "Note." in words


def test_figures_in_the_sources_convention_are_means_over_symbols_and_sums_over_latents() -> None:
    record = {"rec": 8.0, "kl": {"z_1": 3.0, "z_2": 1.0}, "sequences": 10, "tokens_no_eos": 160}
    assert reproduce.source(record) == {
        "ELBO (source)": -4.5,
        "Reconstruction (source)": -0.5,
        "KL (source)": 4.0,
    }
    assert reproduce.source({**record, "kl": {}}) == {}
    assert reproduce.source({**record, "tokens_no_eos": None}) == {}


def test_a_page_holds_what_is_published_and_what_is_asked_for() -> None:
    exact, ladder = Row("exact", "d"), Row("ladder", "d")
    exact.add({"-ELBO": 9.0, "PPL": 2.0, "published -ELBO": 10.0})
    ladder.add(
        {
            "KL z_2": 1.0,
            "KL z_1": 3.0,
            "-ELBO": 12.0,
            "IW-NLL(50)": 11.0,
            "PPL": 3.0,
            "published KL z_2": 5.0,
            "published BLEU": 7.0,
        }
    )
    assert reproduce.select_columns(cells([exact, ladder]), ["IW-NLL"]) == [
        [
            "model",
            "KL z_2",
            "published KL z_2",
            "-ELBO",
            "published -ELBO",
            "IW-NLL(50)",
            "published BLEU",
        ],
        ["exact", "-", "-", "**9.000**", "10.00", "**9.000**", "-"],
        ["ladder", "1.000", "5.000", "12.00", "-", "11.00", "7.000"],
    ]


@pytest.mark.parametrize(
    ("bounds", "not_converged"),
    [
        ([9.0, 8.0], True),
        ([9.0, 8.95], False),
        ([*[9.0] * 19, 8.0], True),
        ([*[9.0] * 18, 8.0, 8.5], True),
        ([8.0, 9.0], False),
        ([-8.0, -9.0], True),
    ],
)
def test_a_run_that_had_not_converged_is_marked(
    bounds: list[float], not_converged: bool, tmp_path: Path
) -> None:
    finished(tmp_path / "run", bounds)
    assert reproduce.not_converged(tmp_path / "run") == not_converged


def test_an_interrupt_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(nullcontext[Any]):
        waited = 0

        def __enter__(self) -> Any:
            return self

        def wait(self) -> int:
            self.waited += 1
            if self.waited == 1:
                raise KeyboardInterrupt
            return 1

    monkeypatch.setattr(reproduce.subprocess, "Popen", lambda *_, **__: Interrupted())
    with pytest.raises(KeyboardInterrupt, match=f"go on with the same command; {tmp_path} is kept"):
        reproduce.train([], tmp_path)


def test_rows_take_the_options_of_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "own/table").mkdir(parents=True)
    (tmp_path / "own/trainer").mkdir()
    (tmp_path / "own/trainer/mine.yaml").write_text(
        "defaults: [debug, _self_]\n\nname: mine\nbatch_size: 8\n"
    )
    sizes = "trainer.threads=1, model.hidden_dim=4, data.train_size=40, data.valid_size=10, data.test_size=10"
    row = f"{{name: VRAE, overrides: [trainer=mine, {sizes}]}}"
    table = f"defaults: [/schema/table/table@_here_, _self_]\n\nname: t\ntitle: T\nrows: [{row}]\nscales: {{full: []}}\n"
    (tmp_path / "own/table/t.yaml").write_text(table)
    command = [
        sys.executable,
        "-m",
        "vaetext",
        "reproduce",
        "--config-dir",
        "own",
        "table=t",
        "scale=full",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "| VRAE" in done.stdout


def test_a_row_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="status 1"):
        reproduce.train(["model=vrea"], tmp_path / "out")


def test_a_finished_row_is_left_alone_and_another_configuration_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sizes = [
        "trainer=debug",
        "data.train_size=40",
        "data.valid_size=20",
        "data.test_size=20",
        "model.hidden_dim=4",
        "trainer.threads=1",
    ]
    reproduce.train(sizes, tmp_path / "out")
    before = (tmp_path / "out" / "results.json").stat().st_mtime_ns
    reproduce.train(sizes, tmp_path / "out")
    with pytest.raises(ValueError, match="status 1"):
        reproduce.train([*sizes, "model.latent_dim=3"], tmp_path / "out")
    assert (tmp_path / "out" / "results.json").stat().st_mtime_ns == before
