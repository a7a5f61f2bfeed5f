"""A user's own files: those of three splits, or some that are cut into train, valid and test."""

from collections.abc import Iterator, Sequence
from glob import glob
from itertools import compress
from pathlib import Path
from typing import TypeVar

import numpy as np

from vaetext.config.data import OwnFiles
from vaetext.data.files import check_regular, find, natural, roots
from vaetext.data.loader import LARGE, SPLITS

Item = TypeVar("Item")


def own_files(config: OwnFiles, example: str, folders: bool = False) -> dict[str, list[Path]]:
    """Split -> its files: of data.train alone, or of all three.

    Args:
        example: of a name, for messages.
        folders: whether a folder will do.

    Raises:
        ValueError: a file is missing or named twice, or only one of valid and test is named.
    """
    if not config.train:
        raise ValueError(
            f"data.train=null: data={config.name} needs a file"
            f"{' or folder' * folders}, as in data.train={example}"
        )
    given = [name for name in SPLITS if getattr(config, name)]
    if len(given) == 2:
        raise ValueError(
            f"data.{given[1]} is given alone: name data.valid and data.test both, or neither"
            " (then data.split cuts data.train)"
        )
    return {name: named_files(config, name, folders) for name in given}


def own_split(config: OwnFiles, name: str, folders: bool = False) -> list[Path]:
    """The files of one split, whether the others are there or not; none where data.train is cut.

    Raises:
        ValueError: one is missing, or none is named.
    """
    if not (config.valid or config.test):
        return []
    if not getattr(config, name):
        raise ValueError(f"data.{name}=null: name the file of the split that is read")
    return named_files(config, name, folders)


def named_files(config: OwnFiles, name: str, folders: bool = False) -> list[Path]:
    """The files that an option names: by a path, a pattern, or a list of these, in its order.

    Those of a pattern are in the order of their names, in which numbers are compared by value.

    Raises:
        ValueError: one is missing or named twice, or a pattern matches none.
    """
    given = getattr(config, name)
    option = f"data.{name}"
    patterns = [given] if isinstance(given, str) else given
    found = [each for one in patterns for each in _matches(option, one, config.root, folders)]
    places = [each.resolve() for each in found]
    if twice := next((each for n, each in enumerate(found) if places[n] in places[:n]), None):
        raise ValueError(f"{option}={given}: {twice} is named twice; leave it out once")
    return found


def flat(files: dict[str, list[Path]]) -> list[Path]:
    """The files of all splits, in their order."""
    return [path for part in files.values() for path in part]


def _matches(option: str, pattern: str, root: str | None, folders: bool) -> list[Path]:
    """The files of a pattern, in the working folder or else in the first data root that has any."""
    if not set(pattern) & set("*?[") or Path(pattern).expanduser().exists():
        return [existing(option, pattern, root, folders)]
    for place in (Path(), *roots(root)):
        names = glob(str(place / Path(pattern).expanduser()), recursive=True)
        found = [Path(name) for name in sorted(names, key=natural)]
        if kept := [each for each in found if each.is_file() or (folders and each.is_dir())]:
            return kept
    places = ", ".join(map(str, [Path.cwd(), *roots(root)]))
    raise ValueError(f"{option}={pattern}: no file in {places} matches it; correct the pattern")


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


def cut(
    config: OwnFiles, items: Sequence[Item], source: object, unit: str
) -> dict[str, list[Item]]:
    """Train, valid and test of the sequences of data.train, shuffled by ``split_seed``.

    Args:
        source: what messages call the file, or the files.
        unit: what the sequences are, for messages.

    Raises:
        ValueError: the shares are not three or do not sum to one, or a split has no sequence.
    """
    cut_sizes(config, len(items), source, unit)
    split = np.concatenate(list(cut_parts(config, len(items))))
    return {name: list(compress(items, split == n)) for n, name in enumerate(SPLITS)}


def cut_sizes(config: OwnFiles, count: int, source: object, unit: str) -> list[int]:
    """How many of ``count`` sequences are in train, valid and test.

    Raises:
        ValueError: as ``cut`` does.
    """
    if len(config.split) != 3 or abs(sum(config.split) - 1) > 1e-6:
        raise ValueError(
            f"data.split={config.split} must be three shares that sum to 1, such as [0.9,0.05,0.05]"
        )
    parts = [np.diff(_ends(config, size), prepend=0) for size in _part_sizes(count)]
    sizes: list[int] = np.sum(parts, 0, dtype=int).tolist() if parts else [0, 0, 0]
    if not all(sizes):
        raise ValueError(
            f"data.split={config.split} leaves a split of {source} ({unit}: {count}) empty;"
            " name three files, or other shares"
        )
    return sizes


def cut_parts(config: OwnFiles, count: int) -> Iterator[np.ndarray]:
    """The split, 0 to 2, of each of ``count`` sequences: arrays of at most ``LARGE`` of them.

    Each ``LARGE`` sequences are cut by themselves, so that memory does not grow with ``count``.
    """
    for number, size in enumerate(_part_sizes(count)):
        rng = np.random.default_rng([config.split_seed, number])  # 0: that of split_seed alone
        split = np.empty(size, dtype=np.int8)
        for n, chosen in enumerate(np.split(rng.permutation(size), _ends(config, size)[:2])):
            split[chosen] = n
        yield split


def _part_sizes(count: int) -> list[int]:
    return [min(LARGE, count - start) for start in range(0, count, LARGE)]


def _ends(config: OwnFiles, size: int) -> np.ndarray:
    """[3] where train, valid and test end among ``size`` shuffled sequences."""
    ends = np.round(np.cumsum(config.split[:2]) * size).astype(int)
    return np.array([*ends, size])
