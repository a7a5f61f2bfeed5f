"""A user's own files: three, or one that is cut into train, valid and test."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from vaetext.config.data import OwnFiles
from vaetext.data.files import check_regular, find, roots
from vaetext.data.loader import SPLITS

Item = TypeVar("Item")


def own_files(config: OwnFiles, example: str, folders: bool = False) -> list[Path]:
    """data.train alone, or all three files, each in the working folder or below a data root.

    Args:
        example: of a name, for messages.
        folders: whether a folder will do.

    Raises:
        ValueError: a file is missing, or only one of valid and test is named.
    """
    named = {"train": config.train, "valid": config.valid, "test": config.test}
    if not config.train:
        raise ValueError(
            f"data.train=null: data={config.name} needs a file"
            f"{' or folder' * folders}, as in data.train={example}"
        )
    given = [name for name, path in named.items() if path]
    if len(given) == 2:
        raise ValueError(
            f"data.{given[1]} is given alone: name data.valid and data.test both, or neither"
            " (then data.split cuts data.train)"
        )
    return [existing(f"data.{name}", str(named[name]), config.root, folders) for name in given]


def own_split(config: OwnFiles, name: str, folders: bool = False) -> Path | None:
    """The file of one split, whether the others are there or not; None where one file is cut.

    Raises:
        ValueError: it is missing, or not named.
    """
    path = getattr(config, name)
    if not (config.valid or config.test):
        return None
    if not path:
        raise ValueError(f"data.{name}=null: name the file of the split that is read")
    return existing(f"data.{name}", path, config.root, folders)


def existing(option: str, path: str, root: str | None, folders: bool = False) -> Path:
    """The file that an option names, in the working folder or below a data root.

    Raises:
        ValueError: it is nowhere, or no file that can be read again.
    """
    here = Path(path).expanduser()
    if here.is_file() or (folders and here.is_dir()):
        return here
    if found := find(path, root, folders=folders):
        return found
    if here.exists():
        check_regular(here, option)
    places = ", ".join(map(str, [Path.cwd(), *roots(root)]))
    raise ValueError(
        f"{option}={path}: no such file in {places};"
        " put it into one of them, or give a path that exists"
    )


def cut(config: OwnFiles, items: Sequence[Item], source: Path, unit: str) -> dict[str, list[Item]]:
    """Train, valid and test of the sequences of one file, shuffled by ``split_seed``.

    Args:
        unit: what the sequences are, for messages.

    Raises:
        ValueError: the shares are not three or do not sum to one, or a split has no sequence.
    """
    if len(config.split) != 3 or abs(sum(config.split) - 1) > 1e-6:
        raise ValueError(
            f"data.split={config.split} must be three shares that sum to 1, such as [0.9,0.05,0.05]"
        )
    order = np.random.default_rng(config.split_seed).permutation(len(items))
    ends = np.round(np.cumsum(config.split) * len(items)).astype(int)
    parts = [[items[n] for n in sorted(part)] for part in np.split(order, ends[:2])]
    if not all(parts):
        raise ValueError(
            f"data.split={config.split} leaves a split of {source} ({unit}: {len(items)}) empty;"
            " name three files, or other shares"
        )
    return dict(zip(SPLITS, parts, strict=True))
