"""Jobs, their folders and sweeps, with a stand-in for training."""

import operator
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from command_line import run_cli
from tiny import contents

import vaetext.training.session
import vaetext.verbs.train
from vaetext.config.options import option
from vaetext.config.trained import ReadsRun
from vaetext.config.verbs import VERBS, Verb
from vaetext.report.output import output_folder
from vaetext.runs.folder import load_config, save_config


class Stub:
    """Stands in for training: counts its jobs, and fails where seed is 1."""

    def __init__(self) -> None:
        self.folders: list[Path] = []
        self.finishes = False

    def __call__(self, config: Any) -> float:
        save_config(output_folder(), config)
        self.folders.append(output_folder())
        if config.seed == 1:
            raise ValueError("seed=1 is bad luck")
        if self.finishes:
            (output_folder() / "DONE").touch()
        return 0.0


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    stub = Stub()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(vaetext.verbs.train, "run", stub)
    return stub


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with two folders ``a`` and ``b`` that hold a run."""
    for name in ("a", "b"):
        (tmp_path / name / ".hydra").mkdir(parents=True)
        (tmp_path / name / ".hydra/config.yaml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_runs_never_share_a_folder(stub: Stub) -> None:
    for _ in range(3):
        assert run_cli("train").status == 0
    assert len(set(stub.folders)) == 3
    for folder in stub.folders:
        assert (folder / ".hydra/config.yaml").is_file()
        assert folder.parts[-3:-1] == ("grammar", "vrae")


def test_an_error_of_a_verb_is_one_message_and_leaves_no_folder(stub: Stub, tmp_path: Path) -> None:
    done = run_cli("train seed=1 data=sine")
    assert done.status == 1
    assert done.error == "error: seed=1 is bad luck\n"
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_fails_after_it_wrote_a_result_keeps_its_folder(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_late(config: Any) -> float:
        stub(config)
        (stub.folders[-1] / "env.json").touch()
        raise ValueError("later")

    assert run_cli("train seed=0").status == 0
    monkeypatch.setattr(vaetext.verbs.train, "run", fail_late)
    assert run_cli("train seed=2").status == 1
    assert [folder.is_dir() for folder in stub.folders] == [True, True]


def test_an_interrupt_ends_with_status_130(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(config: Any) -> float:
        raise KeyboardInterrupt("checkpoint written")

    monkeypatch.setattr(vaetext.verbs.train, "run", interrupt)
    done = run_cli("train data=sine")
    assert done.status == 130
    assert done.error == "interrupted: checkpoint written\n"


@pytest.mark.parametrize("mode", ["", "-m hydra.sweep.subdir=."])
@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (KeyboardInterrupt("step 3 is saved"), "WARNING interrupted: step 3 is saved"),
        (ValueError("not finite"), "ERROR error: "),
    ],
)
def test_what_ends_a_job_is_in_its_log(
    error: BaseException,
    logged: str,
    mode: str,
    stub: Stub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(config: Any) -> float:
        stub(config)
        (stub.folders[-1] / "env.json").touch()
        raise error

    monkeypatch.setattr(vaetext.verbs.train, "run", fail)
    done = run_cli(f"train {mode} hydra.run.dir=run hydra.sweep.dir=run")
    text = (tmp_path / "run/train.log").read_text()
    assert text.count(str(error)) == 1
    assert logged in text
    assert str(error) in done.error


@pytest.mark.parametrize(("number", "status"), [("INT", 130), ("TERM", 143), ("HUP", 129)])
def test_a_signal_in_any_phase_is_one_message_and_128_plus_its_number(
    number: str, status: int, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(config: Any) -> float:
        os.kill(os.getpid(), signal.Signals[f"SIG{number}"])
        raise AssertionError("the signal was not taken")

    monkeypatch.setattr(vaetext.verbs.train, "run", killed)
    done = run_cli("train data=sine")
    assert done.status == status
    assert done.error == "interrupted\n"
    assert done.output == ""


@pytest.mark.parametrize("flags", ["--cfg job", "--cfg all", "--info"])
def test_showing_a_configuration_makes_no_folder(stub: Stub, flags: str, tmp_path: Path) -> None:
    assert run_cli(f"train {flags}").status == 0
    assert stub.folders == []
    assert list(tmp_path.iterdir()) == []


def test_options_of_a_trainer_on_one_data_set_are_logged(stub: Stub) -> None:
    logged = run_cli("train trainer.epochs=3").error
    assert "trainer=default on data=grammar: 7 options from conf/trainer_for_data/" in logged
    assert "grammar/default.yaml (batch_size=64," in logged
    assert "on model=" not in logged
    for_model = run_cli("train model=latent-seq").error
    assert (
        "trainer=default on model=latent-seq: 6 options from conf/trainer_for_model/" in for_model
    )


@pytest.mark.parametrize(
    ("line", "link"),
    [
        ("train hydra.run.dir=hostile", "train.log"),
        ("evaluate a hydra.run.dir=hostile", "evaluate.log"),
        ("resume a hydra.run.dir=hostile", "train.log"),
        ("train -m seed=2,3 hydra.sweep.dir=. hydra.sweep.subdir=hostile/${seed}", "3/train.log"),
        ("evaluate a -m seed=2,3 hydra.sweep.dir=. hydra.sweep.subdir=hostile", "evaluate.log"),
        ("train -m seed=2,3 hydra.sweep.dir=hostile", "multirun.yaml"),
    ],
)
@pytest.mark.parametrize("hard", [False, True])
def test_nothing_is_written_through_links(
    line: str, link: str, hard: bool, runs: Path, stub: Stub
) -> None:
    """A log is opened before a job starts, and a sweep's record before its first job."""
    outside = runs / "outside"
    outside.write_text("precious")
    path = runs / "hostile" / link
    path.parent.mkdir(parents=True)
    path.hardlink_to(outside) if hard else path.symlink_to(outside)
    before = contents(runs)
    done = run_cli(line)
    assert done.status == 1
    assert f"{path} " in done.error
    assert "where this command would then write; remove the link" in done.error
    assert contents(runs) == before


