"""A data set by its name."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from vaetext.config.data import Data, TextData, check_name
from vaetext.data.documents import Documents, documents
from vaetext.data.domain import Domain
from vaetext.data.files import Report, quiet
from vaetext.data.format import Format
from vaetext.data.lines import Lines, encode
from vaetext.data.loader import Sequences, Split
from vaetext.data.tokenizer import Tokenizer

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
        lines: reads the lines of each split again, as they are before any token is unknown; of
            text only.
        counts: option of a user's own data -> how many of the files of ``source`` it names.
    """

    name: str
    format: Format
    splits: dict[str, Split]
    source: list[str] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)
    curve: Callable[[Any], np.ndarray] | None = None
    facts: Callable[[], dict[str, float]] = dict
    lines: Callable[[], Lines] | None = None
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def domain(self) -> Domain:
        """What a model must know of the sequences."""
        longest = max(split.longest for split in self.splits.values())
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


def load_split(config: Data, name: str, form: Format, report: Report = quiet) -> Split:
    """One split of a data set as a run's ``form`` reads it, in its vocabulary or scale.

    Files of the other splits may be missing where the module of the data set has
    ``read_split(config, name, form, report)``, which gives the sequences of one, or its ``Split``.

    Raises:
        ValueError: as ``load`` does, or its sequences are of another kind.
    """
    check_name(config)
    module = _module(config.name)
    if not hasattr(module, "read_split"):
        return recoded(module.load(config, report), name, form)
    if isinstance(config, TextData):
        return _text_split(config, name, form, module.read_split, report)
    if form.is_text:
        raise ValueError(f"data={config.label} is no text, which this run reads")
    return _as_split(module.read_split(config, name, form, report))


def _text_split(
    config: TextData, name: str, form: Format, read: Callable[..., Any], report: Report
) -> Split:
    """The lines of a split in a run's vocabulary, or documents of them."""
    if not isinstance(form, Tokenizer):
        raise ValueError(f"data={config.label} is text, and this run reads {form.description}")
    lines = _as_split(read(config, name, Tokenizer(form.model), report))
    if config.document == 1:
        return lines
    if not isinstance(form, Documents):
        raise ValueError(
            f"data.document={config.document}: this run reads single lines; set data.document=1"
        )
    return documents(lines, config.document)


def recoded(corpus: Corpus, name: str, form: Format) -> Split:
    """A split as another format reads it; log p(x) is kept where all lines are read as they are.

    Raises:
        ValueError: its sequences are of another kind.
    """
    split = corpus.splits[name]
    if corpus.format == form:
        return split
    if corpus.lines and form.is_text:
        return replace(encode(form, corpus.lines()[name]), factors=split.factors)
    each = [split[n] for n in range(len(split))]
    found = Split.of([form.recode(one, corpus.format) for one in each])
    lines, read = map(corpus.format.decode, each), (form.decode(found[n]) for n in range(len(each)))
    kept = form.is_text and all(map(str.__eq__, lines, read))
    return replace(found, log_p=split.log_p if kept else None, factors=split.factors)


def _as_split(found: Split | Sequences) -> Split:
    return found if isinstance(found, Split) else Split.of(found)


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
