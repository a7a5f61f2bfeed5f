"""``vaetext reproduce``: which runs it plans and starts, what it writes, and what fails."""

import sys
from pathlib import Path
from typing import Any

import pytest

from vaetext.cli import main as cli
from vaetext.config.table import Table
from vaetext.config.verbs import ReproduceConfig
from vaetext.runs.planned import PlannedRun, planned_runs
from vaetext.runs.processes import Job
from vaetext.runs.signals import Interrupted
from vaetext.training import estimate
from vaetext.verbs import reproduce

SIZES = [
    "trainer=debug",
    "data.train_size=40",
    "data.valid_size=20",
    "data.test_size=20",
    "model.hidden_dim=4",
]
ROWS: list[dict[str, Any]] = [
    {"name": "RNN (LM)", "overrides": ["model=rnnlm"], "published": {"-ELBO": 30}, "small": True},
    {"name": "VRAE", "overrides": ["model=vrae"]},
]


def table(**changes: Any) -> Table:
    given: dict[str, Any] = {
        "name": "t",
        "title": "A <table>",
        "note": "Its note.",
        "rows": ROWS,
        "scales": {"full": SIZES, "small": SIZES, "smoke": SIZES},
        "columns": ["-ELBO"],
        "figures": [{"title": "Samples", "row": "VRAE", "file": "samples.txt"}],
    }
    return Table(**{**given, **changes})


def config(outputs: Path, scale: str = "smoke", **options: Any) -> ReproduceConfig:
    tables = options.pop("tables", {"t": table()})
    return ReproduceConfig(tables=tables, scale=scale, outputs=str(outputs), **options)


