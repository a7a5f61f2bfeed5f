"""Recordings cut into frames of samples: spoken digits, TIMIT's sample, or a user's own."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vaetext.config.data import Speech
from vaetext.data.audio import Archive, Recording, check_rates, digest, read_recordings
from vaetext.data.corpora import Corpus, frames_corpus, recoded
from vaetext.data.files import Report, locate, read_lines
from vaetext.data.format import Format
from vaetext.data.loader import SPLITS, Sequences
from vaetext.data.own import cut, existing, flat, own_files, own_split
from vaetext.data.waveform import Waveform

log = logging.getLogger(__name__)
Parts = dict[str, list[Recording]]  # split -> its recordings

# 16 speakers, a woman and a man of each dialect region. Five are held out, of five regions, so that
# training has a speaker of every region: 5 women and 6 men.
TIMIT_VALID = ("dr1-mcpm0", "dr5-ftlg0")
TIMIT_TEST = ("dr3-falk0", "dr6-mbma1", "dr8-fbcg1")


@dataclass(frozen=True)
class Published:
    """A published corpus: its archive, and the split of a recording by its name."""

    archive: Archive
    split: Callable[[str], str]


def fsdd_split(name: str) -> str:
    """Test: index 0 to 4 of every digit and speaker, as published; valid: 5 to 9."""
    index = int(Path(name).stem.rpartition("_")[2])
    return "test" if index < 5 else "valid" if index < 10 else "train"


def timit_split(name: str) -> str:
    """By speaker: 11 of training, 2 of validation, 3 of test."""
    speaker = name.partition("/")[0]
    return "test" if speaker in TIMIT_TEST else "valid" if speaker in TIMIT_VALID else "train"


CORPORA = {
    "fsdd": Published(
        Archive(
            "fsdd/recordings",
            "https://github.com/Jakobovski/free-spoken-digit-dataset/archive"
            "/26eb9aaf76e81b692f806f9140c2d2777410d7a1.tar.gz",
            "fcd29e7a92f8d0b8a493c06f2e82a55a108047ae5388e1f2ed0635517d916fab",
            ".tar.gz",
            r"[0-9]_[a-z]+_[0-9]+\.wav$",
        ),
        fsdd_split,
    ),
    "timit-sample": Published(
        Archive(
            "timit_sample/timit",
            "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/corpora/timit.zip",
            "352eed75b9f8c94c981cdca09a1fcf91f4d99056376640259107d842322d92b6",
            ".zip",
            r"dr[1-8]-[a-z0-9]+/s[aix][0-9]+\.wav$",
        ),
        timit_split,
    ),
}


def load(config: Speech, report: Report) -> Corpus:
    """The recordings of a corpus or of a user's files, standardised by the training split.

    Raises:
        ValueError: files are missing, no recordings of one channel and rate, shorter than a frame,
            or not the published ones; or a split is left empty.
    """
    if config.corpus == "recordings":
        sources, parts = own_recordings(config)
    else:
        sources, parts = published(config, report)
    everything = [each for part in parts.values() for each in part]
    check_rates(everything)
    frames = {name: [each.frames(config.frame) for each in part] for name, part in parts.items()}
    _log_dropped(config, everything)
    form = Waveform.of(frames["train"], everything[0].rate)
    sequences = {name: [form.encoded(each) for each in part] for name, part in frames.items()}
    return frames_corpus(config, form, sequences, sources, [digest(everything)])


def read_split(config: Speech, name: str, form: Format, report: Report) -> Sequences:
    """The recordings of one split, of its file alone where it has one.

    Raises:
        ValueError: as ``load`` does, of this file, or it has another rate.
    """
    if config.corpus == "recordings" and (files := own_split(config, name, folders=True)):
        return [each for path in files for _, each in form.read(path)]
    split = recoded(load(config, report), name, form)
    return [split[n] for n in range(len(split))]


def published(config: Speech, report: Report) -> tuple[list[Path], Parts]:
    """The archive of a published corpus, and its recordings by split.

    Raises:
        ValueError: it is missing and cannot be fetched, or its recordings are not the published
            ones.
    """
    corpus = CORPORA[config.corpus]
    path = locate(corpus.archive, config.root, report)
    recordings = read_recordings(path, corpus.archive.pattern)
    if (found := digest(recordings)) != corpus.archive.sum:
        raise ValueError(
            f"{path}: the checksum of its {len(recordings)} recordings is {found}, not"
            f" {corpus.archive.sum}: they are not those of data.corpus={config.corpus}; put these"
            " in their place, or use data.train for recordings of your own"
        )
    return [path], {
        name: [each for each in recordings if corpus.split(each.name) == name] for name in SPLITS
    }


def own_recordings(config: Speech) -> tuple[list[Path], Parts]:
    """A user's files, and their recordings by split.

    Raises:
        ValueError: a file is missing, or holds no recordings of one channel and rate, or a split
            is left empty.
    """
    if not config.train:
        raise ValueError(
            "data.corpus=recordings: your own need data.train=FOLDER (or a tar or zip); or choose"
            f" data.corpus={' or '.join(CORPORA)}"
        )
    named = own_files(config, "recordings/", folders=True)
    if several := next((name for name, part in named.items() if len(part) > 1), None):
        raise ValueError(
            f"data.{several}={getattr(config, several)}: recordings come from one folder or"
            " archive, in which their names differ; put them into one"
        )
    files = flat(named)
    found = [read_recordings(path) for path in files]
    if config.split_list:
        path = existing("data.split_list", config.split_list, config.root)
        return [*files, path], listed(path, found[0], files[0])
    if len(files) == 3:
        return files, dict(zip(SPLITS, found, strict=True))
    return files, cut(config, found[0], files[0], "recordings")


def listed(path: Path, recordings: list[Recording], source: Path) -> Parts:
    """The recordings that a list names, by split; others are left out.

    Args:
        path: of a file with a split and a recording's name on each line.
        source: of the recordings.

    Raises:
        ValueError: a line is none, names no recording or one twice, or a split has none.
    """
    known = {each.name: each for each in recordings}
    parts: Parts = {name: [] for name in SPLITS}
    lines = [(n, line.split(maxsplit=1)) for n, line in enumerate(read_lines(path), 1)]
    for number, words in (each for each in lines if each[1]):
        if len(words) < 2 or words[0] not in SPLITS:
            raise ValueError(
                f"{path}, line {number}: {' '.join(words)!r} is not train, valid or test and the"
                " name of a recording"
            )
        split, name = words[0], words[1].strip()
        if name not in known:
            raise ValueError(
                f"{path}, line {number}: {name!r} is no recording of {source}, or listed twice;"
                " names are paths inside it"
            )
        parts[split].append(known.pop(name))
    if empty := [name for name, part in parts.items() if not part]:
        raise ValueError(f"{path} lists no recording of {', '.join(empty)}; list some")
    if known:
        log.warning("%s: %s recordings of %s are not listed and left out", path, len(known), source)
    return parts


def _log_dropped(config: Speech, recordings: list[Recording]) -> None:
    total = sum(len(each.samples) for each in recordings)
    dropped = sum(len(each.samples) % config.frame for each in recordings)
    log.info(
        "data=%s: %s of %s samples (%.2f %%) are dropped, rests shorter than data.frame=%s",
        config.name,
        f"{dropped:,}",
        f"{total:,}",
        100 * dropped / total,
        config.frame,
    )
