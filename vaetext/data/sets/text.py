"""A user's own text: files of three splits, or some that are cut."""

from pathlib import Path

from vaetext.config.data import UserText
from vaetext.data.corpora import Corpus
from vaetext.data.files import Report, quiet
from vaetext.data.format import Format
from vaetext.data.lines import CutLines, FileLines, Lines, encode
from vaetext.data.loader import SPLITS, Split
from vaetext.data.own import flat, own_files, own_split
from vaetext.data.sentences import text_corpus


def load(config: UserText, report: Report) -> Corpus:
    """The lines of the files that ``data.train``, ``data.valid`` and ``data.test`` name.

    Raises:
        ValueError: a file is missing, empty or not UTF-8, or the shares make no three splits.
    """
    files = own_files(config, "my.txt")
    counts = {name: len(part) for name, part in files.items()}
    return text_corpus(config, flat(files), lambda: read(config, files, report), counts, report)


def read(config: UserText, files: dict[str, list[Path]], report: Report = quiet) -> Lines:
    """The lines of three splits, or those of one, shuffled by ``split_seed`` and cut by ``split``.

    Raises:
        ValueError: the shares are not three or do not sum to one, or a split has no line.
    """
    lines = {name: FileLines(part, report) for name, part in files.items()}
    if len(lines) == 3:
        return lines
    return {name: CutLines(config, lines["train"], name) for name in SPLITS}


def read_split(config: UserText, name: str, form: Format, report: Report) -> Split:
    """The lines of one split, of its files alone where it has some.

    Raises:
        ValueError: as ``load`` does, of these files.
    """
    if files := own_split(config, name):
        return encode(form, FileLines(files, report))
    return encode(form, read(config, own_files(config, "my.txt"), report)[name])
