"""A user's own sequences of real-valued or binary frames: three files, or one that is cut."""

from hashlib import sha256
from pathlib import Path

import numpy as np

from vaetext.config.data import OwnFrames
from vaetext.data.arrays import Named, check_widths, place, read_arrays
from vaetext.data.corpora import Corpus, frames_corpus
from vaetext.data.files import Report, content_sum
from vaetext.data.frames import Bits, FrameFormat
from vaetext.data.loader import SPLITS
from vaetext.data.own import cut, own_files
from vaetext.data.standardizer import Standardizer


def load(config: OwnFrames, report: Report) -> Corpus:
    """The sequences of the files that ``data.train``, ``data.valid`` and ``data.test`` name.

    Raises:
        ValueError: a file is missing or damaged, sequences differ in width, they do not fit
            ``data.kind``, or the shares make no three splits.
    """
    files = own_files(config, "my.npz", folders=True)
    found = [[(place(path, name), frames) for name, frames in read_arrays(path)] for path in files]
    check_widths([each for part in found for each in part])
    if len(files) == 3:
        named = dict(zip(SPLITS, found, strict=True))
    else:
        named = cut(config, found[0], files[0], "sequences")
    form = make_format(config, named)
    sequences = {name: [form.encoded(frames) for _, frames in part] for name, part in named.items()}
    return frames_corpus(config, form, sequences, files, list(map(_sum, files)))


def make_format(config: OwnFrames, named: dict[str, Named]) -> FrameFormat:
    """Binary frames, or real ones standardised by the training split.

    Raises:
        ValueError: ``data.kind=binary`` and there are other values than 0 and 1.
    """
    bits = Bits(named["train"][0][1].shape[1])
    other = next(
        (name for part in named.values() for name, frames in part if not bits.allowed(frames)), None
    )
    if config.kind == "binary" and other:
        raise ValueError(
            f"data.kind=binary: {other} has other values than 0 and 1; set data.kind=real"
        )
    if config.kind != "real" and not other:
        return bits
    return Standardizer.fit(np.concatenate([frames for _, frames in named["train"]]))


def _sum(path: Path) -> str:
    """The sha256 of a file's bytes; of a folder, that of the sums of its files."""
    if path.is_file():
        return content_sum(path)
    sums = (content_sum(each) for each in sorted(path.glob("*.csv")))
    return sha256("".join(sums).encode()).hexdigest()