def test_runs_may_be_written_below_the_home_folder(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "the home"))
    assert run_cli("train outputs=~/runs").status == 0
    assert stub.folders[0].is_relative_to(tmp_path / "the home/runs")


def test_a_job_that_fails_does_not_stop_a_sweep(stub: Stub) -> None:
    stub.finishes = True
    done = run_cli("train -m sweep=foo seed=1,2")
    assert done.status == 1
    assert "error: job 0: seed=1 is bad luck" in done.error  # when it fails
    assert "error: job 0 failed (sweep=foo seed=1): seed=1 is bad luck; 1 of 2" in done.error
    assert "1 of 2 jobs have not finished (seed=1); `vaetext resume " in done.error
    assert "Traceback" not in done.error
    assert [folder.name for folder in stub.folders] == ["seed=1", "seed=2"]


def test_a_sweep_ends_with_the_number_of_its_jobs(stub: Stub, tmp_path: Path) -> None:
    stub.finishes = True
    done = run_cli("train -m sweep=foo seed=2,3")
    sweep = tmp_path / "outputs/sweeps/foo"
    assert f"2 jobs have finished; `vaetext tables {sweep}` compares them" in done.error


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (
            "trainer.beta_max=0.5,1 seed=2 model.latent_dim=choice(8)",
            ["beta_max=0.5,latent_dim=8", "beta_max=1.0,latent_dim=8"],
        ),
        ("experiment=ptb/vrae,ptb/hvrae", ["experiment=ptb-vrae", "experiment=ptb-hvrae"]),
        ("model=rnnlm trainer=debug,fast", ["trainer=debug", "trainer=fast"]),
        ("trainer.betas=[0.9,0.99],[0.8,0.99]", ["betas=0.9-0.99", "betas=0.8-0.99"]),
        ("+trainer.latents.z.free_bits=1,2", ["latents.z.free_bits=1", "latents.z.free_bits=2"]),
        ("seed=2", ["0"]),
    ],
)
def test_folders_of_a_sweep_are_named_by_the_options_that_vary(
    stub: Stub, line: str, names: list[str]
) -> None:
    assert run_cli(f"train -m {line}").status == 0
    assert [folder.name for folder in stub.folders] == names


