"""Options changed by ``resume`` stay with the run; its saved configuration is never touched."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from vaetext.config.store import register
from vaetext.config.train import TrainConfig
from vaetext.config.verbs import ResumeConfig
from vaetext.runs.folder import (
    link_latest,
    load_config,
    resume_command,
    run_lock,
    write_overrides,
)
from vaetext.runs.layout import CONFIG, DONE
from vaetext.runs.load import load
from vaetext.runs.results import is_done
from vaetext.training import session
from vaetext.training.interrupts import Stopped
from vaetext.training.loop import Training
from vaetext.training.session import train
from vaetext.verbs import resume


def begin(folder: Path, *overrides: str) -> Path:
    """A folder with a configuration, in which no run has begun."""
    register()
    with initialize_config_module("vaetext.conf", version_base="1.3"):
        config = compose("train", overrides=["trainer=debug", *overrides])
    (folder / CONFIG).parent.mkdir(parents=True)
    OmegaConf.save(config, folder / CONFIG)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return begin(tmp_path)


def test_overrides_add_up_and_are_read_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []

    def train(config: TrainConfig, folder: Path, resume: bool, overrides: dict[str, Any]) -> None:
        write_overrides(folder, overrides)
        trained.append(config.trainer)

    monkeypatch.setattr(session, "train", train)
    saved, lr = (folder / CONFIG).read_bytes(), load_config(folder).trainer.lr
    session.resume(folder, {"epochs": 4})
    session.resume(folder, {"lr": 0.5})
    session.resume(folder, {})
    assert [(each.epochs, each.lr) for each in trained] == [(4, lr), (4, 0.5), (4, 0.5)]
    assert load_config(folder).trainer.epochs == 4
    assert (folder / CONFIG).read_bytes() == saved


def test_a_finished_run_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "train", lambda *_, **__: pytest.fail("trained again"))
    (folder / DONE).touch()
    session.resume(folder, {})


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_finished_run_whose_text_has_changed_stays_as_it_is(tmp_path: Path) -> None:
    text, sizes = (
        tmp_path / "text.txt",
        ["model.embedding_dim=3", "model.hidden_dim=4", "trainer.threads=1", "trainer.epochs=1"],
    )
    text.write_text("the cat sat\na dog ran\n" * 30)
    folder = begin(tmp_path / "run", "model=rnnlm", "data=text", f"data.train={text}", *sizes)
    train(load_config(folder), folder)
    before = contents(folder)
    for changed in (
        "the cow sat\na dog ran\n",
        "the cat sat\na dog ran away\n",
    ):  # as many words, and more
        text.write_text(changed * 30)
        with pytest.raises(
            ValueError, match=rf"data=text \({text}\) gives another vocabulary .*; put back"
        ):
            session.resume(folder, {"epochs": 2})
        assert contents(folder) == before
    text.write_text("cat the sat\na dog ran\n" * 30)  # the same words as often
    with pytest.raises(
        ValueError, match=r"holds other sequences now than in training \(train.*\); put back"
    ):
        session.resume(folder, {"epochs": 2})
    assert contents(folder) == before
    text.write_text("the cat sat\na dog ran\n" * 30)
    session.resume(folder, {"epochs": 2})
    assert load_config(folder).trainer.epochs == 2
    assert (folder / DONE).is_file() and contents(folder)["metrics.jsonl"].startswith(
        before["metrics.jsonl"]
    )


def test_a_run_on_ones_own_text_is_read_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there, root = (tmp_path / name for name in ("here", "there", "root"))
    for place in (here, there, root):
        place.mkdir()
    (here / "text.txt").write_text("the cat sat\na dog ran\n" * 30)
    monkeypatch.chdir(here)
    folder = begin(
        here / "run",
        "model=rnnlm",
        "data=text",
        "data.train=text.txt",
        "model.embedding_dim=3",
        "model.hidden_dim=4",
    )
    train(load_config(folder), folder)
    monkeypatch.chdir(there)
    assert load(folder).corpus.source == [str(here / "text.txt")]
    (here / "text.txt").rename(root / "text.txt")
    with pytest.raises(
        ValueError, match=r"data\.train=text\.txt: no such file in .*; put it into one of them"
    ):
        _ = load(folder).corpus
    monkeypatch.setenv("VAETEXT_DATA", str(root))
    assert load(folder).corpus.source == [str(root / "text.txt")]


def test_a_run_that_begins_reads_the_file_that_was_named_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for place in (tmp_path, tmp_path / "root" / "sub"):
        place.mkdir(parents=True, exist_ok=True)
        (place / "text.txt").write_text("the cat sat\na dog ran\n" * 30)
    sizes = ["model=rnnlm", "model.embedding_dim=3", "model.hidden_dim=4", "data=text"]
    missing = begin(tmp_path / "one", *sizes, "data.train=old/text.txt")
    with pytest.raises(ValueError, match=r"data\.train=old/text\.txt: no such file"):
        train(load_config(missing), missing)
    below = begin(tmp_path / "two", *sizes, "data.train=sub/text.txt", "data.root=root")
    train(load_config(below), below)
    assert load(below).corpus.source == [str(tmp_path / "root" / "sub" / "text.txt")]


def test_a_run_that_lost_its_last_checkpoint_stays_as_it_is(tmp_path: Path) -> None:
    sizes = [
        "model=rnnlm",
        "model.embedding_dim=3",
        "model.hidden_dim=4",
        "data=sine",
        "data.train_size=64",
        "trainer.epochs=2",
    ]
    folder = begin(tmp_path / "run", *sizes)
    train(load_config(folder), folder)
    (folder / "checkpoints/last.safetensors").unlink()
    for done in (True, False):
        if not done:
            (folder / DONE).unlink()
        before = contents(folder)
        with pytest.raises(
            ValueError,
            match=r"last\.safetensors is missing, so training cannot be resumed; copy it again, or train a new run",
        ):
            session.resume(folder, {"epochs": 3})
        assert contents(folder) == before
    (folder / "metrics.jsonl").write_text(
        '{"epoch": 0, "split": "valid"}\n{"epo'
    )  # killed before its first checkpoint
    session.resume(folder, {})
    assert is_done(folder)


def test_results_are_those_of_the_best_weights_and_of_the_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validate = Training.validate

    def worst_at_last(self: Training) -> dict[str, Any]:
        found = validate(self)
        return {**found, "neg_elbo": found["neg_elbo"] + 1e3 * (self.state.epoch == 2)}

    monkeypatch.setattr(Training, "validate", worst_at_last)
    sizes = [
        "model.embedding_dim=3",
        "model.hidden_dim=4",
        "data.train_size=40",
        "data.valid_size=20",
        "data.test_size=20",
    ]
    best = []
    for name in "ab":
        torch.manual_seed(ord(name))  # whatever was drawn before
        folder = begin(
            tmp_path / name, "model=vrae", *sizes, "trainer.epochs=3", "trainer.batch_size=4"
        )
        best.append(train(load_config(folder), folder))
        results = json.loads((folder / "results.json").read_text())
        assert results["best_epoch"] < 2 and results["valid"]["neg_elbo"] == pytest.approx(
            best[-1], rel=1e-6
        )
        assert (load(folder, "last").epoch, load(folder).epoch) == (
            2,
            results["best_epoch"],
        )
    assert best[0] == best[1]


def test_verbs_take_the_seed_of_the_run(tmp_path: Path) -> None:
    folder = begin(
        tmp_path / "run",
        "model=rnnlm",
        "model.embedding_dim=3",
        "model.hidden_dim=4",
        "data=sine",
        "seed=7",
    )
    train(load_config(folder), folder)
    assert (load(folder).seed, load(folder, seed=0).seed) == (7, 0)


def test_a_job_of_a_sweep_that_is_stopped_names_the_sweep(tmp_path: Path) -> None:
    folder = tmp_path / "sweep" / "0"
    assert resume_command(folder) == f"`vaetext resume {folder}`"
    folder.mkdir(parents=True)
    (folder.parent / "multirun.yaml").touch()
    assert resume_command(folder) == f"`vaetext resume {folder.parent}`"


def test_what_ended_early_says_so_and_an_interrupt_of_the_evaluation_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (text := tmp_path / "text.txt").write_text("the cat sat\na dog ran\n" * 30)
    sizes = [
        "model=rnnlm",
        "model.embedding_dim=3",
        "model.hidden_dim=4",
        "data=text",
        f"data.train={text}",
    ]
    folder = begin(
        tmp_path / "run",
        *sizes,
        "trainer.epochs=9",
        "trainer.patience=1",
        "trainer.min_improvement=9",
    )

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("vaetext.training.session.finish", interrupt)
        with pytest.raises(Stopped, match=rf"its evaluation is not; .*`vaetext resume {folder}`"):
            train(load_config(folder), folder)
    assert "stopped early" not in caplog.text
    (unfinished := folder / "checkpoints" / ".last.safetensors.1.tmp").touch()
    session.resume(folder, {})
    assert "stopped early" in caplog.text and is_done(folder) and not unfinished.exists()


def test_tensorboard_that_is_missing_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = begin(tmp_path / "run", "trainer.tensorboard=true")
    before = contents(folder)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="needs tensorboardX: pip install"):
        train(load_config(folder), folder)
    assert contents(folder) == before and not (tmp_path / "latest").exists()


def test_one_run_that_fails_does_not_stop_a_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def train(config: TrainConfig, folder: Path, **_: Any) -> None:
        tried.append(folder.name)
        if folder.name == "0":
            raise ValueError("bad luck")
        (folder / "table.md").touch()

    monkeypatch.setattr(session, "train", train)
    for name in ("0", "1"):
        begin(tmp_path / name)
    (tmp_path / "multirun.yaml").write_text(
        "hydra: {overrides: {task: ['seed=1,2', 'data.root=a b', 'model=vrae,rnnlm']},"
        " runtime: {config_sources: [{path: vaetext.conf, provider: main}, {path: /my/conf, provider: command-line}]}}"
    )
    with pytest.raises(ValueError, match=rf"1 of the runs failed: {tmp_path}/0 \(bad luck\)"):
        resume.run(ResumeConfig(run=str(tmp_path)))
    assert tried == ["0", "1"]
    again = shlex.quote(f"hydra.sweep.dir='{tmp_path}'")
    command = (
        f"vaetext train -m --config-dir /my/conf seed=1,2 'data.root=a b' model=vrae,rnnlm {again}"
    )
    assert f"jobs 2, 3 never began; start them with: {command}\n" in caplog.text
    assert "resume it with" not in caplog.text
    with pytest.raises(ValueError, match="1 of the runs failed"):
        resume.run(ResumeConfig(run=str(tmp_path), trainer={"epochs": 3, "lr": 0.1}))
    assert (
        f"{command}\nThey start with the sweep's own options; then resume it with trainer.epochs, trainer.lr changed once more."
        in caplog.text
    )


def test_latest_takes_the_place_of_nothing_but_a_link(tmp_path: Path) -> None:
    link = tmp_path / "latest"
    link_latest(tmp_path / "a", create=False)
    assert not link.is_symlink()
    for name, create in (("a", True), ("b", False), ("c", True)):
        link_latest(tmp_path / name, create)
        assert link.readlink() == Path(name)
    link.unlink()
    link.write_text("mine")
    link_latest(tmp_path / "a", create=True)
    assert link.read_text() == "mine"


def test_one_process_trains_in_a_folder(folder: Path) -> None:
    with (
        run_lock(folder),
        pytest.raises(ValueError, match="another process trains there; wait for it"),
    ):
        train(load_config(folder), folder)
    assert not (folder / "checkpoints").exists()


def test_knobs_that_would_change_nothing_any_more_are_refused(tmp_path: Path) -> None:
    folder = begin(
        tmp_path / "run",
        "model=rnnlm",
        "model.hidden_dim=4",
        "data.train_size=40",
        "data.valid_size=20",
        "data.test_size=20",
    )
    train(load_config(folder), folder)
    for options, message in (
        ({"lr": 0.5}, r"over after 1 epochs, so trainer\.lr=0\.5"),
        ({"batch_size": 8}, "raise trainer.epochs"),
    ):
        with pytest.raises(ValueError, match=message):
            session.resume(folder, options)
        assert not (folder / "resumed.json").exists() and is_done(folder)
    session.resume(folder, {"iw_samples": 3, "epochs": 1})  # as many as it has
    session.resume(folder, {"lr": 0.5, "epochs": 2})
    assert (load_config(folder).trainer.lr, load_config(folder).trainer.epochs) == (0.5, 2)


def test_a_run_without_a_checkpoint_goes_on_with_the_files_it_was_begun_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = (tmp_path / name for name in ("here", "there"))
    for place, text in ((here, "the cat sat\na dog ran\n"), (there, "other words here\n")):
        place.mkdir()
        (place / "text.txt").write_text(text * 30)
    monkeypatch.chdir(here)
    folder = begin(
        here / "run",
        "model=rnnlm",
        "data=text",
        "data.train=text.txt",
        "model.embedding_dim=3",
        "model.hidden_dim=4",
    )

    def killed(self: Training) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Training, "fit", killed)
        with pytest.raises(KeyboardInterrupt):
            train(load_config(folder), folder)
    monkeypatch.chdir(there)
    session.resume(folder, {})
    assert is_done(folder) and load(folder).corpus.source == [str(here / "text.txt")]
