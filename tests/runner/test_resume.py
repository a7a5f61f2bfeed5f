"""Knobs changed by ``resume`` stay with the run; its saved configuration is never touched."""

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from vaetext.config.store import register
from vaetext.config.train import TrainConfig
from vaetext.runner import resume
from vaetext.runner.run_folder import CONFIG, DONE, load_config, write_overrides
from vaetext.runner.train import train


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

    monkeypatch.setattr(resume, "train", train)
    saved, lr = (folder / CONFIG).read_bytes(), load_config(folder).trainer.lr
    resume.resume(folder, {"epochs": 4})
    resume.resume(folder, {"lr": 0.5})
    resume.resume(folder, {})
    assert [(each.epochs, each.lr) for each in trained] == [(4, lr), (4, 0.5), (4, 0.5)]
    assert load_config(folder).trainer.epochs == 4
    assert (folder / CONFIG).read_bytes() == saved


def test_a_finished_run_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "train", lambda *_, **__: pytest.fail("trained again"))
    (folder / DONE).touch()
    resume.resume(folder, {})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_finished_run_whose_text_has_changed_stays_as_it_is(tmp_path: Path) -> None:
    text, sizes = tmp_path / "text.txt", ["model.embedding_dim=3", "model.hidden_dim=4", "trainer.threads=1", "trainer.epochs=1"]
    text.write_text("the cat sat\na dog ran\n" * 30)
    folder = begin(tmp_path / "run", "model=rnnlm", "data=text", f"data.train={text}", *sizes)
    train(load_config(folder), folder)
    before = contents(folder)
    for changed in ("the cow sat\na dog ran\n", "the cat sat\na dog ran away\n"):  # as many words, and more
        text.write_text(changed * 30)
        with pytest.raises(ValueError, match=rf"data=text \({text}\) gives another vocabulary .*; put back"):
            resume.resume(folder, {"epochs": 2})
        assert contents(folder) == before
    text.write_text("the cat sat\na dog ran\n" * 30)
    resume.resume(folder, {"epochs": 2})
    assert load_config(folder).trainer.epochs == 2
    assert (folder / DONE).is_file() and contents(folder)["metrics.jsonl"].startswith(before["metrics.jsonl"])
