"""One run from configuration to results: what is checked first, what is written, how it resumes."""

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import GRAMMAR, begin, contents

from vaetext.config.train import TrainConfig
from vaetext.runs.folder import load_config, run_lock, write_overrides
from vaetext.runs.layout import CONFIG, DONE
from vaetext.runs.load import load
from vaetext.runs.results import is_done
from vaetext.runs.signals import Interrupted
from vaetext.training import session
from vaetext.training.interrupts import Stopped
from vaetext.training.loop import Training
from vaetext.training.session import resume, train

TEXT = "the cat sat\na dog ran\n" * 30


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples and plots take most of a tiny run's time."""
    monkeypatch.setattr("vaetext.training.finish.write_examples", lambda *_: None)
    monkeypatch.setattr("vaetext.report.plots.write", lambda *_: None)


def rnnlm(folder: Path, *overrides: str) -> Path:
    return begin(folder, "model=rnnlm", *overrides)


def on_text(folder: Path, text: str, *overrides: str) -> Path:
    return rnnlm(folder, "data=text", f"data.train={text}", *overrides)


def trained(folder: Path) -> Path:
    train(load_config(folder), folder)
    return folder


def test_options_changed_by_resume_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = []

    def stub(config: TrainConfig, folder: Path, resume: bool, overrides: dict[str, Any]) -> None:
        write_overrides(folder, overrides)
        used.append(config.trainer)

    folder = begin(tmp_path)
    monkeypatch.setattr(session, "train", stub)
    saved = (folder / CONFIG).read_bytes()
    lr = load_config(folder).trainer.lr
    for overrides in ({"epochs": 4}, {"lr": 0.5}, {}):
        resume(folder, overrides)
    assert [(each.epochs, each.lr) for each in used] == [(4, lr), (4, 0.5), (4, 0.5)]
    assert load_config(folder).trainer.epochs == 4
    assert (folder / CONFIG).read_bytes() == saved


def test_a_finished_run_is_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = begin(tmp_path)
    monkeypatch.setattr(session, "train", lambda *_, **__: pytest.fail("trained again"))
    (folder / DONE).touch()
    resume(folder, {})


@pytest.mark.parametrize("place", ["training", "finish"])
@pytest.mark.parametrize("moved", [True, False])
def test_a_run_folder_that_is_gone_ends_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, moved: bool
) -> None:
    folder = rnnlm(tmp_path / "run", *GRAMMAR, "trainer.epochs=3")

    def leave(*_: Any) -> None:
        if folder.exists():
            folder.rename(tmp_path / "moved") if moved else shutil.rmtree(folder)

    name = {"training": "validate", "finish": "fit"}[place]
    method = getattr(Training, name)

    def and_leave(self: Training) -> Any:
        found = method(self)
        leave()
        return found

    message = rf"^{folder} was deleted or moved during training"
    with monkeypatch.context() as patched:
        patched.setattr(Training, name, and_leave)
        with pytest.raises(ValueError, match=message):
            trained(folder)
    assert not folder.exists()
    if moved:
        resume(tmp_path / "moved", {})
        assert is_done(tmp_path / "moved")


def test_latest_is_a_run_with_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    latest = tmp_path / "latest"
    first = trained(rnnlm(tmp_path / "first", *GRAMMAR))
    assert latest.resolve() == first

    def died(self: Training) -> None:
        raise ValueError("bad luck")

    second = rnnlm(tmp_path / "second", *GRAMMAR)
    with monkeypatch.context() as patched:
        patched.setattr(Training, "train_epoch", died)
        with pytest.raises(ValueError, match="bad luck"):
            trained(second)
    assert latest.resolve() == first
    trained(second)
    assert latest.resolve() == second


