"""Tables: columns, means over seeds, what is bold, and the three formats."""

import csv
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from vaetext.config.data import TextData
from vaetext.config.model import RNNLM, VRAE
from vaetext.config.train import TrainConfig
from vaetext.config.trainer import Trainer
from vaetext.evaluation.scoring import perplexity
from vaetext.report.table import (
    Row,
    cells,
    columns,
    csv_table,
    latex_table,
    markdown_table,
    ordered,
    run_table,
)
from vaetext.runs.layout import CONFIG
from vaetext.verbs.tables import collect, find_runs


def record(
    rec: float, kl: dict[str, float], samples: int | None = None, truth: float | None = None
) -> dict[str, Any]:
    """A split's record as evaluation writes it, 100 sequences of 10 tokens and EOS; the importance-weighted bound is half a nat tighter."""
    neg_elbo = rec + sum(kl.values())
    iw = neg_elbo - 0.5 if samples else None if kl else neg_elbo
    return {
        "rec": rec, "kl": kl, "neg_elbo": neg_elbo, "iw_nll": iw, "iw_samples": samples, "ppl": perplexity(neg_elbo, 100, 1100),
        "ppl_no_eos": perplexity(neg_elbo, 100, 1000), "rec_ppl_no_eos": perplexity(rec, 100, 1000), "iw_ppl": perplexity(iw, 100, 1100),
        "bits_per_symbol": neg_elbo / 11 / 0.6931, "log_likelihood_per_frame": None, "fivo_nll": None, "active_units": dict.fromkeys(kl, 3),
        "mutual_information": dict.fromkeys(kl, 1.25), "shuffle_rec_increase": dict.fromkeys(kl, 4.0), "truth_gap": truth,
        "truth_gap_stderr": None if truth is None else 0.01, "sequences": 100, "tokens": 1100, "tokens_no_eos": 1000,
    }  # fmt: skip


def result(rec: float, kl: dict[str, float], seed: int = 0, name: str = "vrae") -> dict[str, Any]:
    return {
        "model": name, "data": "ptb", "trainer": "paper", "seed": seed, "epochs": 20, "best_epoch": 12, "parameters": 1234567,
        "train_seconds": 9.0, "tokens_per_second": 12345.6, "valid": record(rec + 1, kl), "test": record(rec, kl, 50 if kl else None),
    }  # fmt: skip


def make_run(
    folder: Path,
    figures: dict[str, Any],
    seed: int = 0,
    model: Any = None,
    data: str = "ptb",
    **trainer: Any,
) -> Path:
    config = TrainConfig(model or VRAE(name="vrae"), TextData(name=data), Trainer(**trainer), seed)
    (folder / ".hydra").mkdir(parents=True)
    OmegaConf.save(OmegaConf.structured(config), folder / ".hydra/config.yaml")
    (folder / "results.json").write_text(json.dumps(figures))
    (folder / "DONE").touch()
    return folder


def test_a_perplexity_that_is_absurd_stays_short() -> None:
    table = run_table(
        {**result(100.0, {}), "test": {**record(100.0, {}), "ppl": 8.2e307, "ppl_no_eos": None}}
    )
    assert "8.20e+307" in table and max(map(len, table.splitlines())) < 400


def test_columns_name_their_convention_and_come_in_order() -> None:
    values = columns(record(100.0, {"z_g": 4.0, "z_l": 2.0}, 50, 0.3))
    assert list(values) == [
        "rec", "KL z_g", "KL z_l", "-ELBO", "IW-NLL(50)", "PPL", "PPL (no EOS)", "IW-PPL(50)", "NLL (rec)", "PPL (rec, no EOS)",
        "rec per symbol", "bits per symbol", "AU z_g", "AU z_l", "MI z_g", "MI z_l", "shuffle z_g", "shuffle z_l", "distance to truth",
        "stderr of distance",
    ]  # fmt: skip
    assert values["-ELBO"] == 106.0
    assert values["IW-NLL(50)"] == 105.5
    assert values["NLL (rec)"] == 100.0
    assert values["rec per symbol"] == 10.0
    assert ordered(["IW-PPL(50)", "KL z", "IW-NLL(500)", "rec", "PPL", "IW-NLL(50)"]) == [
        "rec",
        "KL z",
        "IW-NLL(50)",
        "IW-NLL(500)",
        "PPL",
        "IW-PPL(50)",
    ]


