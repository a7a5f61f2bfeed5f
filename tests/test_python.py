"""The Python interface: docs/python.md runs, and nothing of the application around it changes."""

import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from tiny import GRAMMAR, SIZES

import vaetext

PAGE = Path(__file__).parents[1] / "docs" / "python.md"
TINY = ["model=rnnlm", "trainer=debug", *SIZES, *GRAMMAR]


def test_every_block_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    assert len(blocks) >= 7
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    printed = capsys.readouterr().out
    assert "trainer.lr=-1.0 is out of range" in printed
    assert "temperature=0.5 has no effect with greedy=true" in printed
    assert "run=outputs/nowhere does not exist" in printed


def test_importing_and_composing_needs_no_torch() -> None:
    code = (
        "import sys, vaetext; vaetext.compose(['model=vrae']); vaetext.TrainConfig;"
        " sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_is_there() -> None:
    for name in vaetext.__all__:
        assert getattr(vaetext, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        _ = vaetext.trian


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["modle=vrae"], r"^modle.*did you mean 'model'\?"),
        (["model=vra"], r"^model=vra: .*did you mean 'vrae'\?"),
        (["trainer.lr=-1"], r"^trainer\.lr=-1\.0 is out of range: it must be greater than 0"),
        (["trainer.epochs=many"], r"^trainer\.epochs=many"),
        (["seed"], "seed"),
        ("model=vrae", r"give a list, as in \['model=vrae'\]"),
    ],
)
def test_a_wrong_override_is_one_explained_error(overrides: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        vaetext.compose(overrides)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_yaml_files_of_a_users_folder_are_found(tmp_path: Path) -> None:
    (tmp_path / "trainer").mkdir()
    mine = "defaults: [debug, _self_]\nname: mine\nlr: 0.125\n"
    (tmp_path / "trainer" / "mine.yaml").write_text(mine)
    assert vaetext.compose(["trainer=mine"], config_dir=tmp_path).trainer.lr == 0.125


def test_training_changes_nothing_of_the_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    package = logging.getLogger("vaetext")
    root = logging.getLogger()

    def state() -> tuple[Any, ...]:
        logs = (list(root.handlers), root.level, list(package.handlers), package.level)
        return (list(sys.argv), os.getcwd(), *logs)

    before = state()
    with initialize_config_module("vaetext.conf", version_base="1.3"):  # another Hydra application
        run = vaetext.train(TINY, "run")
        assert compose("train", overrides=["seed=3"]).seed == 3
    assert state() == before
    assert not GlobalHydra.instance().is_initialized()
    assert "rnnlm on grammar" in (run.folder / "train.log").read_text()


def test_a_run_is_resumed_by_the_same_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr("vaetext.training.session.finish", _interrupted)
        with pytest.raises(KeyboardInterrupt, match="continue with"):
            vaetext.train(TINY, folder)
    results = vaetext.train(TINY, folder).results
    written = (folder / "DONE").stat().st_mtime_ns
    assert vaetext.train(TINY, folder).results == results
    assert (folder / "DONE").stat().st_mtime_ns == written
    with pytest.raises(ValueError, match="holds a run with seed=0, not 1"):
        vaetext.train([*TINY, "seed=1"], folder)


def test_a_run_that_cannot_begin_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="no such file"):
        vaetext.train(["data=text", "data.train=absent.txt"])
    assert not list(tmp_path.rglob("config.yaml"))


def _interrupted(*_: Any) -> None:
    raise KeyboardInterrupt
