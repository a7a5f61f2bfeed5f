"""docs/extending.md does what it says: its files, its changes and its commands.

They are applied to a copy of the package, with the model installed beside it as pip would do.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs/extending.md").read_text()
SMALL = ["data.train_size=40", "data.valid_size=10", "data.test_size=10"]
RUN = """
import runpy, sys
from vaetext.cli.main import main

for words in {commands}:
    sys.argv = words
    try:
        main() if words[0] == "vaetext" else runpy.run_path(words[1])
    except SystemExit as end:
        assert not end.code, words
"""


def section(title: str) -> str:
    return GUIDE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def named_blocks(text: str) -> Iterator[tuple[str, str]]:
    """Path and content of every block below a line that is a path alone."""
    for found in re.finditer(r"^`([^`]+)`:\n\n```\w*\n(.*?)^```", text, re.M | re.S):
        yield found[1], found[2]


def changes(text: str) -> Iterator[tuple[str, str, str]]:
    """Path, lines before and lines after of every change."""
    for found in re.finditer(r"[Cc]hange in\s+`([^`]+)`:\n\n```diff\n(.*?)^```", text, re.M | re.S):
        lines = found[2].splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] != "+")
        yield found[1], before, "".join(line[1:] for line in lines if line[0] != "-")


def commands(text: str) -> list[list[str]]:
    """The commands of a section, word by word; the grammar is made small."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    words = [line.split() for block in blocks for line in block.splitlines()]
    return [
        [*each, *SMALL] if each[1] == "train" and "data=recipes" not in each else each
        for each in words
    ]


class PackageCopy:
    """A copy of vaetext, to which the guide is applied."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "vaetext", folder / "vaetext", ignore=ignored)
        shutil.copytree(ROOT / "conf", folder / "vaetext/conf", ignore=ignored)

    def path(self, name: str) -> Path:
        """Where a file of the repository is in the copy."""
        path = self.folder / re.sub(r"^conf/", "vaetext/conf/", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def apply(self, text: str) -> None:
        """Writes a section's files and makes its changes."""
        for name, content in named_blocks(text):
            self.path(name).write_text(content)
        for name, before, after in changes(text):
            old = self.path(name).read_text()
            assert old.count(before) == 1, (name, before)
            self.path(name).write_text(old.replace(before, after))

    def run(self, text: str) -> str:
        """What a section's commands print, all in one process."""
        done = subprocess.run(
            [sys.executable, "-c", RUN.format(commands=commands(text))],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(self.folder),
                "VAETEXT_DATA": str(self.folder),
                "VAETEXT_CACHE": str(self.folder / "cache"),
                "OMP_NUM_THREADS": "1",
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def package(tmp_path: Path) -> PackageCopy:
    return PackageCopy(tmp_path)


def install(folder: Path) -> None:
    """The metadata that pip would write from pyproject.toml."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    name = f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    (folder / name).mkdir()
    (folder / name / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (folder / name / "entry_points.txt").write_text("".join(points))


def test_a_model_of_another_package_runs(package: PackageCopy) -> None:
    text = section("A model")
    package.apply(text)
    install(package.folder)
    printed = package.run(text)
    assert "# bag on grammar, trainer=debug" in printed
    assert "KL z" in printed
    assert "| grammar | bag" in printed
    assert r"mean of \|z\|" in printed
    (page,) = package.folder.glob("outputs/grammar/bag/2*/norms.txt")
    assert len(page.read_text().splitlines()) == 10


def test_a_data_set_and_a_metric_work(package: PackageCopy) -> None:
    for name in ("train", "valid", "test"):
        path = package.path(f"recipes/{name}.txt")
        path.write_text("soup of leeks and potatoes\nbread with seeds\n" * 10)
    for title in ("A data set", "A metric"):
        package.apply(section(title))
    printed = package.run(section("A data set"))
    assert "soup of leeks and potatoes" in printed
    assert "# vrae on recipes, trainer=debug" in printed
    printed = package.run(section("A metric"))
    assert "stderr of -ELBO" in printed
    assert re.search(r"0\.\d+ of all word pairs in 100 samples are distinct", printed)
