"""Frames of zeros and ones, and of notes: their lines, figures and files."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch

from vaetext.data.domain import Binary
from vaetext.data.frames import Bits, FrameFormat
from vaetext.data.loader import Split, collate
from vaetext.data.pianoroll import CELLS, PianoRoll, read_mat
from vaetext.data.standardizer import Standardizer

ROLL = PianoRoll(size=5, lowest=60)
FRAMES = [[1, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("form", "line"), [(Bits(5), "10001 00000 01000"), (ROLL, "60,64 - 61")], ids=["bits", "roll"]
)
def test_lines_become_frames_and_lines_again(form: FrameFormat, line: str) -> None:
    frames = form.encode(line)
    assert frames.tolist() == FRAMES
    assert form.decode(frames) == form.decode(frames.astype(np.float32)) == line
    assert form.domain(9) == Binary(5, 9)


@pytest.mark.parametrize(
    ("form", "line", "message"),
    [
        (Bits(2), "01 012", "frame 2 of '01 012' is '012', which is not 2 digits 0 or 1"),
        (Bits(1), "2", "1 digit 0 or 1; this data set holds zeros and ones, not text"),
        (ROLL, "60 65", "'65', which is not MIDI notes 60 to 64 between commas, or -"),
        (ROLL, "60,,61", "'60,,61'"),
        (ROLL, "the cat", "this data set holds notes, not text"),
        (ROLL, "", "empty"),
    ],
)
def test_a_line_that_is_not_frames_is_refused(form: FrameFormat, line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        form.encode(line)


@pytest.mark.parametrize("form", [Bits(3), ROLL, PianoRoll()])
def test_a_saved_one_is_read_again(form: FrameFormat, tmp_path: Path) -> None:
    form.save(tmp_path / form.file)
    assert type(form).load(tmp_path / form.file) == form
    for damaged in ('{"size": 0}', '{"size": "3"}', '{"sizes": 3}', "[3]", "{"):
        (tmp_path / form.file).write_text(damaged)
        with pytest.raises(ValueError, match=f"holds no {type(form).__name__}"):
            type(form).load(tmp_path / form.file)


def test_figures_count_notes_and_silence() -> None:
    split = Split.of([np.array(FRAMES, np.uint8), np.array(FRAMES[:1], np.uint8)])
    assert ROLL.counts(split) == {
        "sequences": "2",
        "frames": "4",
        "mean length": "2.000",
        "longest": "3",
        "notes per frame": "1.250",
        "silent frames": "1",
    }


def test_bytes_become_numbers_in_a_batch() -> None:
    split = Split.of([np.array(FRAMES, np.uint8), np.array(FRAMES[:1], np.uint8)])
    batch = collate(split, np.array([0, 1]), ROLL.domain(3))
    assert batch.x.dtype == torch.float32
    assert batch.x.tolist() == [FRAMES, [FRAMES[0], [0] * 5, [0] * 5]]


def rolls(**cells: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Cells of a MATLAB file, one roll each where none are given."""
    given = {name: cells.get(name, [np.array(FRAMES)]) for name in CELLS.values()}
    arrays = {name: np.empty((1, len(each)), dtype=object) for name, each in given.items()}
    for name, each in given.items():
        for n, roll in enumerate(each):
            arrays[name][0, n] = roll
    return arrays


def test_a_matlab_file_is_read_by_split(tmp_path: Path) -> None:
    other = np.array(FRAMES[1:], np.uint8)
    scipy.io.savemat(tmp_path / "a.mat", rolls(traindata=[np.array(FRAMES, np.uint8), other]))
    found = ROLL.read(tmp_path / "a.mat")
    assert [name for name, _ in found] == ["train 1", "train 2", "valid 1", "test 1"]
    assert [roll.tolist() for _, roll in found] == [FRAMES, FRAMES[1:], FRAMES, FRAMES]


@pytest.mark.parametrize(
    ("roll", "message"),
    [
        (np.full((2, 5), 2), "testdata 2 has other values than 0 and 1"),
        (np.full((2, 5), np.nan), "testdata 2 has other values"),
        (np.zeros((2, 4)), r"testdata 2 has shape \(2, 4\); it must be steps of 5 notes"),
        (np.zeros((0, 5)), "testdata 2 has shape"),
    ],
)
def test_a_roll_that_is_none_is_refused(tmp_path: Path, roll: np.ndarray, message: str) -> None:
    scipy.io.savemat(tmp_path / "a.mat", rolls(testdata=[np.array(FRAMES), roll]))
    with pytest.raises(ValueError, match=rf"a\.mat, {message}"):
        ROLL.read(tmp_path / "a.mat")


@pytest.mark.parametrize("content", [b"", b"text", b"\0" * 500])
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"x\.mat is no MATLAB file \(version 5\) with cells"):
        read_mat(content, "x.mat", 5)


@pytest.mark.parametrize("form", [Bits(5), ROLL, Standardizer((1.0,) * 5, (2.0,) * 5)])
def test_arrays_become_sequences_and_arrays_again(form: FrameFormat) -> None:
    frames = form.sequence(np.array(FRAMES))
    np.testing.assert_allclose(form.values(frames), FRAMES)
    for wrong, message in (
        (np.zeros((2, 4)), r"shape \(2, 4\) .* shape \[T, 5\]"),
        (np.zeros((0, 5)), "shape"),
        (np.zeros(5), "shape"),
        (np.full((2, 5), np.nan), f"values that are no {form.holds}"),
        (np.full((2, 5), "a"), f"values that are no {form.holds}"),
    ):
        with pytest.raises(ValueError, match=message):
            form.sequence(wrong)


def test_generated_frames_are_written_as_arrays_and_notes_as_midi(tmp_path: Path) -> None:
    frames = [np.array(FRAMES, np.float32), np.array(FRAMES[:1], np.float32)]
    (tmp_path / "x.npz").write_bytes(Bits(5).files(frames, "samples")["samples.npz"])
    with np.load(tmp_path / "x.npz") as found:
        assert [found[name].tolist() for name in found] == [FRAMES, FRAMES[:1]]
    with pytest.raises(ValueError, match="tempo=90: this run's data is no music"):
        Bits(5).files(frames, "samples", tempo=90)
    files = ROLL.files(frames, "samples", tempo=90)
    assert list(files) == ["samples/1.mid", "samples/2.mid"]
    (tmp_path / "1.mid").write_bytes(files["samples/1.mid"])
    ((name, roll),) = ROLL.read(tmp_path / "1.mid")
    assert name == "1.mid"
    assert roll.tolist() == FRAMES
