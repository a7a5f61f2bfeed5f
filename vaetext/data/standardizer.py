"""From lines of numbers to frames and back, as a tokenizer does for text."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vaetext.data.arrays import LARGEST
from vaetext.data.domain import Real
from vaetext.data.drawn import Drawn
from vaetext.data.frames import FrameFormat


@dataclass(frozen=True)
class Standardizer(FrameFormat):
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
    holds = "real values"

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))
        if len(self.mean) != len(self.std) or not all(0 < std < np.inf for std in self.std):
            raise ValueError(f"{self} has no finite, positive deviation for each mean")

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

    def encoded(self, raw: np.ndarray) -> np.ndarray:
        """[..., F] raw -> float32."""
        return np.asarray((raw - np.array(self.mean)) / np.array(self.std), dtype=np.float32)

    def raw(self, frames: np.ndarray) -> np.ndarray:
        """[..., F] standardised -> raw."""
        return np.asarray(frames * np.array(self.std) + np.array(self.mean))

    def values(self, sequence: Any) -> np.ndarray:
        """[T, F] raw."""
        return self.raw(np.asarray(sequence))

    def allowed(self, raw: np.ndarray) -> bool:
        """Whether all numbers are finite, and not too large."""
        return bool((abs(raw) < LARGEST).all())

    @property
    def drawn(self) -> Drawn:
        """A curve for each number of a frame."""
        return Drawn("curves")

    def decode(self, frames: Any) -> str:
        """The line of frames [T, F]; raw numbers have four digits."""
        return " ".join(
            ",".join(f"{number:.4g}" for number in frame) for frame in self.raw(np.asarray(frames))
        )

    def frame(self, word: str) -> list[float] | None:
        """The F numbers of a word."""
        try:
            frame = [float(part) for part in word.split(",")]
        except ValueError:
            return None
        fits = len(frame) == len(self.mean) and all(abs(part) < LARGEST for part in frame)
        return frame if fits else None

    @property
    def wanted(self) -> str:
        """F numbers between commas."""
        size = len(self.mean)
        numbers = "a number" if size == 1 else f"{size} numbers between commas"
        return f"{numbers} (below {LARGEST:g})"
