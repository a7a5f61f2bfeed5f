"""Piano rolls: frames of notes that sound or not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from vaetext.data.drawn import Drawn
from vaetext.data.files import natural, read_bytes
from vaetext.data.frames import Bits
from vaetext.data.midi import TEMPO, midi_bytes, read_midi

CELLS = {"train": "traindata", "valid": "validdata", "test": "testdata"}
SILENCE = "-"
MIDI = (".mid", ".midi")


@dataclass(frozen=True)
class PianoRoll(Bits):
    """Frames of binary notes; in a line the notes of a frame stand between commas, as in
    ``60,64,67 60,64 - 72``; ``-`` is silence.

    Attributes:
        size: F, notes of a frame.
        lowest: the MIDI number of the first.
    """

    size: int = 88
    lowest: int = 21

    file = "pianoroll.json"
    has_tempo = True
    holds = "notes"
    ones = "notes per frame"
    empty = "silent frames"

    @property
    def highest(self) -> int:
        """The MIDI number of the last note."""
        return self.lowest + self.size - 1

    @property
    def description(self) -> str:
        """In words, for ``vaetext data``."""
        return f"frames of {self.size} binary notes, MIDI {self.lowest} to {self.highest}"

    @property
    def wanted(self) -> str:
        """MIDI numbers, or silence."""
        return f"MIDI notes {self.lowest} to {self.highest} between commas, or {SILENCE}"

    def frame(self, word: str) -> list[float] | None:
        """The notes of a word."""
        notes = [] if word == SILENCE else word.split(",")
        known = {str(note) for note in range(self.lowest, self.highest + 1)}
        if not known.issuperset(notes):
            return None
        frame = [0.0] * self.size
        for note in notes:
            frame[int(note) - self.lowest] = 1.0
        return frame

    def decode(self, sequence: Any) -> str:
        """The line of frames [T, F]."""
        notes = (np.flatnonzero(frame > 0.5) + self.lowest for frame in np.asarray(sequence))
        return " ".join(",".join(map(str, frame)) or SILENCE for frame in notes)

    @property
    def drawn(self) -> Drawn:
        """A bar for every note."""
        return Drawn("roll", "step (quarter note)", "MIDI note", first=self.lowest)

    def files(
        self, sequences: Sequence[Any], stem: str, tempo: float | None = None
    ) -> dict[str, bytes]:
        """A MIDI file of each roll, ``<stem>/1.mid`` and so on; a step is a quarter note."""
        return {
            f"{stem}/{n}.mid": midi_bytes(roll, self.lowest, tempo or TEMPO)
            for n, roll in enumerate(sequences, 1)
        }

    def reads(self, path: Path) -> bool:
        """Whether a path is a MATLAB or MIDI file, or one of arrays, or a folder."""
        return path.suffix in (".mat", *MIDI) or super().reads(path)

    def read(self, path: Path) -> list[tuple[str, Any]]:
        """(name, frames) of each roll of a file, or of a folder of MIDI files.

        Those of a ``.mat`` file are in the order of its splits.

        Raises:
            ValueError: the file is no such file, or a roll is not of F binary notes.
        """
        if path.suffix == ".mat":
            return [
                (f"{split} {n}", roll)
                for split, rolls in read_mat(read_bytes(path), str(path), self.size).items()
                for n, roll in enumerate(rolls, 1)
            ]
        inside = path.iterdir() if path.is_dir() else [path]
        midi = [each for each in inside if each.suffix in MIDI]
        midi.sort(key=lambda each: natural(each.name))
        if path.is_dir() and not midi and not any(path.glob("*.csv")):
            raise ValueError(f"{path} holds no MIDI or .csv file; give one for each roll")
        if not midi:
            return super().read(path)
        read = partial(read_midi, lowest=self.lowest, size=self.size)
        return [(each.name, read(read_bytes(each), str(each))) for each in midi]


def read_mat(content: bytes, name: str, size: int) -> dict[str, list[np.ndarray]]:
    """Split -> rolls [T, size] uint8 of a MATLAB file with cells of splits.

    Args:
        name: of the file, for messages.

    Raises:
        ValueError: the content is something else, or a roll is not of ``size`` binary notes.
    """
    from scipy.io import loadmat

    try:
        found = loadmat(BytesIO(content))
        cells = {split: found[key].ravel() for split, key in CELLS.items()}
    except Exception as error:  # scipy raises what it meets in damaged files
        raise ValueError(
            f"{name} is no MATLAB file (version 5) with cells {', '.join(CELLS.values())}"
            f" ({error!r})"
        ) from error
    return {split: list(_rolls(cell, split, name, size)) for split, cell in cells.items()}


def _rolls(cell: np.ndarray, split: str, name: str, size: int) -> Iterator[np.ndarray]:
    for n, roll in enumerate(cell, 1):
        place = f"{name}, {CELLS[split]} {n}"
        if np.ndim(roll) != 2 or roll.shape[1] != size or not len(roll):
            raise ValueError(
                f"{place} has shape {np.shape(roll)}; it must be steps of {size} notes"
            )
        if not np.isin(roll, (0, 1)).all():
            raise ValueError(f"{place} has other values than 0 and 1")
        yield roll.astype(np.uint8)
