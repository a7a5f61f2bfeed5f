"""The options of every data set; the values are in ``conf/data/``."""

from dataclasses import dataclass

from vaetext.config.options import Checked, option


@dataclass
class Data(Checked):
    """What every data set has."""

    name: str = option("", "the data set's name in tables and in the run folder's path")


@dataclass
class TextData(Data):
    """Lines of text, one sequence a line, split into tokens."""

    root: str | None = option(
        None, "folder searched first for the data set's files (then $VAETEXT_DATA, then the cache)"
    )
    tokens: str = option("word", "what a token is", choices=("word", "char", "bpe", "unigram"))
    vocab_size: int = option(
        0,
        "most types kept, EOS and unknown included; 0 keeps all (bpe, unigram: required)",
        min=0,
    )
    min_count: int = option(1, "word, char: types seen less often in training are unknown", min=1)
    max_length: int = option(
        0,
        "longer sequences (tokens without EOS) are an error, as every batch is padded to its"
        " longest; 0 sets no limit",
        min=0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_count > 1 and self.tokens in ("bpe", "unigram"):
            raise ValueError(
                f"min_count={self.min_count} is for tokens=word and char only: vocab_size alone"
                f" chooses the types of {self.tokens}; leave it at 1"
            )


@dataclass
class UserText(TextData):
    """A user's own text: three files, or one that is split."""

    train: str | None = option(None, "file of training lines (plain, .gz or .xz)")
    valid: str | None = option(None, "file of validation lines")
    test: str | None = option(None, "file of test lines")
    split: list[float] = option(
        [0.9, 0.05, 0.05],
        "shares of train, valid and test when only data.train is given",
        min=0.0,
        max=1.0,
    )
    split_seed: int = option(0, "seed of that split", min=0)


@dataclass
class Tweets(TextData):
    """Sentiment140 tweets, by character (Petersen, 3.2)."""

    max_chars: int = option(32, "only tweets shorter than this many characters are kept", min=2)
    repeated_words: bool = option(
        True, "only tweets whose every word occurs at least twice in the corpus are kept"
    )


@dataclass
class Generated(Data):
    """What every data set that is drawn from a known distribution has."""

    seed: int = option(0, "seed of the sequences drawn", min=0)
    train_size: int = option(20000, "training sequences", min=1)
    valid_size: int = option(2000, "validation sequences", min=1)
    test_size: int = option(2000, "test sequences", min=1)


@dataclass
class Grammar(Generated):
    """Sentences from a probabilistic grammar whose log p(x) is known exactly."""


@dataclass
class Curves(Generated):
    """What every data set of sine curves has."""

    fresh: bool = option(
        True,
        "every epoch trains on train_size new sequences, a function of (seed, epoch);"
        " false: on the same ones",
    )


@dataclass
class Sine(Curves):
    """Sine curves in ten levels, whose log p(x) is known exactly (Petersen, 3.1)."""


@dataclass
class SineContinuous(Curves):
    """The same curves as real values, with Gaussian noise."""

    noise: float = option(
        0.1,
        "standard deviation of the noise on points from 0 to 1; below 0.02 no true log p(x) is"
        " computed",
        min=0.0,
        max=1e6,
    )


# name -> schema; ``vaetext/data/sets/`` and ``conf/data/`` have a file of each name
DATA: dict[str, type[Data]] = {
    "ptb": TextData,
    "yelp13": TextData,
    "yelp13-small": TextData,
    "tweets-char": Tweets,
    "text": UserText,
    "grammar": Grammar,
    "sine": Sine,
    "sine-continuous": SineContinuous,
}
