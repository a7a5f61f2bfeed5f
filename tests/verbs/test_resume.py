"""``vaetext resume`` of a sweep."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from tiny import begin

from vaetext.config.verbs import ResumeConfig
from vaetext.training import session
from vaetext.verbs import resume

SWEEP = (
    "hydra: {overrides: {task: ['seed=1,2', 'data.root=a b', 'model=vrae,rnnlm']},"
    " runtime: {config_sources: [{path: vaetext.conf, provider: main},"
    " {path: /my/conf, provider: command-line}]}}"
)


def test_one_failed_run_does_not_stop_a_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def stub(folder: Path, overrides: dict[str, Any]) -> None:
        tried.append(folder.name)
        if folder.name == "0":
            raise ValueError("bad luck")
        (folder / "table.md").touch()

    monkeypatch.setattr(session, "resume", stub)
    for name in ("0", "1"):
        begin(tmp_path / name)
    (tmp_path / "multirun.yaml").write_text(SWEEP)
    with pytest.raises(ValueError, match=rf"1 of the runs failed: {tmp_path}/0 \(bad luck\)"):
        resume.run(ResumeConfig(run=str(tmp_path)))
    assert tried == ["0", "1"]
    place = shlex.quote(f"hydra.sweep.dir='{tmp_path}'")
    command = (
        "vaetext train -m --config-dir /my/conf seed=1,2 'data.root=a b' model=vrae,rnnlm " + place
    )
    assert f"jobs 2, 3 never began; start them with: {command}\n" in caplog.text
    assert "resume it with" not in caplog.text
    with pytest.raises(ValueError, match="1 of the runs failed"):
        resume.run(ResumeConfig(run=str(tmp_path), trainer={"epochs": 3, "lr": 0.1}))
    changed = (
        "They start with the sweep's own options; then resume it with trainer.epochs, trainer.lr"
        " changed once more."
    )
    assert f"{command}\n{changed}" in caplog.text