def test_a_run_whose_text_has_changed_is_not_resumed(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text(TEXT)
    folder = trained(on_text(tmp_path / "run", str(text)))
    before = contents(folder)
    other_words = "the cow sat\na dog ran\n"
    more_words = "the cat sat\na dog ran away\n"
    other_order = "cat the sat\na dog ran\n"
    vocabulary = rf"data=text \({text}\) gives another vocabulary .*; put back"
    sequences = r"holds other sequences now than in training \(train.*\); put back"
    for changed, message in (
        (other_words, vocabulary),
        (more_words, vocabulary),
        (other_order, sequences),
    ):
        text.write_text(changed * 30)
        with pytest.raises(ValueError, match=message):
            resume(folder, {"epochs": 2})
        assert contents(folder) == before
    text.write_text(TEXT)
    resume(folder, {"epochs": 2})
    assert load_config(folder).trainer.epochs == 2
    assert is_done(folder)
    assert contents(folder)["metrics.jsonl"].startswith(before["metrics.jsonl"])


def test_a_run_on_a_users_text_is_read_from_any_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there, root = (tmp_path / name for name in ("here", "there", "root"))
    for place in (here, there, root):
        place.mkdir()
    (here / "text.txt").write_text(TEXT)
    monkeypatch.chdir(here)
    folder = trained(on_text(here / "run", "text.txt"))
    monkeypatch.chdir(there)
    assert load(folder).corpus.source == [str(here / "text.txt")]
    (here / "text.txt").rename(root / "text.txt")
    missing = r"data\.train=text\.txt: no such file in .*; put it into one of them"
    with pytest.raises(ValueError, match=missing):
        _ = load(folder).corpus
    monkeypatch.setenv("VAETEXT_DATA", str(root))
    assert load(folder).corpus.source == [str(root / "text.txt")]


def test_a_new_run_reads_the_named_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for place in (tmp_path, tmp_path / "root" / "sub"):
        place.mkdir(parents=True, exist_ok=True)
        (place / "text.txt").write_text(TEXT)
    missing = on_text(tmp_path / "one", "old/text.txt")
    with pytest.raises(ValueError, match=r"data\.train=old/text\.txt: no such file"):
        trained(missing)
    with pytest.raises(ValueError, match=r"data\.root=rooot: no such folder"):
        trained(on_text(tmp_path / "none", "text.txt", "data.root=rooot"))
    below = trained(on_text(tmp_path / "two", "sub/text.txt", "data.root=root"))
    assert load(below).corpus.source == [str(tmp_path / "root" / "sub" / "text.txt")]


def test_a_run_without_its_last_checkpoint_is_not_trained_from_the_start(tmp_path: Path) -> None:
    folder = trained(rnnlm(tmp_path / "run", *GRAMMAR, "trainer.epochs=2"))
    (folder / "checkpoints/last.safetensors").unlink()
    message = (
        r"last\.safetensors is missing, so training cannot be resumed; copy it again, or train a"
        " new run"
    )
    for finished in (True, False):
        if not finished:
            (folder / DONE).unlink()
        before = contents(folder)
        with pytest.raises(ValueError, match=message):
            resume(folder, {"epochs": 3})
        assert contents(folder) == before
    killed_before_its_first_checkpoint = '{"epoch": 0, "split": "valid"}\n{"epo'
    (folder / "metrics.jsonl").write_text(killed_before_its_first_checkpoint)
    resume(folder, {})
    assert is_done(folder)


def test_results_come_from_the_best_weights_and_depend_on_the_seed_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validate = Training.validate

    def worst_at_last(self: Training) -> dict[str, Any]:
        found = validate(self)
        return {**found, "neg_elbo": found["neg_elbo"] + 1e3 * (self.state.epoch == 2)}

    monkeypatch.setattr(Training, "validate", worst_at_last)
    options = ("model=vrae", *GRAMMAR, "trainer.epochs=3", "trainer.batch_size=4")
    best = []
    for name in "ab":
        torch.manual_seed(ord(name))  # random numbers drawn before change nothing
        folder = begin(tmp_path / name, *options)
        best.append(train(load_config(folder), folder))
        results = json.loads((folder / "results.json").read_text())
        assert results["best_epoch"] < 2
        assert results["valid"]["neg_elbo"] == pytest.approx(best[-1], rel=1e-6)
        assert load(folder, "last").epoch == 2
        assert load(folder).epoch == results["best_epoch"]
    assert best[0] == best[1]


def test_early_stopping_is_reported_when_a_run_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stopping = ("trainer.epochs=9", "trainer.patience=1", "trainer.min_improvement=9")
    folder = rnnlm(tmp_path / "run", *GRAMMAR, *stopping)

    def interrupt(*_: Any) -> None:
        raise Interrupted(signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(session, "finish", interrupt)
        message = rf"its evaluation is not; continue with `vaetext resume {folder}`"
        with pytest.raises(Stopped, match=message) as raised:
            trained(folder)
    assert raised.value.number == signal.SIGTERM
    assert "had stopped early" not in caplog.text
    unfinished = folder / "checkpoints" / ".last.safetensors.1.tmp"
    unfinished.touch()
    resume(folder, {})
    assert "had stopped early" in caplog.text
    assert is_done(folder)
    assert not unfinished.exists()


def test_missing_tensorboard_is_an_error_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = begin(tmp_path / "run", "trainer.tensorboard=true")
    before = contents(folder)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="needs tensorboardX: pip install"):
        trained(folder)
    assert contents(folder) == before
    assert not (tmp_path / "latest").exists()


def test_bf16_without_kernels_is_an_error_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = begin(tmp_path / "run", "trainer.precision=bf16", "trainer.device=cpu")
    before = contents(folder)
    monkeypatch.setattr("vaetext.runs.device.bf16_supported", lambda device: False)
    with pytest.raises(ValueError, match=r"set trainer\.precision=fp32"):
        trained(folder)
    assert contents(folder).keys() - before.keys() <= {".lock"}


def test_only_one_process_trains_in_a_folder(tmp_path: Path) -> None:
    folder = begin(tmp_path)
    with run_lock(folder), pytest.raises(ValueError, match="another process trains there; wait"):
        trained(folder)
    assert not (folder / "checkpoints").exists()


def test_options_that_would_change_nothing_are_refused(tmp_path: Path) -> None:
    folder = trained(rnnlm(tmp_path / "run", *GRAMMAR))
    for options, message in (
        ({"lr": 0.5}, r"over after 1 epochs, so trainer\.lr=0\.5"),
        ({"batch_size": 8}, "raise trainer.epochs"),
    ):
        with pytest.raises(ValueError, match=message):
            resume(folder, options)
        assert not (folder / "resumed.json").exists()
        assert is_done(folder)
    resume(folder, {"iw_samples": 3, "epochs": 1})  # as many epochs as it has
    resume(folder, {"lr": 0.5, "epochs": 2})
    trainer = load_config(folder).trainer
    assert (trainer.lr, trainer.epochs) == (0.5, 2)


def test_a_run_without_a_checkpoint_is_resumed_with_the_files_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = (tmp_path / name for name in ("here", "there"))
    for place, text in ((here, TEXT), (there, "other words here\n" * 30)):
        place.mkdir()
        (place / "text.txt").write_text(text)
    monkeypatch.chdir(here)
    folder = on_text(here / "run", "text.txt")

    def killed(self: Training) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Training, "fit", killed)
        with pytest.raises(KeyboardInterrupt):
            trained(folder)
    monkeypatch.chdir(there)
    resume(folder, {})
    assert is_done(folder)
    assert load(folder).corpus.source == [str(here / "text.txt")]