def test_jobs_that_are_the_same_run_are_refused(stub: Stub, tmp_path: Path) -> None:
    done = run_cli("train -m trainer.lr=0.1,1e-1")
    assert "(trainer.lr=0.1) and (trainer.lr=0.1) are the same run; leave one" in done.error
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_that_is_run_again_has_the_same_folders(stub: Stub) -> None:
    for _ in range(2):
        assert run_cli("train -m seed=2,3").status == 0
    assert stub.folders[:2] == stub.folders[2:]


@pytest.mark.parametrize("wrong", ["model=vraee", "trainer.nope=3", "model=vrae,rnnlm seed=a b"])
def test_a_sweep_with_a_typo_makes_no_folder(stub: Stub, wrong: str, tmp_path: Path) -> None:
    assert run_cli(f"train -m seed=2,3 {wrong}").status == 1
    assert stub.folders == []
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_is_refused_before_its_first_job(stub: Stub, tmp_path: Path) -> None:
    done = run_cli("train -m seed=2,3 model.latent_dim=4,0")
    assert done.status == 1
    assert "error: job 1 (seed=2 model.latent_dim=0): model.latent_dim=0 is out of" in done.error
    assert stub.folders == []


def test_jobs_of_a_sweep_that_never_began_are_resumed(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(config: Any) -> float:
        stub(config)
        (stub.folders[-1] / "DONE").touch()
        raise KeyboardInterrupt

    started: list[int] = []

    def begin(config: Any, folder: Path, **_: Any) -> None:
        (folder / "table.md").touch()
        started.append(config.seed)

    monkeypatch.setattr(vaetext.verbs.train, "run", interrupt)
    monkeypatch.setattr(vaetext.training.session, "train", begin)
    monkeypatch.setenv("S", "4")
    line = "train -m sweep=foo seed=2,3,${oc.env:S} hydra.sweep.subdir=${model.name}/seed${seed}"
    assert run_cli(line).status == 130
    monkeypatch.delenv("S")
    sweep = tmp_path / "outputs/sweeps/foo"
    assert [load_config(sweep / f"vrae/seed{n}").seed for n in (2, 3, 4)] == [2, 3, 4]
    assert run_cli(f"resume {sweep}").status == 0
    assert started == [3, 4]


def test_folders_that_are_no_jobs_of_a_sweep_are_named_and_left(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(config: Any, folder: Path, **_: Any) -> None:
        (folder / "table.md").touch()
        started.append(config.seed)

    started: list[int] = []
    monkeypatch.setattr(vaetext.training.session, "train", begin)
    for seeds in ("2,3,4", "2,5"):  # nothing has begun in the first one's folders
        assert run_cli(f"train -m sweep=foo seed={seeds}").status == 0
    sweep = tmp_path / "outputs/sweeps/foo"
    done = run_cli(f"resume {sweep}")
    assert (done.status, started) == (0, [2, 5])
    for seed in (3, 4):
        assert f"{sweep}/seed={seed} is no job of its sweep and never began: it is" in done.error
    assert run_cli(f"resume {sweep}/seed=4").status == 0
    assert started == [2, 5, 4]
    (sweep / "seed=4/table.md").unlink()
    for damaged in ("hydra: 3", "", "{", "hydra: {sweeper: {params: {a: 1}}}"):
        (sweep / "multirun.yaml").write_text(damaged)
        assert f"{sweep}/multirun.yaml is damaged" in run_cli(f"resume {sweep}").error


def test_folders_of_a_sweep_may_be_named_by_its_overrides(stub: Stub, tmp_path: Path) -> None:
    line = "train -m sweep=foo seed=2,3 model.latent_dim=4"
    assert run_cli(f"{line} hydra.sweep.subdir=${{hydra.job.override_dirname}}").status == 0
    names = [f"model.latent_dim=4,seed={seed},sweep=foo" for seed in (2, 3)]
    assert [folder.name for folder in stub.folders] == names


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("seed=2,3 trainer.lr=0.1", "job 0 (sweep=foo seed=2 trainer.lr=0.1): "),
        ("seed=2,3 trainer.lr=0.1", "sweeps/foo/seed=2 holds a run with trainer.lr="),
        ("seed=8,9 hydra.sweep.subdir=a", "seed=8) and (sweep=foo seed=9) have the same folder"),
    ],
)
def test_a_refused_sweep_changes_nothing(
    stub: Stub, line: str, message: str, tmp_path: Path
) -> None:
    assert run_cli("train -m sweep=foo seed=2,3").status == 0
    (stub.folders[0] / "DONE").touch()
    before = contents(tmp_path)
    done = run_cli(f"train -m sweep=foo {line}")
    assert done.status == 1
    assert message in done.error
    assert contents(tmp_path) == before


