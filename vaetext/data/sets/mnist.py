"""MNIST digits (LeCun et al. 1998) as binary images: 28 rows of 28 pixels.

The split is that of most VAE papers: the last 5,000 training images are the validation split. The
digit of each image is known as the factor "digit".
"""

from dataclasses import replace

import numpy as np

from vaetext.config.data import MNIST
from vaetext.data.corpora import Corpus, frames_corpus
from vaetext.data.files import Remote, Report, read_published
from vaetext.data.images import Images
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
    arrays = [
        read_idx(read_published(path, remote.sum), str(path))
        for path, remote in zip(paths, FILES, strict=True)
    ]
    form = Images(binarize=config.binarize, seed=config.seed)
    train, test = (form.binary(arrays[n], number) for number, n in enumerate((0, 2)))
    images = {"train": train[:-VALID], "valid": train[-VALID:], "test": test}
    digits = {"train": arrays[1][:-VALID], "valid": arrays[1][-VALID:], "test": arrays[3]}
    sequences = {name: list(part) for name, part in images.items()}
    corpus = frames_corpus(config, form, sequences, paths, [each.sum for each in FILES])
    for name, split in corpus.splits.items():
        corpus.splits[name] = replace(split, factors={"digit": digits[name].astype(np.str_)})
    return corpus
