"""From run folders to rows: seeds, labels, evaluations, and runs that cannot be read."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from records import record, result

from vaetext.config.data import TextData
from vaetext.config.model import Model
from vaetext.config.models.rnnlm import RNNLM
from vaetext.config.models.vrae import VRAE
from vaetext.config.saved import config_text, read_config, with_sum
from vaetext.config.train import TrainConfig
from vaetext.config.trainer import Trainer
from vaetext.report.collect import collect, find_runs
from vaetext.runs.layout import CONFIG, DONE, OVERRIDES, RESULTS, SOURCES


def make_run(
    folder: Path,
    results: dict[str, Any],
    seed: int = 0,
    model: Model | None = None,
    **trainer: Any,
) -> Path:
    """A finished run folder, as far as tables read it."""
    config = TrainConfig(model or VRAE(name="vrae"), TextData(name="ptb"), Trainer(**trainer), seed)
    (folder / ".hydra").mkdir(parents=True)
    (folder / CONFIG).write_text(config_text(config))
    (folder / RESULTS).write_text(json.dumps(results))
    (folder / DONE).touch()
    return folder


def write_evaluation(run: Path, name: str, split: dict[str, Any], **changed: Any) -> Path:
    """What `vaetext evaluate` writes."""
    path = run / "evaluate" / name / RESULTS
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"checkpoint": "best", "best_epoch": 12, "test": split, **changed}))
    return path


def set_option(run: Path, key: str, value: Any) -> None:
    config = OmegaConf.structured(read_config(run / CONFIG))
    OmegaConf.update(config, key, value)
    (run / CONFIG).write_text(with_sum(OmegaConf.to_yaml(config)))


def test_runs_that_differ_in_the_seed_alone_are_one_row(tmp_path: Path) -> None:
    wide = VRAE(name="vrae", latent_dim=32)
    for seed in (0, 1):
        narrow_result = result(100.0 + seed, {"z": 5.0}, seed)
        make_run(tmp_path / f"a{seed}", narrow_result, seed, device="cpu", log_every=seed + 1)
        make_run(tmp_path / f"b{seed}", result(98.0 + seed, {"z": 7.0}, seed), seed, wide)
    rnnlm = RNNLM(name="rnnlm")
    make_run(tmp_path / "c", result(102.0, {}), model=rnnlm, name="paper", lr=0.5)
    make_run(tmp_path / "d", result(90.0, {}), model=rnnlm)
    rows = collect(find_runs([str(tmp_path)]), "test")
    assert [(each.label, each.options, each.seeds) for each in rows] == [
        ("rnnlm", {"trainer.name": "default"}, 1),
        ("rnnlm", {"trainer.name": "paper"}, 1),
        ("vrae", {"model.latent_dim": 16, "trainer.name": "default"}, 2),
        ("vrae", {"model.latent_dim": 32, "trainer.name": "default"}, 2),
    ]
    assert rows[2].values("rec") == [100.0, 101.0]


def test_of_repeated_runs_the_newest_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for age, rec in enumerate((100.0, 90.0, 95.0)):
        run = make_run(tmp_path / str(2 - age), result(rec, {"z": 5.0}))
        os.utime(run / DONE, (age, age))
    (only,) = collect(find_runs([str(tmp_path), str(tmp_path / "1")]), "test")
    assert only.seeds == 1
    assert only.values("rec") == [95.0]
    assert "repeats" in caplog.text


def test_evaluations_of_the_same_checkpoint_add_their_k(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", result(100.0, {"z": 5.0}))
    for name, samples, changed in (
        ("a", 500, {}),
        ("multirun/0", 3, {}),
        ("multirun/1", 5, {}),
        ("other-epoch", 900, {"best_epoch": 19}),
        ("other-checkpoint", 900, {"checkpoint": "last"}),
    ):
        write_evaluation(run, name, record(100.0, {"z": 5.0}, samples), **changed)
    other_seed = {**record(100.0, {"z": 5.0}, 50), "iw_nll": 99.0}
    write_evaluation(run, "other-seed", other_seed)
    (only,) = collect([run], "test")
    assert all(only.values(f"IW-NLL({samples})") == [104.5] for samples in (3, 5, 50, 500))
    assert only.values("IW-NLL(900)") == []


def test_an_evaluation_of_other_text_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = make_run(tmp_path / "run", result(100.0, {"z": 5.0}))
    write_evaluation(run, "a", {**record(5.0, {"z": 1.0}, 500), "tokens": 7})
    (only,) = collect([run], "test")
    assert only.values("IW-NLL(500)") == []
    assert "is of other text than" in caplog.text


def test_folders_without_a_finished_run_are_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ValueError, match=r"runs=\[\]"):
        find_runs([])
    with pytest.raises(ValueError, match="does not exist"):
        find_runs([str(tmp_path / "absent")])
    (make_run(tmp_path / "run", result(1.0, {})) / DONE).unlink()  # resumed, and killed
    with pytest.raises(ValueError, match="no finished run"):
        find_runs([str(tmp_path)])
    assert "vaetext resume" in caplog.text


def old_results() -> str:
    found = result(1.0, {})
    del found["test"]["iw_nll"]
    return json.dumps(found)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (RESULTS, old_results(), "does not fit this version of vaetext \\(it lacks 'iw_nll'\\)"),
        (RESULTS, "junk", "is damaged"),
        (RESULTS, "[]", "is damaged"),
        (OVERRIDES, "junk", "is damaged"),
    ],
)
def test_a_damaged_run_is_named_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, text: str, message: str
) -> None:
    damaged = make_run(tmp_path / "damaged", result(1.0, {}))
    whole = make_run(tmp_path / "whole", result(2.0, {}), seed=1)
    (damaged / name).write_text(text)
    expected = f"^{damaged / name} .*{message}"
    with pytest.raises(ValueError, match=expected):
        collect([damaged], "test")
    assert [row.values("rec") for row in collect([damaged, whole], "test")] == [[2.0]]
    assert re.search(expected, caplog.messages[0])


@pytest.mark.parametrize(
    ("text", "message"), [("", "is damaged"), ('{"test": {}}', "it lacks 'checkpoint'")]
)
def test_a_damaged_evaluation_is_named_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, message: str
) -> None:
    run = make_run(tmp_path / "run", result(1.0, {}))
    path = write_evaluation(run, "a", {})
    path.write_text(text)
    assert [row.seeds for row in collect([run], "test")] == [1]
    assert re.search(f"^{path} .*{message}", caplog.messages[0])


def runs_on_other_text(folder: Path) -> list[Path]:
    """Two runs whose data sets have one name, and test splits of 1,100 and 700 tokens."""
    other = result(50.0, {"z": 1.0}, 2)
    other["test"]["tokens"] = 700
    return [
        make_run(folder / "a", result(100.0, {"z": 1.0}, 1), 1),
        make_run(folder / "b", other, 2),
    ]


def test_runs_on_other_text_of_the_same_name_are_rows_of_their_own(tmp_path: Path) -> None:
    runs = runs_on_other_text(tmp_path)
    assert [(row.options, row.seeds) for row in collect(runs, "test")] == [
        ({"data.test_tokens": 700}, 1),
        ({"data.test_tokens": 1100}, 1),
    ]


def test_counts_are_shown_only_where_no_option_differs(tmp_path: Path) -> None:
    runs = runs_on_other_text(tmp_path)
    set_option(runs[1], "data.min_count", 2)
    rows = collect(runs, "test")
    assert [row.options for row in rows] == [{"data.min_count": 1}, {"data.min_count": 2}]


def write_sources(run: Path, text: str) -> None:
    sums = {"files": ["my.txt"], "file_sha256": [text], "sha256": {"test": f"{text} test"}}
    (run / SOURCES).write_text(json.dumps(sums))


def test_runs_on_other_text_of_the_same_size_are_rows_of_their_own(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / str(n), result(1.0 + n, {}, n), n) for n in range(3)]
    for run, text in zip(runs, "aba", strict=True):
        write_sources(run, text)
    rows = collect(runs, "test")
    assert [row.seeds for row in rows if row.values("rec") == [1.0, 3.0]] == [2]
    assert [row.seeds for row in rows if row.values("rec") == [2.0]] == [1]
    assert all(re.fullmatch("[0-9a-f]{8}", row.options["data.text"]) for row in rows)
    assert rows[0].options != rows[1].options


def test_the_text_is_a_column_only_where_options_and_sizes_do_not_tell_rows_apart(
    tmp_path: Path,
) -> None:
    runs = [make_run(tmp_path / str(n), result(1.0, {}, n), n) for n in range(3)]
    for run, text in zip(runs, "abc", strict=True):
        write_sources(run, text)
    assert "data.text" not in collect(runs[:1], "test")[0].options
    set_option(runs[2], "data.min_count", 2)
    assert "data.text" not in collect(runs[1:], "test")[0].options
    rows = collect(runs, "test")
    assert [row.options["data.min_count"] for row in rows] == [1, 1, 2]
    assert len({row.options["data.text"] for row in rows}) == 3


def test_an_evaluation_of_other_text_of_the_same_size_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = make_run(tmp_path / "run", result(100.0, {"z": 5.0}))
    write_sources(run, "a")
    for name, samples, text in (("same", 500, "a test"), ("other", 900, "b test")):
        write_evaluation(run, name, record(100.0, {"z": 5.0}, samples), sequences_sha256=text)
    (only,) = collect([run], "test")
    assert len(only.values("IW-NLL(500)")) == 1
    assert only.values("IW-NLL(900)") == []
    assert "is of other text than" in caplog.text


def test_rows_are_sorted_by_the_values_of_their_options(tmp_path: Path) -> None:
    runs = [
        make_run(tmp_path / str(size), result(1.0, {}), model=VRAE(name="vrae", latent_dim=size))
        for size in (16, 8, 32)
    ]
    rows = collect(runs, "test")
    assert [row.options["model.latent_dim"] for row in rows] == [8, 16, 32]


def test_a_run_of_a_model_that_is_not_installed_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runs = [make_run(tmp_path / name, result(100.0, {})) for name in ("a", "b")]
    set_option(runs[0], "model.name", "unigram")
    message = "unknown model unigram"
    assert [row.label for row in collect(runs, "test")] == ["vrae"]
    assert re.search(f"{message}.*; the run is left out", caplog.text)
    with pytest.raises(ValueError, match=message):
        collect(runs[:1], "test")
