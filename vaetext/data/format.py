"""How the sequences of a data set are written and read."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from vaetext.data.domain import Domain
from vaetext.data.drawn import Drawn
from vaetext.data.files import read_lines
from vaetext.data.loader import Split


class Format(ABC):
    """From lines and files to sequences and back: a tokenizer, a standardizer and the like.

    A sequence is what ``Split`` holds: ids with EOS, or frames [T, F].

    Attributes:
        file: its name in a run folder, by which it is read again.
        has_tempo: whether ``files`` takes a tempo.
    """

    file: ClassVar[str]
    has_tempo: ClassVar[bool] = False

    @abstractmethod
    def save(self, path: Path) -> None:
        """Writes it, whole or not at all."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path) -> Self:
        """Reads what ``save`` wrote.

        Raises:
            ValueError: the file is missing, or holds anything else.
        """

    @abstractmethod
    def domain(self, longest: int) -> Domain:
        """What a model must know of sequences of at most ``longest`` steps."""

    @property
    @abstractmethod
    def description(self) -> str:
        """In words, for ``vaetext data``."""

    @abstractmethod
    def counts(self, split: Split) -> dict[str, str]:
        """Column -> figure of a split, for ``vaetext data``."""

    @abstractmethod
    def encode(self, line: str) -> Any:
        """The sequence of one line.

        Raises:
            ValueError: the line holds no sequence of this kind.
        """

    def encode_all(self, lines: list[str]) -> list[Any]:
        """The sequences of many lines."""
        return [self.encode(line) for line in lines]

    @abstractmethod
    def decode(self, sequence: Any) -> str:
        """The line of a sequence."""

    @property
    def is_text(self) -> bool:
        """Whether sequences are tokens, and not frames."""
        return self.domain(1).eos is not None

    def recode(self, sequence: Any, other: "Format") -> Any:
        """A sequence that ``other`` has read, as this format reads it.

        Raises:
            ValueError: it is of another kind.
        """
        if self.is_text != other.is_text:
            raise ValueError(
                f"the data is {other.description}; this run reads {self.description}: give it data"
                " of the kind it was trained on"
            )
        if self.is_text:
            return self.encode(other.decode(sequence))
        return self.sequence(other.values(sequence))

    def canonical(self, sequences: Sequence[Any]) -> list[Any]:
        """Sequences with the same lines, written as ``encode`` writes them."""
        return list(sequences)

    def reads(self, path: Path) -> bool:
        """Whether ``path`` is another file than one of lines, or a folder, that ``read`` takes."""
        return False

    def read(self, path: Path) -> list[tuple[str, Any]]:
        """(name, sequence) of each sequence of a user's file: of its lines that are not empty.

        Raises:
            ValueError: the file is missing or damaged, or a line holds no sequence of this kind.
        """
        lines = [(n, line.strip()) for n, line in enumerate(read_lines(path), 1) if line.strip()]
        sequences = self.encode_all([line for _, line in lines])
        return [(f"line {n}", each) for (n, _), each in zip(lines, sequences, strict=True)]

    def sequence(self, values: Any) -> Any:
        """The sequence of an array in the units of the data's files.

        Raises:
            ValueError: the array is none of this kind.
        """
        raise ValueError(f"{values!r:.40} is no line; this run's data is text: give lines")

    def values(self, sequence: Any) -> np.ndarray:
        """The array of a sequence in the units of the data's files."""
        return np.asarray(sequence)

    @property
    def drawn(self) -> Drawn | None:
        """How sequences are drawn in pictures; None where they are text."""
        return None

    def files(
        self, sequences: Sequence[Any], stem: str, tempo: float | None = None
    ) -> dict[str, bytes]:
        """File name -> content of what is written beside the lines of generated sequences.

        Args:
            stem: of the names: "samples", for example.
            tempo: of music, quarter notes a minute; None takes the default.

        Raises:
            ValueError: a tempo is given, and these are no piano rolls.
        """
        self.check_tempo(tempo)
        return {}

    def check_tempo(self, tempo: float | None) -> None:
        """Raises ValueError where a tempo is given, of data that are no piano rolls."""
        if tempo is not None and not self.has_tempo:
            raise ValueError(f"tempo={tempo:g}: this run's data is no music; leave tempo out")

    @property
    def one_length(self) -> int | None:
        """The steps of every sequence, where all have as many."""
        return None

    def check_max_length(self, max_length: int) -> None:
        """Raises ValueError where all sequences have one length, and another is asked for."""
        if self.one_length is not None and max_length not in (0, self.one_length):
            raise ValueError(
                f"max_length={max_length}: every sequence of this run's data has"
                f" {self.one_length} steps; leave max_length out"
            )
