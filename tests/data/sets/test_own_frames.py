"""A user's own frames: their kinds, splits and scale."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaetext.config.data import OwnFrames
from vaetext.data import corpora
from vaetext.data.corpora import Corpus
from vaetext.data.domain import Binary, Real

RNG = np.random.default_rng(0)
REAL = {f"s{n}": RNG.normal([5, -3], [2, 0.1], (n % 3 + 2, 2)) for n in range(40)}
BITS = {f"s{n}": RNG.integers(2, size=(n % 3 + 2, 3)) for n in range(40)}


def own(**options: Any) -> Corpus:
    return corpora.load(OwnFrames(name="frames", **options))


def saved(path: Path, arrays: dict[str, Any]) -> str:
    np.savez(path, **arrays)
    return str(path)


def test_real_frames_are_standardised_by_the_training_split(tmp_path: Path) -> None:
    corpus = own(train=saved(tmp_path / "all.npz", REAL), split=[0.8, 0.1, 0.1])
    assert [len(split) for split in corpus.splits.values()] == [32, 4, 4]
    assert corpus.domain == Real(2, 4)
    train = corpus.splits["train"].x
    np.testing.assert_allclose(train.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(train.std(0), 1, rtol=1e-4)
    found = {
        corpus.format.values(split[n]).tobytes()
        for split in corpus.splits.values()
        for n in range(len(split))
    }
    assert len(found) == 40
    raw = corpus.format.values(corpus.splits["test"][0])
    assert min(np.abs(raw - each).max() for each in REAL.values() if each.shape == raw.shape) < 1e-5


def test_zeros_and_ones_are_binary_unless_they_are_said_to_be_real(tmp_path: Path) -> None:
    path = saved(tmp_path / "all.npz", BITS)
    corpus = own(train=path)
    assert corpus.domain == Binary(3, 4)
    assert corpus.splits["train"].x.dtype == np.uint8
    assert own(train=path, kind="real").domain == Real(3, 4)


def test_another_value_in_any_split_makes_frames_real(tmp_path: Path) -> None:
    train = saved(tmp_path / "train.npz", BITS)
    test = saved(tmp_path / "test.npz", {**BITS, "s39": np.full((2, 3), 0.5)})
    assert own(train=train, valid=train, test=train).domain == Binary(3, 4)
    assert own(train=train, valid=train, test=test).domain == Real(3, 4)
    with pytest.raises(ValueError, match=r"data\.kind=binary: .*test\.npz, 's39' has other values"):
        own(train=train, valid=train, test=test, kind="binary")


def test_folders_of_csv_files_are_splits(tmp_path: Path) -> None:
    for name in ("train", "valid", "test"):
        (tmp_path / name).mkdir()
        for n in range(3):
            (tmp_path / name / f"{n}.csv").write_text(f"{n},1\n2,{n}\n")
    folders = {name: str(tmp_path / name) for name in ("train", "valid", "test")}
    corpus = own(**folders)
    assert [len(split) for split in corpus.splits.values()] == [3, 3, 3]
    assert corpus.source == list(folders.values())
    before = corpus.sums
    (tmp_path / "test" / "1.csv").write_text("7,1\n")
    assert own(**folders).sums[:2] == before[:2] and own(**folders).sums[2] != before[2]


def test_a_constant_number_keeps_its_scale(tmp_path: Path) -> None:
    arrays = {f"s{n}": np.column_stack([np.full(3, 7.0), np.arange(3) + n]) for n in range(30)}
    corpus = own(train=saved(tmp_path / "all.npz", arrays))
    assert np.isfinite(corpus.splits["test"].x).all()
    assert (corpus.splits["test"].x[:, 0] == 0).all()


def test_faulty_data_are_refused(tmp_path: Path) -> None:
    train = saved(tmp_path / "train.npz", REAL)
    wide = saved(tmp_path / "wide.npz", {"a": np.zeros((2, 3))})
    with pytest.raises(ValueError, match=r"wide\.npz, 'a' has frames of 3 numbers, and .*train"):
        own(train=train, valid=train, test=wide)
    with pytest.raises(ValueError, match=r"data=frames needs a file or folder, as in data\.train="):
        own()
    with pytest.raises(ValueError, match=r"leaves a split of .*wide\.npz \(sequences: 1\) empty"):
        own(train=wide)
    with pytest.raises(ValueError, match=r"data\.train=none\.npz: no such file"):
        own(train="none.npz")