def planned(outputs: Path, scale: str = "smoke", seeds: int = 1) -> list[PlannedRun]:
    return planned_runs([table()], scale, seeds, outputs)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments of processes that would be started; each ends with status 1."""
    found: list[list[str]] = []

    def run_jobs(jobs: list[Job], at_once: int, ended: Any) -> None:
        for job in jobs:
            found.append(list(job.arguments))
            job.log.parent.mkdir(parents=True, exist_ok=True)
            job.log.write_text("first\n\nthe reason\n")
            ended(job, 1, 0.5)

    monkeypatch.setattr(reproduce, "run_jobs", run_jobs)
    monkeypatch.setattr(reproduce.estimate, "seconds", lambda config, threads: 60.0)
    return found


def test_a_small_scale_has_marked_rows_alone(tmp_path: Path) -> None:
    assert [run.title for run in planned(tmp_path, "small")] == ["t: RNN (LM) (seed 0)"]
    folders = [
        run.folder.relative_to(tmp_path / "tables/full") for run in planned(tmp_path, "full")
    ]
    assert folders == [Path("t/RNN-LM/seed-0"), Path("t/VRAE/seed-0")]


def test_every_seed_is_a_run(tmp_path: Path) -> None:
    runs = planned(tmp_path, seeds=2)
    assert [run.config.seed for run in runs] == [0, 1, 0, 1]
    assert runs[1].command.startswith("vaetext train model=rnnlm trainer=debug ")
    assert runs[1].command.endswith(" seed=1")


def test_a_row_has_its_own_seeds_at_the_full_scale_or_more(tmp_path: Path) -> None:
    rows = [{"name": "VRAE", "overrides": ["model=vrae"], "seeds": 3, "small": True}]
    seeds = {
        (scale, given): [
            run.config.seed for run in planned_runs([table(rows=rows)], scale, given, tmp_path)
        ]
        for scale, given in (("full", 1), ("full", 4), ("small", 1), ("small", 2))
    }
    assert list(seeds.values()) == [[0, 1, 2], [0, 1, 2, 3], [0], [0, 1]]


def test_a_row_that_does_not_fit_is_named(tmp_path: Path) -> None:
    rows = [{"name": "odd", "overrides": ["model=vrea"]}]
    with pytest.raises(ValueError, match=r"table t, row odd: .*vrea"):
        planned_runs([table(rows=rows)], "full", 1, tmp_path)


def test_an_unknown_scale_of_a_table_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"scale=small: table t has full"):
        table(scales={"full": []}).rows_of("small")
    with pytest.raises(ValueError, match=r"scales\.tiny: no such scale"):
        table(scales={"tiny": []})


def test_smoke_trains_every_row_here_and_writes_all_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reproduce.run(config(tmp_path))
    folder = tmp_path / "tables/smoke"
    printed = capsys.readouterr().out
    assert (folder / "t.md").read_text().strip() == printed.strip()
    header, first, _ = (folder / "t.csv").read_text().splitlines()
    assert header == "model,-ELBO,published -ELBO,difference -ELBO"
    name, ours, published, difference = first.split(",")
    assert name.startswith("RNN (LM)")
    assert float(ours) - float(published) == pytest.approx(float(difference), abs=0.01)
    assert r"\toprule" in (folder / "t.tex").read_text()
    page = (folder / "index.html").read_text()
    assert "A &lt;table&gt;" in page
    assert "vaetext train model=vrae" in page
    assert not (folder / "t/VRAE/seed-0/samples.txt").exists()


def test_finished_runs_are_kept_and_a_run_of_other_options_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reproduce.run(config(tmp_path))
    done = [run.folder / "results.json" for run in planned(tmp_path)]
    before = [path.stat().st_mtime_ns for path in done]
    reproduce.run(config(tmp_path))
    assert [path.stat().st_mtime_ns for path in done] == before
    other = {"t": table(scales={"smoke": [*SIZES, "model.embedding_dim=3"]})}
    reproduce.run(config(tmp_path, tables=other))
    assert [path.stat().st_mtime_ns for path in done] == before
    assert (done[0].parent.with_name("seed-0-2") / "DONE").exists()


def test_a_run_that_fails_stops_no_other_and_is_listed(
    tmp_path: Path, started: list[list[str]]
) -> None:
    with pytest.raises(ValueError, match=r"2 of 2 runs failed\. t: RNN \(LM\).*the reason"):
        reproduce.run(config(tmp_path, "full", jobs=2))
    assert len(started) == 2
    assert all(any(word.startswith("trainer.threads=") for word in each) for each in started)
    assert "Not finished: t: RNN (LM) (seed 0)" in (tmp_path / "tables/full/index.html").read_text()


def test_a_plan_starts_nothing(
    tmp_path: Path, started: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    reproduce.run(config(tmp_path, "full", plan=True, jobs=2))
    assert not started
    assert "2 runs to train, 2 at a time: about 60 s" in capsys.readouterr().out
    assert not (tmp_path / "tables").exists()


def test_a_plan_says_what_cannot_be_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"name": "lost", "overrides": ["data=text", "data.train=nowhere.txt"]}]
    reproduce.run(
        config(
            tmp_path,
            "full",
            plan=True,
            tables={"t": table(rows=rows, scales={"full": []}, figures=[])},
        )
    )
    assert "t: lost (seed 0) cannot be trained: " in capsys.readouterr().out


def test_an_estimate_leaves_nothing_and_is_of_the_right_size(tmp_path: Path) -> None:
    (run, *_) = planned(tmp_path)
    assert 0 < estimate.seconds(run.config) < 60
    assert not run.folder.exists()


def test_an_interrupt_says_how_to_go_on(
    tmp_path: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise Interrupted(15)

    monkeypatch.setattr(reproduce, "run_jobs", interrupted)
    with pytest.raises(Interrupted, match="the same command goes on") as raised:
        reproduce.run(config(tmp_path, "full"))
    assert raised.value.number == 15


def test_rows_are_trained_with_the_users_config_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[list[str]]
) -> None:
    for group in ("table", "trainer"):
        (tmp_path / "own" / group).mkdir(parents=True)
    (tmp_path / "own/trainer/mine.yaml").write_text("defaults: [debug, _self_]\nname: mine\n")
    (tmp_path / "own/table/t.yaml").write_text(
        "# @package tables.t\ndefaults: [/schema/table/table@_here_, _self_]\n\n"
        "name: t\nrows: [{name: VRAE, overrides: [trainer=mine]}]\nscales: {full: []}\n"
    )
    monkeypatch.chdir(tmp_path)
    arguments = ["reproduce", "--config-dir", "own", "table=t", "scale=full"]
    monkeypatch.setattr(sys, "argv", ["vaetext", *arguments])
    with pytest.raises(SystemExit):
        cli.main()
    (command,) = started
    assert command[:4] == ["train", "--config-dir", str(tmp_path / "own"), "trainer=mine"]


def test_what_is_left_is_weighted_by_the_estimates(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = iter([100.0, 120.0, 150.0])
    monkeypatch.setattr(reproduce.time, "monotonic", lambda: next(clock))
    progress = reproduce.Progress({"short": 10.0, "long": 30.0, "lost": "no such file"})
    with caplog.at_level("INFO"):
        progress.report("lost", "failed", 1.0)
        progress.report("short", "done", 50.0)
    assert [record.getMessage() for record in caplog.records] == [
        "1 of 3: lost failed in 1 s; about 40 s left",
        "2 of 3: short done in 50 s; about 2 min left",
    ]
