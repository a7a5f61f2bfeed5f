"""Knobs changed by ``resume`` stay with the run; its saved configuration is never touched."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from vaetext.config.store import register
from vaetext.runner import resume
from vaetext.runner.run_folder import CONFIG, DONE, load_config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    register()
    with initialize_config_module("vaetext.conf", version_base="1.3"):
        config = compose("train", overrides=["trainer=debug"])
    (tmp_path / CONFIG).parent.mkdir()
    OmegaConf.save(config, tmp_path / CONFIG)
    return tmp_path


def test_overrides_add_up_and_are_read_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []
    monkeypatch.setattr(resume, "train", lambda config, folder, resume: trained.append(config.trainer))
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
