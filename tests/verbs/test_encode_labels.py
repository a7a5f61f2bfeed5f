"""``vaetext encode labels=...``: where labels come from, and what is written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import tiny_run, tokenizer

from vaetext.config.trained import EncodeConfig
from vaetext.data.loader import Split
from vaetext.report.labels import code_vectors
from vaetext.report.output import split_inputs
from vaetext.runs.encoding import LatentCode
from vaetext.verbs import encode

CATS = ["the cat sat", "a cat ran"] * 8
DOGS = ["the dog sat", "a dog ran on the mat"] * 8


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    loaded = tiny_run("vrae", tmp_path)
    monkeypatch.setattr(encode, "load", lambda *_: loaded)
    monkeypatch.setattr(encode, "output_folder", lambda: tmp_path / "out")
    return loaded


def files(folder: Path, lines: list[str], labels: list[str]) -> dict[str, str]:
    (folder / "lines").write_text("".join(f"{each}\n" for each in lines))
    (folder / "animals.txt").write_text("".join(f"{each}\n" for each in labels))
    return {"input": str(folder / "lines"), "labels": str(folder / "animals.txt")}


def test_labels_are_aligned_with_lines_and_empty_lines_have_none(
    run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = files(tmp_path, [*CATS, "", *DOGS], [*["cat"] * 16, "none", *["dog"] * 16])
    encode.run(EncodeConfig(run="r", iw_samples=1, **given))
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "out" / "labels.md").read_text()
    assert printed.startswith("2 labels (")
    head, row = printed.splitlines()[2], printed.splitlines()[4]
    assert [each.strip() for each in head.split("|")[2:-1]] == ["majority", "10-NN", "linear probe"]
    name, *numbers = [each.strip() for each in row.split("|")[1:-1]]
    assert (name, numbers[0]) == ("z", "0.5000")
    codes = np.load(tmp_path / "out" / "codes.npz")
    assert codes["label"].tolist() == ["cat"] * 16 + ["dog"] * 16
    table = [
        line.split("\t") for line in (tmp_path / "out" / "scores.tsv").read_text().splitlines()
    ]
    at = table[0].index("label")
    assert all((row[at] == "dog") == ("dog" in row[at + 1]) for row in table[1:])
    assert (tmp_path / "out" / "codes.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("lines", "labels", "message"),
    [
        (CATS, ["cat"] * 15, "has 15 lines, and the input 16"),
        (CATS, [*["cat"] * 5, " ", *["dog"] * 10], "line 6 of the input has an empty label"),
        (CATS, ["cat"] * 16, "all labels are 'cat'"),
        (CATS[:2], ["a", "b"], "2 sequences have labels, and 10 neighbours"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    lines: list[str], labels: list[str], message: str, run: Any, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        encode.run(EncodeConfig(run="r", iw_samples=1, **files(tmp_path, lines, labels)))
    assert not (tmp_path / "out").exists()


def test_a_known_factor_of_a_split_labels_it(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    split = Split.of(tokenizer().encode_all([*CATS, *DOGS]))
    factors = {"animal": np.repeat(["cat", "dog"], 16), "weight": np.arange(32) / 7}
    monkeypatch.setattr(run, "split", lambda name: replace(split, factors=factors))
    encode.run(EncodeConfig(run="r", iw_samples=1, split="test", labels="animal"))
    assert "2 labels (animal) of 32 sequences" in capsys.readouterr().out
    with pytest.raises(ValueError, match="labels=weight: it is a number of each sequence"):
        encode.run(EncodeConfig(run="r", iw_samples=1, split="test", labels="weight"))
    with pytest.raises(ValueError, match=r"no such file and no factor of .* \(animal, weight\)"):
        encode.run(EncodeConfig(run="r", iw_samples=1, split="test", labels="colour"))
    with pytest.raises(ValueError, match="input=lines has an effect with split=null only"):
        EncodeConfig(run="r", split="test", input="lines")
    assert split_inputs(run.format, split, "test").texts == [*CATS, *DOGS]


def test_a_model_without_a_latent_has_no_codes_to_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "load", lambda *_: tiny_run("rnnlm"))
    with pytest.raises(ValueError, match="model rnnlm has no latent whose codes could tell"):
        encode.run(EncodeConfig(run="r", **files(tmp_path, CATS, ["a"] * 16)))


def test_codes_of_several_positions_are_averaged() -> None:
    mean = np.array([[1.0, 2.0], [3.0, 4.0], [10.0, 20.0]])
    offsets = np.array([0, 2, 3])
    vectors = code_vectors({"z": LatentCode(mean, None, mean, offsets)})
    np.testing.assert_array_equal(vectors["z"], [[2.0, 3.0], [10.0, 20.0]])
    maps = code_vectors({"z": LatentCode(np.ones((5, 3, 2)), None, np.ones((5, 3, 2)))})
    assert maps["z"].shape == (5, 6)
