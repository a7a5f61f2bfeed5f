"""What a run folder keeps of its data, and whether the data found now is still the same."""

import json
import logging
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from vaetext.config.data import Data, OwnFiles
from vaetext.data import corpora
from vaetext.data.atomic import atomic_write
from vaetext.data.corpora import Corpus
from vaetext.data.documents import Documents
from vaetext.data.domain import Domain
from vaetext.data.files import find
from vaetext.data.format import Format
from vaetext.data.frames import Bits
from vaetext.data.images import Images
from vaetext.data.loader import Split
from vaetext.data.pianoroll import PianoRoll
from vaetext.data.standardizer import Standardizer
from vaetext.data.tokenizer import Tokenizer
from vaetext.data.waveform import Waveform
from vaetext.runs.folder import origin
from vaetext.runs.layout import DOMAIN, SOURCES
from vaetext.runs.results import read_json

log = logging.getLogger(__name__)
# those that a run may have: nothing else in a run folder is read as one
FORMATS: tuple[type[Format], ...] = (
    Tokenizer,
    Documents,
    Standardizer,
    Bits,
    PianoRoll,
    Waveform,
    Images,
)


def write_corpus(folder: Path, corpus: Corpus) -> None:
    """Writes the format of the sequences, the domain, and the files' paths and sums."""
    corpus.format.save(folder / corpus.format.file)
    atomic_write(folder / DOMAIN, json.dumps(corpus.domain.to_json()) + "\n")
    files = [str(Path(each).resolve()) for each in corpus.source]
    sums = {name: split.digest for name, split in corpus.splits.items()}
    record = {"files": files, "file_sha256": corpus.sums, "sha256": sums}
    if any(count != 1 for count in corpus.counts.values()):
        record["counts"] = corpus.counts  # else each option names one file
    atomic_write(folder / SOURCES, json.dumps(record) + "\n")


def read_format(folder: Path) -> Format:
    """How the sequences of a run are written and read, as in its training.

    Raises:
        ValueError: the run folder has none, or it is damaged.
    """
    found = (each for each in FORMATS if (folder / each.file).is_file())
    kind = next(found, Tokenizer)
    return kind.load(folder / kind.file)


def read_domain(folder: Path) -> Domain:
    """What a run's model knows of its data.

    Raises:
        ValueError: the file is missing, damaged or another version's.
    """
    try:
        return Domain.from_json(json.loads((folder / DOMAIN).read_text()))
    except (FileNotFoundError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{folder / DOMAIN} is missing or does not fit ({error}): {origin(folder)}"
        ) from error


def load_corpus(data: Data, folder: Path) -> Corpus:
    """The data of the run in ``folder``; a warning says whether its sequences have changed.

    Raises:
        ValueError: it has another vocabulary or scale than in training.
    """
    corpus = corpora.load(relocate_files(data, folder))
    check_corpus(folder, corpus)
    if names := changed_splits(folder, corpus):
        log.warning(
            "%s: data=%s has changed since training (%s): other sequences are scored",
            folder,
            corpus.name,
            names,
        )
    return corpus


def load_split(
    data: Data, folder: Path, form: Format, name: str, other: Data | None = None
) -> Split:
    """One split of the data of the run in ``folder``, or of ``other`` data, as the run reads it.

    A warning says whether the run's own sequences have changed since training.

    Raises:
        ValueError: its files are missing, or it holds no sequences of the run's kind.
    """
    if other is not None:
        return corpora.load_split(other, name, form)
    split = corpora.load_split(relocate_files(data, folder), name, form)
    if _sums(folder).get(name, split.digest) != split.digest:
        log.warning(
            "%s: data=%s has changed since training (%s): other sequences are scored",
            *(folder, data.name, name),
        )
    return split


def check_corpus(folder: Path, corpus: Corpus) -> None:
    """Checks that a corpus has the vocabulary, or scale, that a run was trained with.

    Raises:
        ValueError: it has another one, as when its files have changed since.
    """
    if corpus.format != read_format(folder):
        files = f" ({', '.join(corpus.source)})" if corpus.source else ""
        raise ValueError(
            f"{folder}: data={corpus.name}{files} gives another vocabulary or scale now than in"
            " training; put back the files it was trained on (data.root or $VAETEXT_DATA), or"
            " train a new run"
        )


def changed_splits(folder: Path, corpus: Corpus) -> str:
    """The splits, by name, that hold other sequences than when the run began."""
    return ", ".join(
        name
        for name, digest in _sums(folder).items()
        if name in corpus.splits and corpus.splits[name].digest != digest
    )


def _sums(folder: Path) -> dict[str, str]:
    """Split -> the checksum of its sequences when the run began, where it is known."""
    path = folder / SOURCES
    return dict(read_json(path).get("sha256", {})) if path.is_file() else {}


def relocate_files(data: Data, folder: Path) -> Data:
    """A run's data set, with its user's files where training in ``folder`` read them.

    Files that are gone from there are looked for at the paths they were given by, then by their
    bare names, data roots included.
    """
    if not isinstance(data, OwnFiles) or not (folder / SOURCES).is_file():
        return data
    saved = read_json(folder / SOURCES)
    read = iter(saved.get("files", []))
    counts = saved.get("counts", {})
    found: dict[str, Any] = {
        name: _relocated(given, list(islice(read, counts.get(name, 1))), data.root)
        for name in data.paths
        if (given := getattr(data, name))
    }
    return replace(data, **found)


def _relocated(given: Any, places: list[str], root: str | None) -> Any:
    """Where the files of an option are now: one path, or a list of those that were read."""
    if isinstance(given, str) and len(places) < 2:
        return _first_present(*places, given, Path(given).name, root=root) or given
    paths = given if isinstance(given, list) and len(given) == len(places) else places
    return [
        _first_present(place, path, Path(place).name, root=root) or path
        for place, path in zip(places, paths, strict=True)
    ]


def _first_present(*paths: str, root: str | None) -> str | None:
    """The first path at which there is a file or folder, as it is or in a data root."""
    found = (path for path in paths if Path(path).exists() or find(path, root, folders=True))
    return next(found, None)
