"""The options that data sets share: of all, of those read from files, and of a user's own files."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from vaetext.config.options import Checked, check_unused, option

OWN_NAME = "${.name}"  # the value of the option beside it
OPTION = re.compile(r"\$\{\.(\w+)\}")  # such a value
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
        # where it is not composed by Hydra, which resolves it
        self.label = OPTION.sub(lambda found: str(getattr(self, found[1])), self.label)
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
