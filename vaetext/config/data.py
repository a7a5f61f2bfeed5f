"""The options of every data set; the values are in ``conf/data/``."""

from dataclasses import dataclass
from typing import Any

from vaetext.config.options import check_schema, check_unused, option
from vaetext.config.sources import LABEL, Files
from vaetext.config.sources import Data as Data
from vaetext.config.sources import OwnFiles as OwnFiles
from vaetext.config.texts import IMDB as IMDB
from vaetext.config.texts import Newsgroups as Newsgroups
from vaetext.config.texts import Reviews as Reviews
from vaetext.config.texts import TextData as TextData
from vaetext.config.texts import Tweets as Tweets
from vaetext.config.texts import UserText as UserText


@dataclass
class OwnFrames(OwnFiles):
    """Your own real-valued or binary sequences: .npz files, or folders of .csv files."""

    train: Any = option(
        None,
        "training sequences: an .npz or .csv file, or a folder of .csv files; or several, as a list"
        " or a pattern",
    )
    kind: str = option(
        "auto",
        "real (each number standardised by the training split) or binary; auto: binary where all"
        " values are 0 or 1",
        choices=("auto", "real", "binary"),
    )


@dataclass
class PianoRolls(Files):
    """Piano rolls of 88 binary notes a step (Boulanger-Lewandowski et al. 2012)."""

    label: str = option("${.corpus}", LABEL)
    corpus: str = option(
        "jsb", "which rolls", choices=("jsb", "nottingham", "musedata", "piano-midi")
    )
    transpose: int = option(
        0,
        "training: every piece is transposed by up to this many semitones, up or down, drawn for"
        " each epoch; 0: as it is written",
        min=0,
        max=12,
    )


@dataclass
class MNIST(Files):
    """MNIST digits as binary images, a sequence of 28 rows of 28 pixels (LeCun et al. 1998)."""

    label: str = option("${.name}-${.binarize}", LABEL)
    binarize: str = option(
        "stochastic",
        "a pixel is 1 with probability grey value / 255, drawn once; or by threshold, from 128 on",
        choices=("stochastic", "threshold"),
    )
    seed: int = option(0, "binarize=stochastic: seed of the draws", min=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.binarize == "threshold":
            check_unused(self, "binarize=stochastic", "seed")


@dataclass
class Speech(OwnFiles):
    """Recordings cut into frames of samples: a published corpus, or WAV files of your own."""

    paths = ("train", "valid", "test", "split_list")

    label: str = option("${.corpus}", LABEL)
    train: Any = option(None, "training recordings: a folder, with those below it, a tar or a zip")
    corpus: str = option(
        "recordings",
        "a published one, or recordings: your own, in the folders or archives that data.train,"
        " data.valid and data.test name",
        choices=("recordings", "fsdd", "timit-sample"),
    )
    frame: int = option(
        200, "samples of a frame; what is left of a recording at its end is dropped", min=1
    )
    split_list: str | None = option(
        None, "file with a split and a recording of data.train on each line, in place of data.split"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.corpus != "recordings":
            if given := next((name for name in self.paths if getattr(self, name)), None):
                raise ValueError(
                    f"{given}={getattr(self, given)}: corpus={self.corpus} has files of its own;"
                    f" leave out {given}, or corpus"
                )
            check_unused(self, "corpus=recordings", "split", "split_seed")
        if self.split_list and (self.valid or self.test):
            raise ValueError(
                f"split_list={self.split_list}: it lists the splits of train; leave out valid and"
                " test"
            )
        if self.split_list:
            check_unused(self, "split_list=null", "split", "split_seed")


@dataclass
class Generated(Data):
    """Options of every data set that is sampled from a known distribution."""

    seed: int = option(0, "seed of the sequences", min=0)
    train_size: int = option(20000, "number of training sequences", min=1)
    valid_size: int = option(2000, "number of validation sequences", min=1)
    test_size: int = option(2000, "number of test sequences", min=1)


@dataclass
class Grammar(Generated):
    """Sentences from a probabilistic grammar whose log p(x) is known exactly."""


@dataclass
class Clauses(Generated):
    """Sentences of one or several independent clauses, whose log p(x) is known exactly."""

    clauses: int = option(4, "largest number of clauses in a sentence", min=1)


@dataclass
class Curves(Generated):
    """Options of every data set of sine curves."""

    fresh: bool = option(
        True,
        "train on train_size new sequences in each epoch; false: on the same ones in all",
    )


@dataclass
class Sine(Curves):
    """Sine curves in ten levels, whose log p(x) is known exactly (Petersen, 3.1)."""


@dataclass
class SineContinuous(Curves):
    """The same curves as real values, with Gaussian noise."""

    noise: float = option(
        0.1,
        "standard deviation of the noise, for points from 0 to 1; below 0.02 the true log p(x)"
        " is not computed",
        min=0.0,
        max=1e6,
    )


# name -> schema; ``vaetext/data/sets/`` and ``conf/data/`` have a file of each name
DATA: dict[str, type[Data]] = {
    "ptb": TextData,
    "yelp13": Reviews,
    "yelp13-small": Reviews,
    "tweets-char": Tweets,
    "text": UserText,
    "frames": OwnFrames,
    "pianoroll": PianoRolls,
    "speech": Speech,
    "mnist": MNIST,
    "20news": Newsgroups,
    "imdb": IMDB,
    "grammar": Grammar,
    "clauses": Clauses,
    "sine": Sine,
    "sine-continuous": SineContinuous,
}


def check_name(data: Data) -> None:
    """Checks that a data set's name is that of its options, by which a run is read again.

    Raises:
        ValueError: no data set has that name, or the options are those of another one.
    """
    note = " (data.label changes the name in tables and folders)"
    check_schema("data", "data set", data, DATA, note)
