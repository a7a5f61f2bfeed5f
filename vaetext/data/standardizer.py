"""From lines of numbers to frames and back, as a tokenizer does for text."""

import json
import textwrap
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaetext.data.atomic import atomic_write
from vaetext.data.domain import Real
from vaetext.data.format import Format
from vaetext.data.loader import Split

LARGEST = 1e12  # the square of a number of a frame still fits into float32


@dataclass(frozen=True)
class Standardizer(Format):
    """Frames of F numbers, standardised: x = (raw - mean) / std.

    In a line, spaces separate frames, and commas the numbers of a frame. For each frame
    log p(raw) = log p(x) - sum(log std).

    Attributes:
        mean: [F].
        std: [F], standard deviations.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    file = "standardizer.json"

    @staticmethod
    def fit(raw: np.ndarray) -> "Standardizer":
        """Mean and standard deviation of raw frames [N, F].

        They are rounded to six digits, as further ones differ between machines. A number that is
        constant but for rounding has std 1.
        """
        mean = raw.mean(0)
        std = raw.std(0)
        scale = np.where(std > 1e-9 * abs(mean), std, 1)
        return Standardizer(*(tuple(float(f"{n:.6g}") for n in each) for each in (mean, scale)))

    def domain(self, longest: int) -> Real:
        """What a model must know of sequences of at most ``longest`` frames."""
        return Real(len(self.mean), longest)

    @property
    def description(self) -> str:
        """In words, for ``vaetext data``."""
        size = len(self.mean)
        mean, std = (", ".join(f"{number:g}" for number in each) for each in (self.mean, self.std))
        return (
            f"frames of {size} real number{'s' * (size > 1)},"
            f" standardised by mean {mean}, standard deviation {std}"
        )

    def counts(self, split: Split) -> dict[str, str]:
        """Column -> figure of a split, for ``vaetext data``."""
        lengths = split.lengths
        return {
            "sequences": f"{len(split):,}",
            "frames": f"{len(split.x):,}",
            "mean length": f"{lengths.mean():.3f}",
            "longest": f"{lengths.max():,}",
        }

    def standardised(self, raw: np.ndarray) -> np.ndarray:
        """[..., F] raw -> float32."""
        return np.asarray((raw - np.array(self.mean)) / np.array(self.std), dtype=np.float32)

    def raw(self, frames: np.ndarray) -> np.ndarray:
        """[..., F] standardised -> raw."""
        return np.asarray(frames * np.array(self.std) + np.array(self.mean))

    def encode(self, line: str) -> np.ndarray:
        """The frames [T, F] of one line.

        Raises:
            ValueError: a frame is not F numbers, or there is no frame.
        """
        rows = [self._frame(word, n, line) for n, word in enumerate(line.split(), 1)]
        if not rows:
            raise ValueError("an empty line holds no frame; give numbers between spaces")
        return self.standardised(np.array(rows))

    def decode(self, frames: Any) -> str:
        """The line of frames [T, F]; raw numbers have four digits."""
        return " ".join(
            ",".join(f"{number:.4g}" for number in frame) for frame in self.raw(np.asarray(frames))
        )

    def save(self, path: Path) -> None:
        """Writes JSON, whole or not at all."""
        atomic_write(path, json.dumps(asdict(self)) + "\n")

    @staticmethod
    def load(path: Path) -> "Standardizer":
        """Reads what ``save`` wrote.

        Raises:
            ValueError: the file holds anything else.
        """
        try:
            found = json.loads(path.read_text())
            return Standardizer(tuple(map(float, found["mean"])), tuple(map(float, found["std"])))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} holds no mean and std of frames ({error!r}); train the run again"
            ) from error

    def _frame(self, word: str, number: int, line: str) -> list[float]:
        try:
            frame = [float(part) for part in word.split(",")]
        except ValueError:
            frame = []
        if len(frame) != len(self.mean) or not all(abs(part) < LARGEST for part in frame):
            wanted = (
                "a number" if len(self.mean) == 1 else f"{len(self.mean)} numbers between commas"
            )
            raise ValueError(
                f"frame {number} of '{textwrap.shorten(line, 40)}' is {word!r}, which is not"
                f" {wanted} (below {LARGEST:g}); this data set holds real values, not text"
            )
        return frame
