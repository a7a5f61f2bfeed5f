"""From lines of numbers to frames and back, as a tokenizer does for text."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from vaetext.data.arrays import LARGEST
from vaetext.data.domain import Real
from vaetext.data.drawn import Drawn
from vaetext.data.frames import FrameFormat

log = logging.getLogger(__name__)


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
        """Mean and standard deviation of raw frames [N, F], rounded."""
        return Standardizer(*rounded(raw.mean(0), raw.std(0)))

    @property
    def width(self) -> int:
        """F."""
        return len(self.mean)

    def domain(self, longest: int) -> Real:
        """What a model must know of sequences of at most ``longest`` frames."""
        return Real(self.width, longest)

    @property
    def description(self) -> str:
        """In words, for ``vaetext data``."""
        mean, std = (", ".join(f"{number:g}" for number in each) for each in (self.mean, self.std))
        return (
            f"frames of {self.width} real number{'s' * (self.width > 1)},"
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
        fits = len(frame) == self.width and all(abs(part) < LARGEST for part in frame)
        return frame if fits else None

    @property
    def wanted(self) -> str:
        """F numbers between commas."""
        numbers = "a number" if self.width == 1 else f"{self.width} numbers between commas"
        return f"{numbers} (below {LARGEST:g})"


def rounded(mean: np.ndarray, std: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Means and standard deviations [F] to six digits, as further ones differ between machines.

    A number that is constant but for rounding has a standard deviation of 1; the log says so.
    """
    constant = std <= 1e-9 * abs(mean)
    if constant.any():
        log.warning(
            "constant in train: %d of the %d numbers of a frame; their density in -ELBO is bounded"
            " by the model's smallest standard deviation alone, so remove them",
            constant.sum(),
            len(constant),
        )
    scale = np.where(constant, 1, std)
    first, second = (tuple(float(f"{n:.6g}") for n in each) for each in (mean, scale))
    return first, second