@pytest.mark.parametrize("line", ["train", "train -m seed=2,3"])
def test_the_working_folder_stays(stub: Stub, line: str, tmp_path: Path) -> None:
    done = run_cli(f"{line} hydra.job.chdir=true")
    assert done.status == 1
    assert "error: hydra.job.chdir=true: paths are relative to the folder" in done.error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("rates", "status"), [("0.1,-1", 1), ("0.1,0.2", 0)])
def test_an_experiment_may_hold_a_sweep(
    stub: Stub, tmp_path: Path, rates: str, status: int
) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/rates.yaml").write_text(
        f"# @package _global_\nhydra: {{sweeper: {{params: {{trainer.lr: '{rates}'}}}}}}\n"
    )
    done = run_cli("train", "-m", "--config-dir", str(tmp_path), "experiment=rates")
    assert done.status == status
    message = "job 1 (trainer.lr=-1 experiment=rates): trainer.lr=-1.0 is out of range"
    assert (message in done.error) == bool(status)
    assert len(stub.folders) == (0 if status else 2)


@pytest.mark.parametrize(
    ("line", "key", "values"),
    [
        ("data -m data=sine,grammar", "data.name", ["sine", "grammar"]),
        ("tables a -m format=csv,latex", "format", ["csv", "latex"]),
        ("reproduce -m scale=smoke,full", "scale", ["smoke", "full"]),
        ("resume -m run=a,b", "run", ["a", "b"]),
    ],
)
def test_a_multirun_of_a_verb_without_a_folder_makes_none(
    line: str, key: str, values: list[str], runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    value = operator.attrgetter(key)
    verb = line.split()[0]
    monkeypatch.setattr(f"vaetext.verbs.{verb}.run", lambda config: seen.append(value(config)))
    assert run_cli(line).status == 0
    assert seen == values
    assert sorted(each.name for each in runs.iterdir()) == ["a", "b"]
    for name in ("a", "b"):
        assert (runs / name / "train.log").is_file() == (verb == "resume")


def test_a_multirun_over_runs_writes_below_each(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders: list[Path] = []
    monkeypatch.setattr("vaetext.verbs.sample.run", lambda config: folders.append(output_folder()))
    assert run_cli("sample -m run=a,b seed=1,2").status == 0
    below = [folder.relative_to(runs).parts[:2] for folder in folders]
    assert below == [(name, "sample") for name in "aabb"]
    assert len(set(folders)) == 4
    assert all(folder.is_dir() for folder in folders)
    assert sorted(each.name for each in runs.iterdir()) == ["a", "b"]


def test_a_run_is_not_overwritten_by_another_configuration(stub: Stub, tmp_path: Path) -> None:
    sweep = "train -m sweep=foo"
    assert run_cli(f"{sweep} seed=2").status == 0
    assert run_cli(f"{sweep} seed=7").status == 0  # no result was written: it may be corrected
    folder = tmp_path / "outputs/sweeps/foo/0"
    (folder / "DONE").touch()
    saved = (folder / ".hydra/config.yaml").read_bytes()
    for line, difference in (
        (f"{sweep} seed=5", "seed=7, not 5"),
        (f"train hydra.run.dir={folder} model=rnnlm seed=7", "model.name=vrae, not rnnlm"),
    ):
        done = run_cli(line)
        assert done.status == 1
        assert f"{folder} holds a run with {difference}; choose another" in done.error
        assert (folder / ".hydra/config.yaml").read_bytes() == saved
    assert len(stub.folders) == 2
    assert run_cli(f"{sweep} seed=7 debug=true trainer.threads=1").status == 0
    assert len(stub.folders) == 3


def test_a_verb_takes_a_row_a_schema_a_yaml_and_a_module(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass
    class CountConfig(ReadsRun):
        """Options of ``vaetext count``."""

        least: int = option(2, "least count", min=0)

    seen: list[Any] = []
    monkeypatch.setitem(VERBS, "count", Verb("count tokens", CountConfig))
    monkeypatch.setitem(sys.modules, "vaetext.verbs.count", SimpleNamespace(run=seen.append))  # type: ignore[arg-type]
    conf = Path(vaetext.verbs.train.__file__).parents[2] / "conf/sample.yaml"
    (runs / "own").mkdir()
    (runs / "own/count.yaml").write_text(conf.read_text().replace("verb/sample", "verb/count"))
    assert "count tokens" in run_cli("--help").output
    assert run_cli("count a least=3 --config-dir own").status == 0
    assert (seen[0].run, seen[0].least, type(seen[0])) == ("a", 3, CountConfig)
    assert "'count'" in run_cli("cuont").error


@pytest.mark.parametrize("line", ["train seed=${oc.env:S}", "train -m seed=${oc.env:S}"])
def test_a_run_keeps_the_values_it_was_started_with(
    stub: Stub, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in ("3", "2"):
        monkeypatch.setenv("S", seed)
        assert run_cli(f"{line} outputs=o_${{now:%Y}} hydra.output_subdir=null").status == 0
    monkeypatch.delenv("S")
    assert load_config(stub.folders[-1]).seed == 2
    assert load_config(stub.folders[-1]).outputs.startswith("o_20")


def test_hydras_own_record_is_refused(stub: Stub, tmp_path: Path) -> None:
    for line in ("train", "train -m seed=2,3"):
        done = run_cli(f"{line} hydra.output_subdir=.hydra")
        assert done.status == 1
        assert "error: hydra.output_subdir=.hydra: leave it out" in done.error
    assert list(tmp_path.iterdir()) == []


def test_a_users_corpus_has_a_folder_of_its_label(stub: Stub) -> None:
    assert run_cli("train data=text data.train=my.txt data.label=yelp-sent").status == 0
    assert stub.folders[0].parts[-4:-1] == ("outputs", "yelp-sent", "vrae")


@pytest.mark.parametrize(
    "wrong",
    [
        "data.name=ptb",
        "data=yelp13 data.name=ptb",
        "trainer=paper trainer.name=default",
        "model.name=rnnlm",
        "model.name=../../etc",
    ],
)
def test_a_wrong_name_is_refused_before_anything_is_written(
    stub: Stub, tmp_path: Path, wrong: str
) -> None:
    done = run_cli(f"train {wrong}")
    assert done.status == 1
    assert f"error: {wrong.split()[-1].partition('=')[0]}=" in done.error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["resume a", "resume -m run=a,b", "sample a", "evaluate a"])
@pytest.mark.parametrize("name", ["train.log", "sample", "evaluate"])
def test_no_command_writes_through_a_link(
    runs: Path, line: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verb = line.split()[0]
    monkeypatch.setattr(f"vaetext.verbs.{verb}.run", lambda config: pytest.fail("it ran"))
    outside = runs / "outside"
    outside.mkdir() if name != "train.log" else outside.write_text("mine")
    (runs / "a" / name).symlink_to(outside)
    done = run_cli(line)
    assert done.status == 1
    assert f"{runs}/a/{name} is a link to {outside}, outside" in done.error
    assert outside.read_text() == "mine" if name == "train.log" else not list(outside.iterdir())


def test_a_single_run_may_refer_to_what_hydra_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run_cli("train", "data=text", "data.train=${hydra:runtime.cwd}/missing.txt")
    assert f"{tmp_path}/missing.txt" in done.error


def test_output_names_the_folder_of_a_commands_results(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders: list[Path] = []
    monkeypatch.setattr("vaetext.verbs.sample.run", lambda config: folders.append(output_folder()))
    for _ in range(2):  # the second call finds the folder
        assert run_cli("sample a output=here/x").status == 0
    assert run_cli("sample -m run=a,b output=here/y").status == 0
    assert [str(each.relative_to(runs)) for each in folders] == [
        "here/x",
        "here/x",
        "here/y/0",
        "here/y/1",
    ]
    refused = run_cli("sample a output=b")
    assert refused.status == 1
    assert "output=b is a run folder" in refused.error
    assert sorted(each.name for each in (runs / "b").iterdir()) == [".hydra"]
