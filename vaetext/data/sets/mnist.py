"""MNIST digits (LeCun et al. 1998) as binary images: 28 rows of 28 pixels.

The split is that of most VAE papers: the last 5,000 training images are the validation split. The
digit of each image is known as the factor "digit".
"""

from dataclasses import replace

import numpy as np

from vaetext.config.data import MNIST
from vaetext.data.corpora import Corpus, frames_corpus
from vaetext.data.files import Remote, Report, read_published
from vaetext.data.format import Format
from vaetext.data.images import Images
from vaetext.data.loader import SPLITS, Split
from vaetext.data.pictures import read_idx
from vaetext.data.sentences import locate_all

_URL = "https://ossci-datasets.s3.amazonaws.com/mnist"
VALID = 5000  # the last images of the training file


def _remote(name: str, sum: str) -> Remote:
    return Remote(f"mnist/{name}", f"{_URL}/{name}.gz", sum, ".gz")


FILES = (
    _remote(
        "train-images-idx3-ubyte",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    _remote(
        "train-labels-idx1-ubyte",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    _remote(
        "t10k-images-idx3-ubyte",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    _remote(
        "t10k-labels-idx1-ubyte",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)


def load(config: MNIST, report: Report) -> Corpus:
    """55,000 images to train on, 5,000 of validation, 10,000 of test.

    Raises:
        ValueError: a file is missing and cannot be fetched, or is not the published one.
    """
    paths = locate_all(FILES, config.root, report)
    files = [_read(config, number, report) for number in (0, 1)]
    parts = {name: [each[_rows(name)] for each in files[name == "test"]] for name in SPLITS}
    sequences = {name: list(images) for name, (images, _) in parts.items()}
    sums = [each.sum for each in FILES]
    corpus = frames_corpus(config, _format(config), sequences, paths, sums)
    for name, split in corpus.splits.items():
        corpus.splits[name] = replace(split, factors={"digit": parts[name][1]})
    return corpus


def read_split(config: MNIST, name: str, form: Format, report: Report) -> Split:
    """One split, of the two files that it is in.

    Raises:
        ValueError: as ``load`` does, of these files, or the images have another size.
    """
    images, digits = (each[_rows(name)] for each in _read(config, int(name == "test"), report))
    own = _format(config)
    read = images if form == own else [form.recode(each, own) for each in images]
    return replace(Split.of(list(read)), factors={"digit": digits})


def _format(config: MNIST) -> Images:
    return Images(binarize=config.binarize, seed=config.seed)


def _rows(name: str) -> slice:
    return {"train": slice(-VALID), "valid": slice(-VALID, None)}.get(name, slice(None))


def _read(config: MNIST, number: int, report: Report) -> tuple[np.ndarray, np.ndarray]:
    """The binary images of the training file (0) or the test file (1), and their digits."""
    remotes = FILES[2 * number : 2 * number + 2]
    grey, digits = (
        read_idx(read_published(path, remote.sum), str(path))
        for path, remote in zip(locate_all(remotes, config.root, report), remotes, strict=True)
    )
    return _format(config).binary(grey, number), digits.astype(np.str_)
