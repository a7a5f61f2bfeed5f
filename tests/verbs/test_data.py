"""``vaetext data``: the counts it prints."""

from pathlib import Path

import pytest

from vaetext.config.data import Grammar, Sine, UserText
from vaetext.config.verbs import DataConfig
from vaetext.verbs import data


def test_counts_and_examples_of_each_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in (("train", "a b c\na b\n"), ("valid", "a\n"), ("test", "c d d\n")):
        (tmp_path / name).write_text(content)
    names = {name: name for name in ("train", "valid", "test")}
    data.run(DataConfig(data=UserText(name="text", root=str(tmp_path), **names), examples=1))
    printed = capsys.readouterr().out
    assert "text: 5 symbols" in printed
    assert "| train | 2 | 7 | 5 | 3.500 | 3 | 3 | 0 |" in printed
    assert "| test | 1 | 4 | 3 | 4.000 | 3 | 2 | 2 |" in printed
    assert "test:\n  c <unk> <unk>" in printed
    data.run(DataConfig(data=UserText(name="text", root=str(tmp_path), **names), examples=0))
    assert "test:" not in capsys.readouterr().out


def test_the_figures_of_the_grammar(capsys: pytest.CaptureFixture[str]) -> None:
    data.run(DataConfig(data=Grammar(name="grammar", train_size=50, valid_size=5, test_size=5)))
    printed = capsys.readouterr().out
    assert "entropy: " in printed
    assert "I(x; latents): " in printed


def test_the_figures_of_the_sine_law(capsys: pytest.CaptureFixture[str]) -> None:
    data.run(DataConfig(data=Sine(name="sine", train_size=50, valid_size=5, test_size=5)))
    printed = capsys.readouterr().out
    assert "| train | 50 | 850 | 800 | 17.000 | 16 |" in printed
    assert "entropy: 8.506" in printed
    assert "uniform law: 36.84" in printed
