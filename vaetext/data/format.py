"""How the sequences of a data set are written and read."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from vaetext.data.domain import Domain
from vaetext.data.files import read_lines
from vaetext.data.loader import Split


class Format(ABC):
    """From lines and files to sequences and back: a tokenizer, a standardizer and the like.

    A sequence is what ``Split`` holds: ids with EOS, or frames [T, F].

    Attributes:
        file: its name in a run folder, by which it is read again.
    """

    file: ClassVar[str]

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

    def canonical(self, sequences: Sequence[Any]) -> list[Any]:
        """Sequences with the same lines, written as ``encode`` writes them."""
        return list(sequences)

    def read(self, path: Path) -> list[tuple[str, Any]]:
        """(name, sequence) of each sequence of a user's file: of its lines that are not empty.

        Raises:
            ValueError: the file is missing or damaged, or a line holds no sequence of this kind.
        """
        lines = [(n, line.strip()) for n, line in enumerate(read_lines(path), 1) if line.strip()]
        sequences = self.encode_all([line for _, line in lines])
        return [(f"line {n}", each) for (n, _), each in zip(lines, sequences, strict=True)]

    def files(self, sequences: Sequence[Any]) -> dict[str, bytes]:
        """File name -> content of what ``vaetext sample`` writes beside its lines."""
        return {}
