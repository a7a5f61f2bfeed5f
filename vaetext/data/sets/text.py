"""A user's own text: files of three splits, or some that are cut."""

from pathlib import Path

from vaetext.config.data import UserText
from vaetext.data.corpora import Corpus
from vaetext.data.files import Report
from vaetext.data.format import Format
from vaetext.data.loader import Sequences
from vaetext.data.own import cut, flat, own_files, own_split
from vaetext.data.sentences import Lines, read_sentences, text_corpus


def load(config: UserText, report: Report) -> Corpus:
    """The lines of the files that ``data.train``, ``data.valid`` and ``data.test`` name.

    Raises:
        ValueError: a file is missing, empty or not UTF-8, or the shares make no three splits.
    """
    files = own_files(config, "my.txt")
    counts = {name: len(part) for name, part in files.items()}
    return text_corpus(config, flat(files), lambda: read(config, files), counts)


def read(config: UserText, files: dict[str, list[Path]]) -> Lines:
    """The lines of three splits, or those of one, shuffled by ``split_seed`` and cut by ``split``.

    Raises:
        ValueError: the shares are not three or do not sum to one, or a split has no line.
    """
    lines = {name: _lines(part) for name, part in files.items()}
    return lines if len(lines) == 3 else cut(config, lines["train"], config.train, "lines")


def read_split(config: UserText, name: str, form: Format, report: Report) -> Sequences:
    """The lines of one split, of its files alone where it has some.

    Raises:
        ValueError: as ``load`` does, of these files.
    """
    files = own_split(config, name)
    lines = _lines(files) if files else read(config, own_files(config, "my.txt"))[name]
    return form.encode_all(lines)


def _lines(files: list[Path]) -> list[str]:
    return [line for path in files for line in read_sentences(path)]
