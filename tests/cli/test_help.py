"""What the command line prints about itself: help, versions, completion."""

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run_cli

from vaetext.config.groups import group_options
from vaetext.config.verbs import VERBS


def test_help_lists_groups_and_options_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from vaetext.cli.main import main;"
        " sys.argv[1:] = ['train', '--help', 'model=rnnlm', 'trainer=paper']; main();"
        " assert not {'torch', 'datasets', 'matplotlib'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for words in (
        "(the baseline of Chien and Wang)",
        "experiment=\n  ",
        "\n  ptb/hvrae ",
        "trainer.beta_start=0.01",
        "model.init_scale=0.1",
        "gradient norm",
    ):
        assert words in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    done = run_cli(verb, "--help")
    assert done.status == 0
    assert done.output.startswith(f"usage: vaetext {verb} ")
    assert "``" not in done.output


def test_the_overview_lists_every_verb() -> None:
    for words in ("", "--help", "-h", "help"):
        assert all(f"\n  {verb} " in run_cli(words).output for verb in VERBS)


@pytest.mark.parametrize("line", ["--version", "sample --version", "train model=vrae --version"])
def test_the_version_is_printed(line: str) -> None:
    done = run_cli(line)
    assert done.status == 0
    assert done.output.startswith("vaetext 0.")


def test_hydras_own_help_is_printed_beside_other_arguments() -> None:
    assert "== Flags ==" in run_cli("interpolate run sentence steps=3 --hydra-help").output


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("vaetext tr", ["train"]),
        ("vaetext train mod", ["model="]),
        ("vaetext  train  mod", ["model="]),
        ("vaetext train model=", ["model=vrae", "model=hybrid-cnn"]),
        ("vaetext train experiment=ptb/v", ["experiment=ptb/vrae"]),
        ("vaetext evaluate runs/x iw_s", ["iw_samples="]),
        ("vaetext train --mul", ["--multirun"]),
        ("vaetext train trainer.schedule=", ["trainer.schedule=cosine"]),
        ("vaetext train model=vrae model.cell=g", ["model.cell=gru"]),
        ("vaetext train data=ptb trainer.lr=", ["trainer.lr=0.0015"]),
        ("vaetext train debug=t", ["debug=true"]),
        ("vaetext data gr", ["grammar"]),
        ("vaetext data ptb data.root=", []),
        ("vaetext tables outputs/x format=", ["format=latex"]),
        ("vaetext reproduce table=", ["table=sine"]),
    ],
)
def test_tab_completion(line: str, found: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_LINE", line)
    done = run_cli("-sc", "query=bash")
    assert done.status == 0
    assert set(found) <= set(done.output.split())


def test_tab_completion_installs() -> None:
    done = run_cli("train -sc install=bash")
    assert done.status == 0
    assert done.output.rstrip().endswith("hydra_bash_completion vaetext")


def test_a_folder_of_ones_own_has_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer/mine.yaml").write_text(
        "# only mine\ndefaults: [default, _self_]\nlr: 0.5\n"
    )
    own = ("train", "--config-dir", str(tmp_path), "trainer=mine")
    assert "lr: 0.5" in run_cli(*own, "--cfg", "job").output
    shown = run_cli(*own, "--help").output
    assert "  only mine\n" in shown
    assert "trainer.lr=0.5" in shown
    monkeypatch.setenv("COMP_LINE", f"vaetext train --config-dir {tmp_path} trainer=mi")
    assert run_cli("-sc", "query=bash").output.split() == ["trainer=mine"]


def test_the_options_of_a_group_have_one_line_each() -> None:
    options = group_options("experiment")
    assert options["ptb/vrae"] == "Chien and Wang, table 1: VRAE on the Penn Treebank"
    assert list(options) == sorted(options)
