"""``vaetext resume`` of a sweep."""

from pathlib import Path
from typing import Any

import pytest
from tiny import begin

from vaetext.config.verbs import ResumeConfig
from vaetext.training import session
from vaetext.verbs import resume


def test_one_failed_run_does_not_stop_a_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs are found at any depth, in the order of their numbers."""
    tried = []

    def stub(folder: Path, overrides: dict[str, Any]) -> None:
        tried.append(str(folder.relative_to(tmp_path)))
        if folder.name == "seed9":
            raise ValueError("bad luck")
        (folder / "table.md").touch()

    monkeypatch.setattr(session, "resume", stub)
    names = ["vrae/seed9", "vrae/seed10", "rnnlm/deep/seed9", "3"]
    for name in names:
        begin(tmp_path / name)
    (tmp_path / "latest").symlink_to("3")
    failed = r"2 of the runs failed: \S+/vrae/seed9 \(bad luck\); \S+/deep/seed9 \(bad luck\)"
    with pytest.raises(ValueError, match=failed):
        resume.run(ResumeConfig(run=str(tmp_path)))
    assert tried == ["3", "vrae/seed9", "vrae/seed10", "rnnlm/deep/seed9"]
