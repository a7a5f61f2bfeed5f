"""``vaetext data``: the counts, examples and facts it prints."""

from pathlib import Path

import pytest

from vaetext.config.data import Clauses, Grammar, Sine, SineContinuous, UserText
from vaetext.config.verbs import DataConfig
from vaetext.verbs import data

SIZES = {"train_size": 50, "valid_size": 5, "test_size": 5}


@pytest.fixture
def own(tmp_path: Path) -> UserText:
    """Three files of a few words."""
    for name, content in (("train", "a b c\na b\n"), ("valid", "a\n"), ("test", "c d d\n")):
        (tmp_path / name).write_text(content)
    return UserText(name="text", root=str(tmp_path), train="train", valid="valid", test="test")


def test_text_has_counts_and_examples_of_each_split(
    own: UserText, capsys: pytest.CaptureFixture[str]
) -> None:
    data.run(DataConfig(data=own, examples=1))
    printed = capsys.readouterr().out
    assert "text: 5 types with EOS and unknown, by word" in printed
    assert "| train | 2 | 7 | 5 | 3.500 | 3 | 3 | 0 |" in printed
    assert "| test | 1 | 4 | 3 | 4.000 | 3 | 2 | 2 |" in printed
    assert "test:\n  c <unk> <unk>" in printed
    assert "distribution" not in printed


def test_a_long_example_is_cut_between_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lines").write_text("word " * 300 + "\n" + "a b\n" * 9)
    own = UserText(name="text", root=str(tmp_path), train="lines", valid="lines", test="lines")
    data.run(DataConfig(data=own, examples=1))
    shown = [line for line in capsys.readouterr().out.splitlines() if "word word" in line]
    assert [len(line) for line in shown] == [2 + len("word " * 80) - 1 + len(" ...")] * 3
    assert all(line.endswith("word ...") for line in shown)


def test_no_examples_are_shown_where_none_are_wanted(
    own: UserText, capsys: pytest.CaptureFixture[str]
) -> None:
    data.run(DataConfig(data=own, examples=0))
    assert "test:" not in capsys.readouterr().out


def test_the_grammar_has_facts(capsys: pytest.CaptureFixture[str]) -> None:
    data.run(DataConfig(data=Grammar(name="grammar", **SIZES)))
    printed = capsys.readouterr().out
    assert "entropy: " in printed
    assert "I(x; latents): " in printed


def test_clauses_have_facts(capsys: pytest.CaptureFixture[str]) -> None:
    data.run(DataConfig(data=Clauses(name="clauses", clauses=2, **SIZES)))
    printed = capsys.readouterr().out
    assert "mean clauses: 1.5" in printed
    assert "entropy: 5.18675" in printed  # ln 2 + 1.5 ln 20


def test_sine_curves_have_facts(capsys: pytest.CaptureFixture[str]) -> None:
    data.run(DataConfig(data=Sine(name="sine", **SIZES)))
    printed = capsys.readouterr().out
    assert "| train | 50 | 850 | 800 | 17.000 | 16 |" in printed
    assert "entropy: 8.506" in printed
    assert "uniform distribution: 36.84" in printed


def test_frames_have_counts_and_their_scale(capsys: pytest.CaptureFixture[str]) -> None:
    data.run(DataConfig(data=SineContinuous(name="sine-continuous", noise=0.01, **SIZES)))
    printed = capsys.readouterr().out
    assert "sine-continuous: frames of 1 real number, standardised by mean " in printed
    assert "| train | 50 | 800 | 16.000 | 16 |" in printed
