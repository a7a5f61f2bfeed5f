"""The options of data sets of text."""

from dataclasses import dataclass

from vaetext.config.options import check_unused, option
from vaetext.config.sources import Files, OwnFiles


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
    document_shift: bool = option(
        False,
        "training: the documents of each epoch begin at a line drawn for it; false: every epoch has"
        " the same documents",
    )
    stop_words: str = option(
        "english",
        "words that a topic model does not explain by topics: english (scikit-learn's list, of"
        " tokens=word), none, or a file with a word on each line",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.document == 1:
            check_unused(self, "document above 1", "document_shift")
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
