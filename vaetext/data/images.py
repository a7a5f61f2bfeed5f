"""Binary images as sequences of rows, and how grey values become zeros and ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaetext.data.arrays import place
from vaetext.data.drawn import Drawn
from vaetext.data.frames import Bits
from vaetext.data.loader import Split
from vaetext.data.pictures import WHITE, is_picture, png_bytes, read_pictures

GIVEN = 2  # number of the draws for images of a user; 0 and 1 are those of train and test


@dataclass(frozen=True)
class Images(Bits):
    """Images of H rows of F binary pixels, read as sequences of H frames.

    A grey value g from 0 to 255 becomes 1 with probability g / 255 (``stochastic``), by draws that
    are functions of ``seed`` and the image's place in its file, the same in every epoch; or where
    g >= 128 (``threshold``). In a line each row is a hexadecimal number, its first pixel the
    highest bit.

    Attributes:
        size: F.
        rows: H.
        binarize: "stochastic" or "threshold".
        seed: of the draws.
    """

    size: int = 28
    rows: int = 28
    binarize: str = "stochastic"
    seed: int = 0

    file = "images.json"
    holds = "images"

    @property
    def digits(self) -> int:
        """Hexadecimal digits of a row."""
        return -(-self.size // 4)

    @property
    def description(self) -> str:
        """In words, for ``vaetext data``."""
        how = "1 where the grey value is 128 or more"
        if self.binarize == "stochastic":
            how = f"1 with probability grey value / 255, drawn once with data.seed={self.seed}"
        return f"images of {self.rows} rows of {self.size} binary pixels, {how}"

    @property
    def wanted(self) -> str:
        """The hexadecimal number of a row."""
        return f"a row of {self.size} pixels, {self.digits} hexadecimal digits"

    def counts(self, split: Split) -> dict[str, str]:
        """Column -> figure of a split, for ``vaetext data``."""
        blank = np.add.reduceat(split.x.any(1), split.offsets[:-1]) == 0
        return {
            "images": f"{len(split):,}",
            "share of ones": f"{split.x.mean():.4f}",
            "blank images": f"{int(blank.sum()):,}",
            **{f"kinds of {name}": f"{len(set(of))}" for name, of in split.factors.items()},
        }

    def frame(self, word: str) -> list[float] | None:
        """The pixels of a row's hexadecimal number."""
        fits = len(word) == self.digits and set(word) <= set("0123456789abcdef")
        if not fits or int(word, 16) >> self.size:
            return None
        return [float(bit) for bit in f"{int(word, 16):0{self.size}b}"]

    def decode(self, sequence: Any) -> str:
        """The line of an image [H, F]."""
        rows = ("".join("01"[int(n > 0.5)] for n in row) for row in sequence)
        return " ".join(f"{int(row, 2):0{self.digits}x}" for row in rows)

    def encoded(self, raw: np.ndarray) -> np.ndarray:
        """[H, F] uint8.

        Raises:
            ValueError: it has another number of rows.
        """
        if len(raw) != self.rows:
            raise ValueError(f"{len(raw)} rows are no image of this run's data: give {self.rows}")
        return super().encoded(raw)

    def binary(self, grey: np.ndarray, number: int) -> np.ndarray:
        """uint8 zeros and ones of grey values uint8, all images of a file [N, H, F].

        Args:
            number: of the draws.
        """
        if self.binarize == "threshold":
            return np.asarray(grey > WHITE // 2, dtype=np.uint8)
        drawn = np.random.default_rng([self.seed, number])
        # each of 0..254 equally likely, so that g of the 255 are below g
        return np.asarray(drawn.integers(WHITE, size=grey.shape, dtype=np.uint8) < grey, np.uint8)

    def sequence(self, values: Any) -> np.ndarray:
        """The pixels of an array [H, F]: zeros and ones, grey values to 255, or shares of white.

        Grey values are drawn as those of the only image of a file.

        Raises:
            ValueError: it has another shape or other values.
        """
        return self.binary(self._grey(np.asarray(values)), GIVEN)

    @property
    def drawn(self) -> Drawn:
        """A grid of pictures."""
        return Drawn("images")

    @property
    def one_length(self) -> int:
        """H: an image has all its rows."""
        return self.rows

    def files(
        self, sequences: Sequence[Any], stem: str, tempo: float | None = None
    ) -> dict[str, bytes]:
        """``<stem>.npz`` and a PNG file of each image, ``<stem>/1.png`` and so on."""
        pictures = {f"{stem}/{n}.png": png_bytes(each) for n, each in enumerate(sequences, 1)}
        return {**super().files(sequences, stem, tempo), **pictures}

    def reads(self, path: Path) -> bool:
        """Whether a path is a PNG or IDX file, or one of arrays, or a folder."""
        return is_picture(path) or super().reads(path)

    def read(self, path: Path) -> list[tuple[str, Any]]:
        """(name, pixels) of each image of a PNG or IDX file, a folder of PNG files, or of arrays.

        An ``.npz`` file holds an array [H, F] for each image, or [N, H, F]. Grey values are made
        binary as those of the data were.

        Raises:
            ValueError: the file is damaged, or an image has another size; names file and image.
        """
        if not self.reads(path) or path.suffix == ".csv":
            return super().read(path)
        named = [(name, self._checked_grey(path, name, grey)) for name, grey in read_pictures(path)]
        images = self.binary(np.stack([grey for _, grey in named]), GIVEN)
        return [(name, image) for (name, _), image in zip(named, images, strict=True)]

    def _checked_grey(self, path: Path, name: str, values: np.ndarray) -> np.ndarray:
        try:
            return self._grey(values)
        except ValueError as error:
            raise ValueError(f"{place(path, name)}: {error}") from error

    def _grey(self, values: np.ndarray) -> np.ndarray:
        """[H, F] uint8 from 0 to 255 of what a user gives."""
        if values.shape != (self.rows, self.size):
            raise ValueError(
                f"an array of shape {values.shape} is no image of this run's data; give one of"
                f" shape [{self.rows}, {self.size}]"
            )
        if values.dtype.kind not in "biuf" or not ((values >= 0) & (values <= WHITE)).all():
            raise ValueError(
                "an image has other values than 0 and 1, grey values from 0 to 255, or shares of"
                " white from 0 to 1"
            )
        scale = 1 if values.max() > 1 else WHITE
        return np.asarray(np.rint(values.astype(np.float64) * scale), dtype=np.uint8)
