"""A user's own text: three files, or one that is split."""

from pathlib import Path

import numpy as np

from vaetext.config.data import UserText
from vaetext.data.corpora import Corpus
from vaetext.data.files import Report, check_regular, find, roots
from vaetext.data.loader import SPLITS
from vaetext.data.sentences import Lines, read_sentences, text_corpus


def load(config: UserText, report: Report) -> Corpus:
    """The lines of the files that ``data.train``, ``data.valid`` and ``data.test`` name.

    Raises:
        ValueError: a file is missing, empty or not UTF-8, or the shares make no three splits.
    """
    files = own_files(config)
    return text_corpus(config, files, lambda: read(config, files))


def own_files(config: UserText) -> list[Path]:
    """data.train alone, or all three files, each in the working folder or below a data root.

    Raises:
        ValueError: a file is missing, or only one of valid and test is named.
    """
    named = {"train": config.train, "valid": config.valid, "test": config.test}
    if not config.train:
        raise ValueError("data.train=null: data=text needs a file, as in data.train=my.txt")
    given = [name for name, path in named.items() if path]
    if len(given) == 2:
        raise ValueError(
            f"data.{given[1]} is given alone: name data.valid and data.test both, or neither"
            " (then data.split cuts data.train)"
        )
    return [_existing(name, str(named[name]), config.root) for name in given]


def read(config: UserText, files: list[Path]) -> Lines:
    """The lines of three files, or those of one, shuffled by ``split_seed`` and cut by ``split``.

    Raises:
        ValueError: the shares are not three or do not sum to one, or a split has no line.
    """
    if len(files) == 3:
        return {name: read_sentences(path) for name, path in zip(SPLITS, files, strict=True)}
    if len(config.split) != 3 or abs(sum(config.split) - 1) > 1e-6:
        raise ValueError(
            f"data.split={config.split} must be three shares that sum to 1, such as [0.9,0.05,0.05]"
        )
    lines = read_sentences(files[0])
    order = np.random.default_rng(config.split_seed).permutation(len(lines))
    ends = np.round(np.cumsum(config.split) * len(lines)).astype(int)
    parts = [[lines[n] for n in sorted(part)] for part in np.split(order, ends[:2])]
    if not all(parts):
        raise ValueError(
            f"data.split={config.split} leaves a split of {files[0]} ({len(lines)} lines) empty;"
            " name three files, or other shares"
        )
    return dict(zip(SPLITS, parts, strict=True))


def _existing(name: str, path: str, root: str | None) -> Path:
    if (here := Path(path).expanduser()).is_file():
        return here
    if found := find(path, root):
        return found
    if here.exists():
        check_regular(here, f"data.{name}")
    places = ", ".join(map(str, [Path.cwd(), *roots(root)]))
    raise ValueError(
        f"data.{name}={path}: no such file in {places};"
        " put it into one of them, or give a path that exists"
    )
