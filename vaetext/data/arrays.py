"""A user's sequences of numbers: ``.npz`` files of arrays, and ``.csv`` files."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from vaetext.data.contents import text_lines
from vaetext.data.files import natural, read_bytes

LARGEST = 1e12  # the square of a number of a frame still fits into float32
Named = list[tuple[str, np.ndarray]]  # sequences [T, F] with the key or file of each


def is_arrays(path: Path) -> bool:
    """Whether a path is an ``.npz`` or ``.csv`` file, or a folder."""
    return path.is_dir() or path.suffix in (".npz", ".csv")


def read_arrays(path: Path) -> Named:
    """(name, frames [T, F] float64) of each sequence of a file or folder; all of one width.

    An ``.npz`` file holds an array [T, F] a sequence, or [T] where F is 1, in the order of its
    keys; or all frames in ``x`` [N, F], with ``offsets`` [sequences + 1]. A folder holds a ``.csv``
    file a sequence, in the order of their names.

    Raises:
        ValueError: names the file and key of what is no such array: ragged, empty, of another width
            than the first, of text or objects, or with numbers that are not finite.
    """
    if path.is_dir():
        names = sorted((each.name for each in path.glob("*.csv")), key=natural)
        found = [(name, _csv(path / name)) for name in names]
    elif path.suffix == ".csv":
        found = [(path.name, _csv(path))]
    elif path.suffix == ".npz":
        found = _sequences(read_npz(path), path)
    else:
        raise ValueError(f"{path}: give an .npz file, a .csv file or a folder of .csv files")
    if not found:
        kind = ".csv file" if path.is_dir() else "array"
        raise ValueError(f"{path} holds no {kind}; give one for each sequence")
    checked = [(name, _checked(array, place(path, name))) for name, array in found]
    check_widths([(place(path, name), array) for name, array in checked])
    return checked


def place(path: Path, name: str) -> str:
    """What messages call a sequence."""
    return str(path) if path.name == name else f"{path}, {name!r}"


def check_widths(sequences: Named) -> None:
    """Checks that all sequences have as many numbers in a frame.

    Raises:
        ValueError: one has another number than the first.
    """
    (first, like), *others = sequences
    for name, array in others:
        if array.shape[1] != like.shape[1]:
            raise ValueError(
                f"{name} has frames of {array.shape[1]} numbers, and {first} of {like.shape[1]};"
                " all must be of one width"
            )


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Key -> array. Objects are never unpickled, since that could run code."""
    content = read_bytes(path)
    try:
        file = np.load(BytesIO(content), allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise ValueError("it is a single array; save it with numpy.savez")
        return {key: _member(file, key) for key in file.files}
    except Exception as error:  # numpy and zipfile raise what they meet in damaged files
        raise ValueError(f"{path} cannot be read as .npz: {error}") from error


def _member(file: Any, key: str) -> np.ndarray:
    try:
        return np.asarray(file[key])
    except ValueError as error:  # objects, such as a ragged list
        raise ValueError(
            f"{key!r} holds objects, which are not read ({error}); save each sequence as an"
            " array of numbers [T, F]"
        ) from error


def _sequences(arrays: dict[str, np.ndarray], path: Path) -> Named:
    """The arrays of an .npz file as sequences: as they are, or cut at offsets."""
    if set(arrays) != {"x", "offsets"}:
        return list(arrays.items())
    x, offsets = arrays["x"], arrays["offsets"]
    fits = offsets.ndim == 1 and offsets.dtype.kind in "iu" and x.ndim and len(offsets) > 1
    if not fits or offsets[0] != 0 or offsets[-1] != len(x) or (np.diff(offsets) < 0).any():
        raise ValueError(
            f"{path}, key 'offsets': it must be whole numbers that rise from 0 to the length of x"
        )
    parts = np.split(x, offsets[1:-1])
    return [(f"{n}", part) for n, part in enumerate(parts, 1)]


def _csv(path: Path) -> np.ndarray:
    """A file with a frame a line, numbers between commas; a first line of names is left out."""
    lines = text_lines(read_bytes(path), str(path))
    rows = [(n, line.split(",")) for n, line in enumerate(lines, 1) if line.strip()]
    if rows and not any(map(_is_number, rows[0][1])):
        del rows[0]
    for n, row in rows:
        if len(row) != len(rows[0][1]):
            raise ValueError(
                f"{path}, line {n} has {len(row)} numbers, and line {rows[0][0]} has"
                f" {len(rows[0][1])}; all must be of one width"
            )
        if wrong := [word for word in row if not _is_number(word)]:
            raise ValueError(f"{path}, line {n}: {wrong[0]!r} is not a number")
    return np.array([[float(word) for word in row] for _, row in rows])


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _checked(array: np.ndarray, name: str) -> np.ndarray:
    """An array as frames [T, F] float64."""
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} holds {array.dtype}, not real numbers")
    if not array.size:
        raise ValueError(f"{name} is empty; leave it out")
    frames = array[:, None] if array.ndim == 1 else array
    if frames.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}; it must be [steps, numbers of a frame]")
    frames = frames.astype(np.float64)
    if len(where := np.argwhere(~(np.abs(frames) < LARGEST))):
        step, number = where[0]
        raise ValueError(
            f"{name} has {frames[step, number]:g} in frame {step + 1}, number {number + 1}; all"
            f" must be finite and below {LARGEST:g}"
        )
    return frames
