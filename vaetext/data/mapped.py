"""Splits in Arrow files: written some sequences at a time, read as views of the mapped file."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from vaetext.data.loader import Split


class SplitWriter:
    """Writes the sequences of a split to an Arrow file, whatever their number.

    Until it is closed they are in files of raw numbers beside it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.raw = [path.with_suffix(f".{name}") for name in ("ids", "offsets")]
        self.ids, self.offsets = (each.open("wb") for each in self.raw)
        self.end = 0
        np.zeros(1, dtype=np.int64).tofile(self.offsets)

    def add(self, sequences: Sequence[list[int]]) -> None:
        """Adds sequences of ids, each with its EOS."""
        lengths = np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))
        ends = self.end + np.cumsum(lengths)
        ids = chain.from_iterable(sequences)
        np.fromiter(ids, dtype=np.int32, count=int(lengths.sum())).tofile(self.ids)
        ends.tofile(self.offsets)
        self.end = int(ends[-1])

    def __enter__(self) -> "SplitWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ids.close()
        self.offsets.close()
        if kind is None:
            _write(self.path, *self.raw)
        for each in self.raw:
            each.unlink()


def _write(path: Path, ids: Path, offsets: Path) -> None:
    import datasets
    import pyarrow

    flat, ends = _mapped(ids, pyarrow.int32()), _mapped(offsets, pyarrow.int64())
    table = pyarrow.table({"ids": pyarrow.LargeListArray.from_arrays(ends, flat)})
    with datasets.arrow_writer.ArrowWriter(path=str(path)) as writer:
        writer.write_table(table, max(len(table), 1))  # in one part, so that it is mapped as one
        writer.finalize()


def _mapped(path: Path, kind: Any) -> Any:
    """An Arrow array of the raw numbers in a file."""
    import pyarrow

    size = path.stat().st_size
    buffer = pyarrow.memory_map(str(path)).read_buffer() if size else pyarrow.py_buffer(b"")
    return pyarrow.Array.from_buffers(kind, size * 8 // kind.bit_width, [None, buffer])


def read_split(path: Path) -> Split:
    """Flat ids and offsets of an Arrow file: views of the file's map, nothing is copied."""
    import pyarrow

    with pyarrow.memory_map(str(path)) as file:
        (ids,) = pyarrow.ipc.open_stream(file).read_all().column("ids").chunks
    return Split(ids.values.to_numpy(), ids.offsets.to_numpy())
