"""Splits in mapped files: nothing is copied, and nothing is left of what was interrupted."""

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from vaetext.config.data import UserText
from vaetext.data import cache, corpora, sentences
from vaetext.data.loader import SPLITS, Split
from vaetext.data.mapped import SplitWriter, open_split

SEQUENCES = [[2 + n % 5] * (n % 9) + [1] for n in range(5000)]


def written(folder: Path, block: int) -> Path:
    path = folder / "train.arrow"
    with SplitWriter(path) as writer:
        for start in range(0, len(SEQUENCES), block):
            writer.add(SEQUENCES[start : start + block])
    return path


@pytest.mark.parametrize("block", [1, 700, 5000])
def test_a_split_written_in_parts_is_read_as_a_whole(block: int, tmp_path: Path) -> None:
    path = written(tmp_path, block)
    found = open_split(path)
    assert found.digest == Split.of(SEQUENCES).digest
    assert (found.x.dtype, found.offsets.dtype) == (np.int32, np.int64)
    assert list(tmp_path.iterdir()) == [path]
    assert datasets.Dataset.from_file(str(path))[8]["ids"] == SEQUENCES[8]


def _maps(path: Path) -> list[range]:
    """The addresses at which this process has mapped a file."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    ends = [line.split()[0].split("-") for line in lines if line.endswith(str(path))]
    return [range(int(start, 16), int(end, 16)) for start, end in ends]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not list maps")
def test_arrays_are_views_of_the_mapped_file(tmp_path: Path) -> None:
    path = written(tmp_path, 700)
    found = open_split(path)
    for array in (found.x, found.offsets, found[4999], next(found.parts()).x):
        assert any(array.__array_interface__["data"][0] in each for each in _maps(path))
        assert not array.flags.writeable


def test_a_mapped_split_outlives_its_file(tmp_path: Path) -> None:
    path = written(tmp_path, 700)
    found = open_split(path)
    path.unlink()
    assert found.digest == Split.of(SEQUENCES).digest


def test_an_error_leaves_no_file(tmp_path: Path) -> None:
    writer = SplitWriter(tmp_path / "train.arrow")
    with pytest.raises(ValueError, match="invalid literal"), writer:
        writer.add([[1], ["a"]])  # type: ignore[list-item]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_preparation_leaves_nothing_and_starts_again(
    error: type[BaseException],
    tmp_path: Path,
    fresh_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "my.txt").write_text("a b\nc d\n" * 40)
    config = UserText(name="text", train=str(tmp_path / "my.txt"))

    def interrupted(*_: Any) -> Any:
        assert [each.name for each in fresh_cache.glob("tokens/*/*.arrow")]
        raise error("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(sentences, "repeated", interrupted)
        with pytest.raises(error):
            corpora.load(config)
    assert not list((fresh_cache / "tokens").iterdir())
    assert len(corpora.load(config).splits["train"]) == 72
    assert len(list((fresh_cache / "tokens").iterdir())) == 1


def test_what_a_killed_process_left_is_removed(
    tmp_path: Path, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my.txt").write_text("a b\nc d\n" * 40)
    config = UserText(name="text", train=str(tmp_path / "my.txt"))
    with monkeypatch.context() as patch:
        patch.setattr(sentences, "repeated", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr(cache.shutil, "rmtree", lambda *_, **__: None)  # as a kill would
        with pytest.raises(KeyboardInterrupt):
            corpora.load(config)
    (left,) = (fresh_cache / "tokens").iterdir()
    assert left.name.startswith(".") and (left / "train.arrow").is_file()
    assert [len(split) for split in corpora.load(config).splits.values()] == [72, 4, 4]
    (folder,) = (fresh_cache / "tokens").iterdir()
    assert sorted(each.name for each in folder.iterdir()) == sorted(
        ["meta.json", "tokenizer.model", *(f"{name}.arrow" for name in SPLITS)]
    )