def test_latents_of_different_models_stand_in_their_natural_order() -> None:
    names = ["z_7", "z_3", "z_10", "z", "z_l", "z_2", "z_g", "z_1"]
    natural = ["z", "z_1", "z_2", "z_3", "z_7", "z_10", "z_g", "z_l"]
    assert ordered(f"{kind} {name}" for name in names for kind in ("MI", "KL")) == [
        f"{kind} {name}" for kind in ("KL", "MI") for name in natural
    ]


def row(label: str, *records: dict[str, Any], data: str = "ptb") -> Row:
    made = Row(label, data)
    for each in records:
        made.add(columns(each))
    return made


def cell(table: list[list[str]], line: int, name: str) -> str:
    return table[line][table[0].index(name)]


def test_seeds_are_averaged_and_the_best_bound_of_each_data_set_is_bold() -> None:
    seeds = [record(rec, {"z": 5.0}, 50) for rec in (100.0, 101.0, 102.0)]
    table = cells(
        [
            row("vrae", *seeds),
            row("rnnlm", record(102.0, {})),
            row("rnnlm", record(30.0, {}), data="grammar"),
        ]
    )
    assert cell(table, 1, "seeds") == "3"
    assert cell(table, 1, "-ELBO") == "106.00 ± 1.00"
    assert cell(table, 2, "-ELBO") == "**102.00**"
    assert cell(table, 3, "-ELBO") == "30.00"  # alone on its data
    assert (
        cell(table, 1, "rec") == "101.00 ± 1.00"
    )  # the reconstruction alone is no bound, and is never the best
    assert cell(table, 1, "NLL (rec)") == "101.00 ± 1.00"
    assert cell(table, 2, "KL z") == "-"


def test_a_model_without_a_latent_is_exact_for_every_number_of_samples() -> None:
    table = cells(
        [
            row("vrae", record(100.0, {"z": 5.0}, 50)),
            row("vrae", record(99.0, {"z": 5.0}, 500)),
            row("rnnlm", record(102.0, {})),
        ]
    )
    assert cell(table, 3, "IW-NLL(50)") == "**102.00**"
    assert cell(table, 3, "IW-NLL(500)") == "**102.00**"
    assert cell(table, 1, "IW-NLL(500)") == "-"
    assert "IW-NLL(50)" not in cells([row("rnnlm", record(102.0, {}))])[0]


def test_one_run_is_a_line_a_quantity() -> None:
    text = run_table(result(100.0, {"z": 5.0}))
    assert "# vrae on ptb, trainer=paper, seed 0" in text
    assert "1,234,567 parameters" in text
    lines = {
        line.split("|")[1].strip(): [part.strip() for part in line.split("|")[2:4]]
        for line in text.splitlines()
        if line.startswith("|")
    }
    assert lines[""] == ["valid", "test"]
    assert lines["-ELBO"] == ["106.00", "105.00"]
    assert lines["IW-NLL(50)"] == ["-", "104.50"]
    assert lines["AU z"] == ["3", "3"]
    assert "\nNats per sequence" in text


def test_markdown_is_aligned_and_names_the_protocol() -> None:
    text = markdown_table(
        [row("vrae latent_dim=8", record(100.0, {"z": 5.0}, 50)), row("rnnlm", record(102.0, {}))],
        "test",
    )
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == 4
    assert "over the whole test split" in text
    assert "±" in text


def test_csv_holds_plain_numbers() -> None:
    rows = [
        row("vrae", record(1100.0, {"z": 5.0}, 50), record(1102.0, {"z": 5.0}, 50)),
        row("rnnlm", record(1102.0, {})),
    ]
    head, *body = csv.reader(csv_table(rows, "test").splitlines())
    first, second = (dict(zip(head, each, strict=True)) for each in body)
    assert float(first["rec"]) == 1101.0
    assert float(first["rec std"]) == pytest.approx(2**0.5)
    assert second["rec std"] == ""
    assert second["KL z"] == ""
    assert float(second["IW-NLL(50)"]) == 1102.0
    assert "rec std" not in csv_table(rows[1:], "test")


