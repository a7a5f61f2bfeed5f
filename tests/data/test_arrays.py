"""Sequences of numbers in .npz and .csv files, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaetext.data.arrays import read_arrays
from vaetext.data.frames import Bits
from vaetext.data.standardizer import Standardizer

PAIR = [[1.0, 2.0], [3.0, 4.0]]


def listed(path: Path) -> list[tuple[str, Any]]:
    return [(name, frames.tolist()) for name, frames in read_arrays(path)]


def test_arrays_come_in_the_order_of_their_keys(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", z=np.array(PAIR), a=np.array([[5, 6]], np.int8))
    assert listed(tmp_path / "a.npz") == [("z", PAIR), ("a", [[5, 6]])]


def test_one_number_a_frame_needs_no_second_axis(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.arange(3), b=np.array([True, False]))
    assert listed(tmp_path / "a.npz") == [("a", [[0], [1], [2]]), ("b", [[1], [0]])]


def test_a_flat_array_is_cut_at_its_offsets(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(8).reshape(4, 2), offsets=[0, 1, 4])
    assert listed(tmp_path / "a.npz") == [("1", [[0, 1]]), ("2", [[2, 3], [4, 5], [6, 7]])]


def test_a_folder_holds_a_csv_file_a_sequence(tmp_path: Path) -> None:
    (tmp_path / "10.csv").write_text("1,2\n3,4\n")
    (tmp_path / "9.csv").write_text("left,right\r\n5, 6e0\r\n\r\n")
    (tmp_path / "notes.txt").write_text("no numbers")
    assert listed(tmp_path) == [("9.csv", [[5, 6]]), ("10.csv", PAIR)]
    assert listed(tmp_path / "10.csv") == [("10.csv", PAIR)]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": PAIR, "b": [[1.0, np.nan]]}, r"a\.npz, 'b' has nan in frame 1, number 2; .*finite"),
        ({"a": PAIR, "b": [[-np.inf, 1.0]]}, r"'b' has -inf in frame 1, number 1"),
        ({"a": PAIR, "b": [[1.0, 1e13]]}, r"'b' has 1e\+13 .*below 1e\+12"),
        ({"a": PAIR, "b": [[1.0]]}, r"'b' has frames of 1 numbers, and .*'a' of 2; .* one width"),
        ({"a": np.zeros((0, 2))}, "'a' is empty"),
        ({"a": np.zeros((2, 2, 2))}, r"'a' has shape \(2, 2, 2\); it must be \[steps, numbers"),
        ({"a": ["word"]}, "'a' holds <U4, not real numbers"),
        ({"a": [1j]}, "'a' holds complex128, not real numbers"),
        ({}, "holds no array"),
        ({"x": PAIR, "offsets": [0, 3]}, "'offsets'.* rise from 0 to the length of x"),
        ({"x": PAIR, "offsets": [0, 2, 1, 2]}, "'offsets'"),
        ({"x": PAIR, "offsets": [0.0, 2.0]}, "'offsets'"),
        ({"x": PAIR, "offsets": [0, 0, 2]}, "'1' is empty"),
    ],
)
def test_what_is_no_sequence_is_refused_by_key(
    tmp_path: Path, arrays: dict[str, Any], message: str
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        read_arrays(tmp_path / "a.npz")


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    ragged = np.empty(2, dtype=object)
    ragged[:] = [[1], [1, 2]]
    np.savez(tmp_path / "a.npz", a=ragged)
    with pytest.raises(ValueError, match=r"a\.npz.*'a' holds objects, which are not read"):
        read_arrays(tmp_path / "a.npz")
    np.save(tmp_path / "b.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "b.npy").rename(tmp_path / "b.npz")
    with pytest.raises(ValueError, match=r"b\.npz cannot be read as \.npz"):
        read_arrays(tmp_path / "b.npz")


@pytest.mark.parametrize("content", [b"", b"1,2\n", b"PK\x03\x04cut off"])
def test_a_file_that_is_no_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npz cannot be read as \.npz"):
        read_arrays(tmp_path / "a.npz")


def test_a_single_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2, 2)))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"a single array; save it with numpy\.savez"):
        read_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1,2\n3\n", r"a\.csv, line 2 has 1 numbers, and line 1 has 2"),
        ("x,y\n1,2\n\n3,z\n", r"a\.csv, line 4: 'z' is not a number"),
        ("1,2\nnan,3\n", r"a\.csv has nan in frame 2, number 1"),
        ("", r"a\.csv is empty"),
        ("x,y\n", r"a\.csv is empty"),
        ("1,2\n3,4\n".encode("utf-16"), r"a\.csv is UTF-16"),
    ],
)
def test_a_faulty_csv_file_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ValueError, match=message):
        read_arrays(tmp_path / "a.csv")


def test_a_folder_without_csv_and_another_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no \.csv file"):
        read_arrays(tmp_path)
    (tmp_path / "a.txt").write_text("1")
    with pytest.raises(ValueError, match=r"a\.txt: give an \.npz file"):
        read_arrays(tmp_path / "a.txt")


def test_formats_read_arrays_in_the_units_of_the_data(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", first=np.array(PAIR))
    ((name, frames),) = Standardizer((1.0, 0.0), (2.0, 4.0)).read(tmp_path / "a.npz")
    assert name == "first" and frames.tolist() == [[0, 0.5], [1, 1]]
    with pytest.raises(ValueError, match=r"a\.npz, 'first': an array has values that are no zeros"):
        Bits(2).read(tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"a\.npz, 'first': an array of shape \(2, 2\)"):
        Bits(3).read(tmp_path / "a.npz")
