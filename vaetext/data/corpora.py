"""A data set by its name."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from vaetext.config.data import Data, check_name
from vaetext.data.domain import Domain
from vaetext.data.files import Report, quiet
from vaetext.data.format import Format
from vaetext.data.loader import Split

log = logging.getLogger(__name__)


@dataclass
class Corpus:
    """A data set ready for training.

    Attributes:
        name: as in tables.
        format: how sequences are written and read, learned from the training split.
        splits: train, valid and test.
        source: the files it was read from.
        sums: the sha256 of each file's uncompressed bytes.
        known: what else a model must know: fields of the domain that the format does not give.
        curve: the heights [T] of a sequence, nan where it has none; of data sets of curves only.
        facts: computes what is known of the distribution, such as its entropy, by name.
    """

    name: str
    format: Format
    splits: dict[str, Split]
    source: list[str] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)
    curve: Callable[[Any], np.ndarray] | None = None
    facts: Callable[[], dict[str, float]] = dict

    @property
    def domain(self) -> Domain:
        """What a model must know of the sequences."""
        longest = max(int(split.lengths.max()) for split in self.splits.values())
        return replace(self.format.domain(longest), **self.known)  # type: ignore[type-var]


def load(config: Data, report: Report = quiet) -> Corpus:
    """The data set ``config.name``, by the module of that name in ``vaetext.data.sets``.

    Args:
        report: called with (file, bytes done, bytes in all or None) during a download.

    Raises:
        ValueError: an unknown name, or files that are missing, damaged or empty.
    """
    check_name(config)
    found: Corpus = _module(config.name).load(config, report)
    return found


def frames_corpus(
    config: Data,
    form: Format,
    sequences: Mapping[str, Sequence[np.ndarray]],
    source: Sequence[Path],
    sums: list[str],
) -> Corpus:
    """A data set of frames; a warning counts the sequences of valid and test also in train.

    Args:
        sequences: split -> frames [T, F] of each sequence, as a model reads them.
    """
    known = set(map(_digest, sequences["train"]))
    for name in ("valid", "test"):
        total = len(sequences[name])
        if count := sum(_digest(each) in known for each in sequences[name]):
            share = f"{count:,} of {total:,} sequences of {name} ({100 * count / total:.1f} %)"
            log.warning("data=%s: %s are also in train", config.label, share)
    splits = {name: Split.of(part) for name, part in sequences.items()}
    return Corpus(config.name, form, splits, [str(path) for path in source], sums)


def _digest(sequence: np.ndarray) -> bytes:
    return sha256(sequence.tobytes()).digest()


def _module(name: str) -> Any:
    return import_module(f"vaetext.data.sets.{name.replace('-', '_')}")