def test_latex_escapes_and_marks() -> None:
    rows = [
        row(
            "a_b & 50% {x} \\ <unk>",
            record(100.0, {"z_g": 5.0}, 50),
            record(101.0, {"z_g": 5.0}, 50),
        ),
        row("rnnlm", record(102.0, {})),
    ]
    text = latex_table(rows, "test")
    assert r"a\_b \& 50\% \{x\} \textbackslash{} \textless{}unk\textgreater{}" in text
    assert r"\textbf{102.00}" in text
    assert r"105.50 $\pm$ 0.71" in text
    assert r"KL z\_g" in text
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len({line.replace(r"\&", "").count("&") for line in body}) == 1
    assert text.splitlines()[0].startswith("% ")


def test_runs_that_differ_in_the_seed_alone_are_one_row(tmp_path: Path) -> None:
    for seed in (0, 1):
        make_run(
            tmp_path / f"a{seed}",
            result(100.0 + seed, {"z": 5.0}, seed),
            seed,
            device="cpu",
            log_every=seed + 1,
        )
        make_run(
            tmp_path / f"b{seed}",
            result(98.0 + seed, {"z": 7.0}, seed),
            seed,
            VRAE(name="vrae", latent_dim=32),
        )
    make_run(tmp_path / "c", result(102.0, {}), model=RNNLM(name="rnnlm"), name="paper", lr=0.5)
    make_run(tmp_path / "d", result(90.0, {}), model=RNNLM(name="rnnlm"))
    rows = collect(find_runs([str(tmp_path)]), "test")
    assert [(each.label, each.seeds) for each in rows] == [
        ("rnnlm trainer=default", 1), ("rnnlm trainer=paper", 1), ("vrae latent_dim=16", 2), ("vrae latent_dim=32", 2),
    ]  # fmt: skip
    assert rows[2].values("rec") == [100.0, 101.0]


def test_of_repeated_runs_the_newest_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number, rec in enumerate((100.0, 90.0, 95.0)):
        folder = make_run(tmp_path / str(2 - number), result(rec, {"z": 5.0}))
        os.utime(folder / "results.json", (number, number))
    (only,) = collect(find_runs([str(tmp_path), str(tmp_path / "1")]), "test")
    assert only.seeds == 1
    assert only.values("rec") == [95.0]
    assert "repeats" in caplog.text


def test_later_evaluations_of_the_same_checkpoint_add_their_samples(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", result(100.0, {"z": 5.0}))
    later = (
        ("a", "best", 12, 500),
        ("b", "best", 19, 900),
        ("c/0", "best", 12, 3),
        ("c/1", "best", 12, 5),
        ("d", "last", 12, 900),
    )
    for name, which, epoch, samples in later:
        found = {
            "checkpoint": which,
            "best_epoch": epoch,
            "test": record(100.0, {"z": 5.0}, samples),
        }
        (folder / "evaluate" / name).mkdir(parents=True)
        (folder / "evaluate" / name / "results.json").write_text(json.dumps(found))
    again = {
        "checkpoint": "best",
        "best_epoch": 12,
        "test": {**record(100.0, {"z": 5.0}, 50), "iw_nll": 99.0},
    }  # of another seed
    (folder / "evaluate" / "e").mkdir()
    (folder / "evaluate" / "e" / "results.json").write_text(json.dumps(again))
    (only,) = collect(find_runs([str(folder)]), "test")
    assert all(only.values(f"IW-NLL({samples})") == [104.5] for samples in (3, 5, 50, 500))
    assert only.values("IW-NLL(900)") == []


def test_an_evaluation_of_other_text_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_run(tmp_path / "run", result(100.0, {"z": 5.0}))
    other = {**record(5.0, {"z": 1.0}, 500), "tokens": 7}
    (folder / "evaluate" / "a").mkdir(parents=True)
    (folder / "evaluate" / "a" / "results.json").write_text(
        json.dumps({"checkpoint": "best", "best_epoch": 12, "test": other})
    )
    (only,) = collect([folder], "test")
    assert only.values("IW-NLL(500)") == [] and "is of other text than" in caplog.text


def test_what_cannot_be_tabulated_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match=r"runs=\[\]"):
        find_runs([])
    with pytest.raises(ValueError, match="does not exist"):
        find_runs([str(tmp_path / "absent")])
    (make_run(tmp_path / "run", result(1.0, {})) / "DONE").unlink()  # resumed, and killed
    with pytest.raises(ValueError, match="no finished run"):
        find_runs([str(tmp_path)])
    assert "vaetext resume" in caplog.text


