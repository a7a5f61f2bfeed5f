"""The options of every data set; the values are in ``conf/data/``."""

from dataclasses import dataclass
from typing import Any, ClassVar

from vaetext.config.options import Checked, check_schema, check_unused, option

OWN_NAME = "${.name}"  # the value of the option beside it
LABEL = "what tables and run folders call it, such as yelp-sent for a text of your own"


@dataclass
class Data(Checked):
    """Options of every data set."""

    name: str = option("", "name of the data set: that of its file of options")
    label: str = option(OWN_NAME, LABEL)
    segment: int = option(
        0,
        "steps of the segments that sequences are cut into for training, the state carried on;"
        " 0: whole sequences",
        min=0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.label.startswith("${."):  # not composed by Hydra, which resolves it
            self.label = getattr(self, self.label[3:-1])
        if "/" in self.label or "\0" in self.label or self.label.startswith("."):
            raise ValueError(
                f"label={self.label!r} cannot name a folder; leave out slashes and a first dot"
            )


@dataclass
class Files(Data):
    """Options of every data set that is read from files."""

    root: str | None = option(
        None, "folder in which files are looked for first (then $VAETEXT_DATA, then the cache)"
    )


@dataclass
class OwnFiles(Files):
    """Your own files: three, or one that is split."""

    paths: ClassVar[tuple[str, ...]] = ("train", "valid", "test")  # options that name files

    train: Any = option(
        None,
        "file of training sequences, one a line (plain, .gz or .xz); or several: [a.txt,b.txt], or"
        " a pattern such as 'corpus/*.txt'",
    )
    valid: Any = option(None, "validation sequences, as train")
    test: Any = option(None, "test sequences, as train")
    split: list[float] = option(
        [0.9, 0.05, 0.05],
        "shares of train, valid and test, if only data.train is given",
        min=0.0,
        max=1.0,
    )
    split_seed: int = option(0, "seed of that split", min=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("train", "valid", "test"):
            setattr(self, name, _files(name, getattr(self, name)))
        if self.valid and self.test:
            check_unused(self, "train alone", "split", "split_seed")


def _files(name: str, given: Any) -> str | list[str] | None:
    """One path, or several, as they were given.

    Raises:
        ValueError: an empty list, or neither a path nor a list of paths.
    """
    if given is None or isinstance(given, str):
        return given
    parts = given if isinstance(given, list) else [given]
    if not parts or any(isinstance(each, (dict, list)) or each is None for each in parts):
        raise ValueError(f"{name}={given}: name a file, or several as in {name}=[a.txt,b.txt]")
    paths = list(map(str, parts))  # a name may be a number
    return paths if isinstance(given, list) else paths[0]


@dataclass
class TextData(Files):
    """Lines of text, one sequence a line, split into tokens."""

    tokens: str = option("word", "what a token is", choices=("word", "char", "bpe", "unigram"))
    vocab_size: int = option(
        0,
        "largest vocabulary, EOS and unknown included; 0: no limit (bpe, unigram: required)",
        min=0,
    )
    min_count: int = option(1, "word, char: tokens seen less often in training are unknown", min=1)
    max_length: int = option(
        0,
        "tokens of a line without EOS; a longer one is an error, as a batch is padded to its"
        " longest sequence; 0: no limit",
        min=0,
    )
    document: int = option(
        1,
        "consecutive lines of each document, which is then one sequence with an EOS after each"
        " line; 1: every line is a sequence",
        min=1,
    )
    stop_words: str = option(
        "english",
        "words that a topic model does not explain by topics: english (scikit-learn's list, of"
        " tokens=word), none, or a file with a word on each line",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_count > 1 and self.tokens in ("bpe", "unigram"):
            raise ValueError(
                f"min_count={self.min_count}: the vocabulary of tokens={self.tokens} is chosen by"
                " vocab_size alone; set min_count=1"
            )

    def check_single_lines(self, reason: str, remedy: str = "") -> None:
        """Raises ValueError where lines that do not follow one another would make documents."""
        if self.document > 1:
            raise ValueError(f"document={self.document}: {reason}; {remedy}set document=1")


@dataclass
class UserText(OwnFiles, TextData):
    """Your own text, a sequence a line: three files, or one that is split."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.valid and self.test):
            reason = "split draws the lines of train one by one, so that they do not follow"
            self.check_single_lines(f"{reason} one another", "name valid and test, or ")


@dataclass
class Reviews(TextData):
    """Reviews, one a line."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_single_lines("each line is a review of its own")


@dataclass
class Newsgroups(TextData):
    """Posts of 20 newsgroups, without headers, signatures and quotes."""

    max_tokens: int = option(200, "tokens of each post that are kept, from its beginning on", min=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_single_lines("each post is a document of its own")


@dataclass
class IMDB(Reviews):
    """Movie reviews with their sentiment (Maas et al. 2011)."""

    max_tokens: int = option(
        0, "tokens of each review that are kept, from its beginning on; 0: all", min=0
    )
    train_size: int = option(
        0, "training reviews that are kept, the first by number; 0: all", min=0
    )


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
class Tweets(TextData):
    """Sentiment140 tweets, by character (Petersen, 3.2)."""

    max_chars: int = option(32, "keep only tweets shorter than this many characters", min=2)
    repeated_words: bool = option(
        True, "keep only tweets of which every word occurs at least twice in the corpus"
    )
    more: bool = option(
        False, "train on the further tweets of sentiment140_more/extra.tsv too; of the sample only"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_single_lines("each line is a tweet of its own")


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
