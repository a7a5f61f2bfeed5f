"""A user's own sequences of real-valued or binary frames: three files, or one that is cut."""

from hashlib import sha256
from pathlib import Path

import numpy as np

from vaetext.config.data import OwnFrames
from vaetext.data.arrays import Named, check_widths, place, read_arrays
from vaetext.data.corpora import Corpus, frames_corpus
from vaetext.data.files import Report, content_sum
from vaetext.data.format import Format
from vaetext.data.frames import Bits, FrameFormat
from vaetext.data.loader import Sequences
from vaetext.data.own import cut, flat, own_files, own_split
from vaetext.data.standardizer import Standardizer


def load(config: OwnFrames, report: Report) -> Corpus:
    """The sequences of the files that ``data.train``, ``data.valid`` and ``data.test`` name.

    Raises:
        ValueError: a file is missing or damaged, sequences differ in width, they do not fit
            ``data.kind``, or the shares make no three splits.
    """
    files = own_files(config, "my.npz", folders=True)
    named = read(config, files)
    form = make_format(config, named)
    sequences = {name: [form.encoded(frames) for _, frames in part] for name, part in named.items()}
    corpus = frames_corpus(config, form, sequences, flat(files), list(map(_sum, flat(files))))
    corpus.counts = {name: len(part) for name, part in files.items()}
    return corpus


def read(config: OwnFrames, files: dict[str, list[Path]]) -> dict[str, Named]:
    """Split -> (place, frames) of each sequence.

    Raises:
        ValueError: as ``load`` does.
    """
    found = {name: _arrays(part) for name, part in files.items()}
    check_widths([each for part in found.values() for each in part])
    return found if len(found) == 3 else cut(config, found["train"], config.train, "sequences")


def read_split(config: OwnFrames, name: str, form: Format, report: Report) -> Sequences:
    """The sequences of one split, of its files alone where it has some.

    Raises:
        ValueError: as ``load`` does, of these files, or they hold frames of another kind.
    """
    if files := own_split(config, name, folders=True):
        return [each for path in files for _, each in form.read(path)]
    named = read(config, own_files(config, "my.npz", folders=True))[name]
    return [form.sequence(frames) for _, frames in named]


def _arrays(files: list[Path]) -> Named:
    return [(place(path, name), frames) for path in files for name, frames in read_arrays(path)]


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