def test_files_that_are_damaged_or_of_another_version_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, whole = (
        make_run(tmp_path / "run", result(1.0, {})),
        make_run(tmp_path / "whole", result(2.0, {}), seed=1),
    )
    old = result(1.0, {})
    del old["test"]["fivo_nll"]
    results, overrides, later = (
        folder / "results.json",
        folder / "resumed.json",
        folder / "evaluate" / "a" / "results.json",
    )
    later.parent.mkdir(parents=True)
    for path, text, message in (
        (
            results,
            json.dumps(old),
            "does not fit this version of vaetext \\(it lacks 'fivo_nll'\\)",
        ),
        (results, "junk", "is damaged"),
        (results, "[]", "is damaged"),
        (overrides, "junk", "is damaged"),
        (later, "", "is damaged"),
        (later, '{"test": {}}', "it lacks 'checkpoint'"),
    ):
        before = path.read_text() if path.exists() else None
        path.write_text(text)
        told = f"^{path} .*{message}"
        caplog.clear()
        if path == later:
            assert [row.seeds for row in collect([folder], "test")] == [1]
        else:
            with pytest.raises(ValueError, match=told):
                collect([folder], "test")
            assert [row.values("rec") for row in collect([folder, whole], "test")] == [[2.0]]
        assert re.search(told, caplog.messages[0])
        path.write_text(before) if before is not None else path.unlink()


def test_runs_on_other_text_of_the_same_name_are_no_seeds_of_one_row(tmp_path: Path) -> None:
    other = result(50.0, {"z": 1.0}, 2)
    other["test"]["tokens"] = 700
    runs = [
        make_run(tmp_path / "a", result(100.0, {"z": 1.0}, 1), 1),
        make_run(tmp_path / "b", other, 2),
    ]
    assert [(row.data, row.seeds) for row in collect(runs, "test")] == [
        ("ptb test_tokens=700", 1),
        ("ptb test_tokens=1100", 1),
    ]


def test_what_is_no_knob_is_shown_where_no_knob_differs_alone(tmp_path: Path) -> None:
    other = result(50.0, {"z": 1.0}, 2)
    other["test"]["tokens"] = 700
    runs = [make_run(tmp_path / "a", result(100.0, {"z": 1.0}, 1)), make_run(tmp_path / "b", other)]
    config = OmegaConf.load(runs[1] / CONFIG)
    config.data.min_count = 2
    OmegaConf.save(config, runs[1] / CONFIG)
    assert [row.data for row in collect(runs, "test")] == ["ptb min_count=1", "ptb min_count=2"]


def test_rows_are_sorted_by_the_numbers_in_their_labels(tmp_path: Path) -> None:
    sizes = [
        (
            size,
            make_run(
                tmp_path / str(size), result(100.0, {}), model=VRAE(name="vrae", latent_dim=size)
            ),
        )
        for size in (16, 8, 32)
    ]
    assert [row.label for row in collect([folder for _, folder in sizes], "test")] == [
        f"vrae latent_dim={size}" for size in (8, 16, 32)
    ]


def test_a_run_of_a_model_that_is_not_installed_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runs = [make_run(tmp_path / name, result(100.0, {})) for name in ("a", "b")]
    config = OmegaConf.load(runs[0] / CONFIG)
    config.model.name = "unigram"
    OmegaConf.save(config, runs[0] / CONFIG)
    assert [row.label for row in collect(runs, "test")] == ["vrae"]
    assert (
        "model unigram is not known here; install the package that brings it; the run is left out"
        in caplog.text
    )
    with pytest.raises(ValueError, match="model unigram is not known here"):
        collect(runs[:1], "test")


def test_a_column_that_some_seeds_lack_is_left_out() -> None:
    row = Row("vrae", "ptb")
    row.add({"KL z": 1.0, "-ELBO": 30.0, "IW-NLL(3)": 29.0})
    row.add({"KL z": 2.0, "-ELBO": 31.0})
    other = Row("hvrae", "ptb", 1, {"KL z": [1.0], "-ELBO": [40.0], "IW-NLL(3)": [39.0]})
    head, first, second = cells([row, other])
    place = head.index("IW-NLL(3)")
    assert (first[place], second[place]) == ("-", "39.00")
    assert ",30.5,0.707" in csv_table([row], "test") and "29" not in csv_table([row], "test")
