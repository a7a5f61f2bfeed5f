"""What a run says of where it ran."""

import shutil
import subprocess
from pathlib import Path

import pytest
import torch

import vaetext
from vaetext.runs import environment
from vaetext.runs.environment import commit, device_name


@pytest.mark.skipif(shutil.which("git") is None, reason="no git")
def test_a_commit_is_that_of_a_repository_that_holds_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        return subprocess.run(
            ["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    (tmp_path / "lib").mkdir()
    for name in ("mine.txt", "lib/__init__.py"):
        (tmp_path / name).touch()
    git("init")
    git("add", "mine.txt")
    git("commit", "-m", "mine")
    monkeypatch.setattr(vaetext, "__file__", str(tmp_path / "lib" / "__init__.py"))
    assert commit() is None  # installed below a repository of something else
    git("add", ".")
    git("commit", "-m", "ours")
    assert commit() == git("rev-parse", "--short=12", "HEAD")
    (tmp_path / "mine.txt").write_text("changed")
    assert (commit() or "").endswith("+")


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        (
            "model name\t: A 1\ncpu family\t: 26\nmodel\t\t: 2\n\nmodel\t: 3",
            "A 1 (family 26, model 2)",
        ),
        ("model name\t: Neoverse\n", "Neoverse"),
    ],
)
def test_a_cpu_is_named_with_its_family_and_vector_instructions(
    cpuinfo: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(environment, "CPU_INFO", path)
    capability = torch.backends.cpu.get_cpu_capability()
    path.write_text(cpuinfo)
    assert device_name(torch.device("cpu")) == f"{name}, {capability}"
    path.unlink()
    assert device_name(torch.device("cpu")).endswith(f", {capability}")
