"""A user's own text: three files, or one that is split."""

from pathlib import Path

from vaetext.config.data import UserText
from vaetext.data.corpora import Corpus
from vaetext.data.files import Report
from vaetext.data.format import Format
from vaetext.data.loader import SPLITS, Sequences
from vaetext.data.own import cut, own_files, own_split
from vaetext.data.sentences import Lines, read_sentences, text_corpus


def load(config: UserText, report: Report) -> Corpus:
    """The lines of the files that ``data.train``, ``data.valid`` and ``data.test`` name.

    Raises:
        ValueError: a file is missing, empty or not UTF-8, or the shares make no three splits.
    """
    files = own_files(config, "my.txt")
    return text_corpus(config, files, lambda: read(config, files))


def read(config: UserText, files: list[Path]) -> Lines:
    """The lines of three files, or those of one, shuffled by ``split_seed`` and cut by ``split``.

    Raises:
        ValueError: the shares are not three or do not sum to one, or a split has no line.
    """
    lines = [read_sentences(path) for path in files]
    if len(files) == 3:
        return dict(zip(SPLITS, lines, strict=True))
    return cut(config, lines[0], files[0], "lines")


def read_split(config: UserText, name: str, form: Format, report: Report) -> Sequences:
    """The lines of one split, of its file alone where it has one.

    Raises:
        ValueError: as ``load`` does, of this file.
    """
    path = own_split(config, name)
    lines = read_sentences(path) if path else read(config, own_files(config, "my.txt"))[name]
    return form.encode_all(lines)
