"""Sound, cut into frames of samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaetext.data.audio import is_audio, read_recordings, wav_bytes
from vaetext.data.drawn import Drawn
from vaetext.data.format import Format
from vaetext.data.loader import Split
from vaetext.data.standardizer import Standardizer, rounded


@dataclass(frozen=True)
class Waveform(Standardizer):
    """Frames of F samples, standardised by one mean and one deviation (Chung et al. 2015).

    Attributes:
        mean: [1], of all samples.
        std: [1].
        samples: F, of a frame.
        rate: samples a second.
    """

    samples: int
    rate: int

    file = "waveform.json"
    holds = "sound"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("samples", "rate"):
            if type(value := getattr(self, name)) is not int or value < 1:
                raise ValueError(f"{name}={value!r} must be a whole number of at least 1")

    @staticmethod
    def of(frames: Sequence[np.ndarray], rate: int) -> "Waveform":
        """Mean and deviation of all samples of frames, a list of [T, F]."""
        count = sum(each.size for each in frames)
        mean = sum(float(each.sum(dtype=np.float64)) for each in frames) / count
        square = sum(float(((each - mean) ** 2).sum(dtype=np.float64)) for each in frames) / count
        scale = rounded(np.array([mean]), np.array([square**0.5]))
        return Waveform(*scale, frames[0].shape[1], rate)

    @property
    def width(self) -> int:
        """F."""
        return self.samples

    @property
    def description(self) -> str:
        """In words, for ``vaetext data``."""
        return (
            f"frames of {self.samples} samples ({1000 * self.samples / self.rate:g} ms) at"
            f" {self.rate} Hz, standardised by mean {self.mean[0]:g}, standard deviation"
            f" {self.std[0]:g}"
        )

    def counts(self, split: Split) -> dict[str, str]:
        """Column -> figure of a split, for ``vaetext data``."""
        return {**super().counts(split), "seconds": f"{split.x.size / self.rate:,.1f}"}

    def reads(self, path: Path) -> bool:
        """Whether a path is a recording, or an archive, or a file of arrays, or a folder."""
        return is_audio(path) or super().reads(path)

    def read(self, path: Path) -> list[tuple[str, Any]]:
        """(name, frames) of each recording of a WAV file, a folder, a tar or a zip; or of others.

        Raises:
            ValueError: a file cannot be read, has another rate, or is shorter than a frame.
        """
        if not is_audio(path) and not path.is_dir():
            return super().read(path)
        found = read_recordings(path)
        self._check_rate(found[0].rate, found[0].place)
        return [(each.name, self.encoded(each.frames(self.samples))) for each in found]

    def recode(self, sequence: Any, other: Format) -> Any:
        """A sequence of another format, of sound at the same rate.

        Raises:
            ValueError: it is of another kind, or has another rate.
        """
        if isinstance(other, Waveform):
            self._check_rate(other.rate, "the data")
        return super().recode(sequence, other)

    def _check_rate(self, rate: int, place: str) -> None:
        if rate != self.rate:
            raise ValueError(
                f"{place} has {rate} samples a second, and this run's data {self.rate}; resample it"
            )

    def sequence(self, values: Any) -> np.ndarray:
        """The frames of an array [N] of samples, or [T, F]; a rest shorter than a frame is dropped.

        Raises:
            ValueError: it has another shape, or no frame, or values that are not finite.
        """
        raw = np.asarray(values)
        if raw.ndim == 1:
            count = len(raw) // self.samples
            raw = raw[: count * self.samples].reshape(count, self.samples)
        return super().sequence(raw)

    def values(self, sequence: Any) -> np.ndarray:
        """[N] samples."""
        return super().values(sequence).ravel()

    @property
    def drawn(self) -> Drawn:
        """All samples in a row, over seconds."""
        return Drawn("wave", "seconds", "sample", step=1 / self.rate)

    def decode(self, frames: Any) -> str:
        """How long the sound is, and its range; its samples would fill pages."""
        samples = self.values(frames)
        seconds = len(samples) / self.rate
        return f"{seconds:.3f} s, {len(frames)} frames, {samples.min():.3f} to {samples.max():.3f}"

    def files(
        self, sequences: Sequence[Any], stem: str, tempo: float | None = None
    ) -> dict[str, bytes]:
        """A WAV file of each sequence, ``<stem>/1.wav`` and so on."""
        self.check_tempo(tempo)
        names = [f"{stem}/{n}.wav" for n in range(1, len(sequences) + 1)]
        return {
            name: wav_bytes(self.values(each), self.rate, name)
            for name, each in zip(names, sequences, strict=True)
        }
