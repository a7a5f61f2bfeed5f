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
        self.raw = [path.with_suffix(f".{name}") for name in ("ids", "offsets", "log_p")]
        self.ids, self.offsets, self.log_p = (each.open("wb") for each in self.raw)
        self.end = 0
        np.zeros(1, dtype=np.int64).tofile(self.offsets)

    def add(self, sequences: Sequence[list[int]], log_p: np.ndarray | None = None) -> None:
        """Adds sequences of ids, each with its EOS, and their true log p(x) [N] if it is known."""
        lengths = np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))
        ends = self.end + np.cumsum(lengths)
        ids = chain.from_iterable(sequences)
        np.fromiter(ids, dtype=np.int32, count=int(lengths.sum())).tofile(self.ids)
        ends.tofile(self.offsets)
        if log_p is not None:
            log_p.tofile(self.log_p)
        self.end = int(ends[-1])

    def __enter__(self) -> "SplitWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in (self.ids, self.offsets, self.log_p):
            file.close()
        if kind is None:
            _write(self.path, *self.raw)
        for each in self.raw:
            each.unlink()


def _write(path: Path, ids: Path, offsets: Path, log_p: Path) -> None:
    import datasets
    import pyarrow

    flat, ends = _mapped(ids, pyarrow.int32()), _mapped(offsets, pyarrow.int64())
    columns = {"ids": pyarrow.LargeListArray.from_arrays(ends, flat)}
    if log_p.stat().st_size:
        columns["log_p"] = _mapped(log_p, pyarrow.float64())
    table = pyarrow.table(columns)
    with datasets.arrow_writer.ArrowWriter(path=str(path)) as writer:
        writer.write_table(table, max(len(table), 1))  # in one part, so that it is mapped as one
        writer.finalize()


def _mapped(path: Path, kind: Any) -> Any:
    """An Arrow array of the raw numbers in a file."""
    import pyarrow

    size = path.stat().st_size
    buffer = pyarrow.memory_map(str(path)).read_buffer() if size else pyarrow.py_buffer(b"")
    return pyarrow.Array.from_buffers(kind, size * 8 // kind.bit_width, [None, buffer])


def open_split(path: Path) -> Split:
    """The arrays of an Arrow file: views of the file's map, nothing is copied."""
    import pyarrow

    with pyarrow.memory_map(str(path)) as file:
        table = pyarrow.ipc.open_stream(file).read_all()
    (ids,) = table.column("ids").chunks
    log_p = table.column("log_p").chunk(0).to_numpy() if "log_p" in table.column_names else None
    return Split(ids.values.to_numpy(), ids.offsets.to_numpy(), log_p)
