"""What formats of frames share, and frames of zeros and ones."""

import json
import textwrap
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from vaetext.data.arrays import is_arrays, place, read_arrays
from vaetext.data.atomic import atomic_write
from vaetext.data.domain import Binary
from vaetext.data.drawn import Drawn
from vaetext.data.format import Format
from vaetext.data.loader import Split


class FrameFormat(Format):
    """Frames of F numbers, a word of a line each. A subclass is a dataclass, saved as JSON.

    Attributes:
        holds: what such data holds, for messages: "real values", for example.
    """

    holds: ClassVar[str]

    @abstractmethod
    def frame(self, word: str) -> list[float] | None:
        """The numbers [F] of a word; None where it is no frame."""

    @property
    @abstractmethod
    def wanted(self) -> str:
        """What the word of a frame must be, for messages."""

    def encode(self, line: str) -> np.ndarray:
        """The frames [T, F] of one line.

        Raises:
            ValueError: a word is no frame, or there is none.
        """
        rows = [self._checked(word, n, line) for n, word in enumerate(line.split(), 1)]
        if not rows:
            raise ValueError("an empty line holds no frame; give frames between spaces")
        return self.encoded(np.array(rows))

    @abstractmethod
    def encoded(self, raw: np.ndarray) -> np.ndarray:
        """[T, F] raw -> frames as a model reads them."""

    def reads(self, path: Path) -> bool:
        """Whether a path is an ``.npz`` or ``.csv`` file, or a folder."""
        return is_arrays(path)

    def read(self, path: Path) -> list[tuple[str, Any]]:
        """(name, frames) of each array of an ``.npz`` file, by key, or ``.csv`` file; or of lines.

        Raises:
            ValueError: the file is damaged, or holds frames of another kind; names file and key.
        """
        if not is_arrays(path):
            return super().read(path)
        return [(name, self._named(array, place(path, name))) for name, array in read_arrays(path)]

    def sequence(self, values: Any) -> np.ndarray:
        """The frames of an array [T, F] in the units of the data's files.

        Raises:
            ValueError: it has another shape, or no frame, or values that are none of this data's.
        """
        raw = np.asarray(values)
        size = self.domain(1).size
        if raw.ndim != 2 or raw.shape[1] != size or not len(raw):
            raise ValueError(
                f"an array of shape {raw.shape} is no sequence of this run's frames;"
                f" give one of shape [T, {size}]"
            )
        if raw.dtype.kind not in "biuf" or not self.allowed(raw):
            raise ValueError(f"an array has values that are no {self.holds}, as this run's are")
        return self.encoded(raw)

    @abstractmethod
    def allowed(self, raw: np.ndarray) -> bool:
        """Whether an array [T, F] holds frames of this kind."""

    def files(
        self, sequences: Sequence[Any], stem: str, tempo: float | None = None
    ) -> dict[str, bytes]:
        """``<stem>.npz``: an array [T, F] of each sequence, named by its number from 1."""
        arrays = {f"{n}": self.values(each) for n, each in enumerate(sequences, 1)}
        buffer = BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        return {**super().files(sequences, stem, tempo), f"{stem}.npz": buffer.getvalue()}

    def counts(self, split: Split) -> dict[str, str]:
        """Column -> figure of a split, for ``vaetext data``."""
        lengths = split.lengths
        return {
            "sequences": f"{len(split):,}",
            "frames": f"{len(split.x):,}",
            "mean length": f"{lengths.mean():.3f}",
            "longest": f"{lengths.max():,}",
        }

    def save(self, path: Path) -> None:
        """Writes JSON, whole or not at all."""
        atomic_write(path, json.dumps(asdict(self)) + "\n")  # type: ignore[call-overload]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what ``save`` wrote.

        Raises:
            ValueError: the file holds anything else.
        """
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} holds no {cls.__name__} ({error!r}); train the run again"
            ) from error

    def _named(self, array: np.ndarray, name: str) -> np.ndarray:
        try:
            return self.sequence(array)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

    def _checked(self, word: str, number: int, line: str) -> list[float]:
        frame = self.frame(word)
        if frame is None:
            raise ValueError(
                f"frame {number} of '{textwrap.shorten(line, 40)}' is {word!r}, which is not"
                f" {self.wanted}; this data set holds {self.holds}, not text"
            )
        return frame


@dataclass(frozen=True)
class Bits(FrameFormat):
    """Frames of F zeros and ones; in a line a frame is written ``0110``.

    Attributes:
        size: F.
    """

    size: int

    file = "bits.json"
    holds = "zeros and ones"
    ones = "ones per frame"  # columns of ``counts``
    empty = "frames without a one"

    def __post_init__(self) -> None:
        if type(self.size) is not int or self.size < 1:
            raise ValueError(f"size={self.size!r} must be a whole number of at least 1")

    def domain(self, longest: int) -> Binary:
        """What a model must know of sequences of at most ``longest`` frames."""
        return Binary(self.size, longest)

    @property
    def description(self) -> str:
        """In words, for ``vaetext data``."""
        return f"frames of {self.size} binary number{'s' * (self.size > 1)}"

    @property
    def wanted(self) -> str:
        """F digits 0 or 1."""
        return f"{self.size} digit{'s' * (self.size > 1)} 0 or 1"

    def counts(self, split: Split) -> dict[str, str]:
        """Column -> figure of a split, for ``vaetext data``."""
        ones = split.x.sum(1)
        return {
            **super().counts(split),
            self.ones: f"{ones.mean():.3f}",
            self.empty: f"{int((ones == 0).sum()):,}",
        }

    def allowed(self, raw: np.ndarray) -> bool:
        """Whether all numbers are 0 or 1."""
        return bool(np.isin(raw, (0, 1)).all())

    @property
    def drawn(self) -> Drawn:
        """A bar for every run of ones."""
        return Drawn("roll", y="number")

    def encoded(self, raw: np.ndarray) -> np.ndarray:
        """[T, F] uint8, which becomes float32 in a batch."""
        return np.asarray(raw, dtype=np.uint8)

    def frame(self, word: str) -> list[float] | None:
        """The digits of a word."""
        fits = len(word) == self.size and set(word) <= set("01")
        return [float(digit) for digit in word] if fits else None

    def decode(self, sequence: Any) -> str:
        """The line of frames [T, F]."""
        return " ".join("".join("01"[int(n > 0.5)] for n in frame) for frame in sequence)
