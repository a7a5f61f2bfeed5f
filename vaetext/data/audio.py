"""Recordings of one channel in WAV files, RIFF or NIST SPHERE, of a folder or an archive."""

import hashlib
import logging
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np

from vaetext.data.contents import check_unpacked
from vaetext.data.files import Remote, natural

log = logging.getLogger(__name__)
SUFFIXES = (".wav", ".sph")
OTHER = (".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".au", ".wma", ".webm")
UNPACKING = (lzma.LZMAError, zlib.error, RuntimeError, NotImplementedError)  # what archives raise
KINDS = ("WAV", "WAVEX", "RF64", "NIST")  # as libsndfile names them


@dataclass(frozen=True)
class Recording:
    """One channel of sound.

    Attributes:
        name: its path in the folder or archive.
        place: what messages call it.
        samples: [N] float32, from -1 to 1.
        rate: samples a second.
    """

    name: str
    place: str
    samples: np.ndarray
    rate: int

    def frames(self, size: int) -> np.ndarray:
        """[N // size, size] samples; a rest shorter than a frame is left out.

        Raises:
            ValueError: there is no whole frame.
        """
        count = len(self.samples) // size
        if not count:
            raise ValueError(
                f"{self.place} has {len(self.samples)} samples, fewer than data.frame={size};"
                " leave it out, or choose a smaller frame"
            )
        return self.samples[: count * size].reshape(count, size)


def is_audio(path: Path) -> bool:
    """Whether a path is a recording, a folder with some, or an archive."""
    if path.is_dir():
        return any(_wanted(each.name, None) for each in path.rglob("*"))
    if not path.is_file():  # a pipe can be read but once
        return False
    archive = tarfile.is_tarfile(path) or (zipfile.is_zipfile(path) and path.suffix != ".npz")
    return archive or bool(_wanted(path.name, None))


def read_recordings(path: Path, pattern: str | None = None) -> list[Recording]:
    """The recordings of a file, a folder and those below it, a tar or a zip; 8.wav before 16.wav.

    Args:
        pattern: those whose path it is found in, each named by what it finds; None takes all.

    Raises:
        ValueError: there is none, one is of another format or has several channels, or rates
            differ; names the file.
    """
    found = [
        decode(content, name, place)
        for member, place, content in _members(path)
        if (name := _wanted(member, pattern))
    ]
    if not found:
        kinds = " or ".join(SUFFIXES)
        raise ValueError(f"{path} holds no recording: no {kinds} file; name what holds some")
    check_rates(found)
    return sorted(found, key=lambda each: natural(each.name))


def check_rates(recordings: Iterable[Recording]) -> None:
    """Checks that all recordings have as many samples a second.

    Raises:
        ValueError: one has another rate than the first.
    """
    first, *others = recordings
    for each in others:
        if each.rate != first.rate:
            raise ValueError(
                f"{each.place} has {each.rate} samples a second, and {first.place} {first.rate};"
                " resample them to one rate"
            )


def decode(content: bytes, name: str, place: str) -> Recording:
    """The recording in the bytes of a WAV file.

    Raises:
        ValueError: it is of another format, empty or damaged, or has several channels.
    """
    import soundfile

    if not content:
        raise ValueError(f"{place} is empty; leave it out, or copy it again")
    check_unpacked(content, place)
    if PurePosixPath(name).suffix.lower() in OTHER:
        raise ValueError(f"{place}: only WAV files are read (RIFF, NIST SPHERE); convert it")
    try:
        with soundfile.SoundFile(BytesIO(content)) as file:
            _check_kind(file.format, file.channels, place)
            samples = file.read(dtype="float32")
            rate = file.samplerate
    except soundfile.LibsndfileError as error:
        raise ValueError(
            f"{place} cannot be read as WAV (RIFF, NIST SPHERE): {error.error_string}"
        ) from error
    if missing := _missing(content, len(samples)):
        raise ValueError(f"{place} is cut off: {missing} are missing; copy it again")
    if not len(samples):
        raise ValueError(f"{place} holds no sample; leave it out")
    if not np.isfinite(samples).all():
        raise ValueError(f"{place} has samples that are not finite; leave it out")
    return Recording(name, place, samples, rate)


def wav_bytes(samples: np.ndarray, rate: int, name: str) -> bytes:
    """A WAV file of one channel and 16 bits; what is beyond -1 and 1 is clipped, and logged.

    Args:
        samples: [N].
        rate: samples a second.
        name: of the file, for the log.
    """
    import soundfile

    if clipped := int((abs(samples) > 1).sum()):
        log.warning("%s: %s of %s samples are clipped at -1 and 1", name, clipped, len(samples))
    buffer = BytesIO()
    soundfile.write(buffer, np.clip(samples, -1, 1), rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def _missing(content: bytes, samples: int) -> str:
    """What the header of a file says that it has, and it has not; libsndfile reads on regardless.

    The RIFF header of a stream, written before its end is known, has the largest size.
    """
    size = int.from_bytes(content[4:8], "little") + 8
    if content[:4] == b"RIFF" and len(content) < size < 2**31:
        return f"{size - len(content)} of {size} bytes"
    declared = re.match(rb"NIST_1A\n.*?\nsample_count -i ([0-9]+)\n", content[:1024], re.DOTALL)
    if declared and samples < int(declared[1]):
        return f"{int(declared[1]) - samples} of {int(declared[1])} samples"
    return ""


def digest(recordings: Sequence[Recording]) -> str:
    """The sha256 of all samples (float32), in the order of the names.

    Neither the archive nor the kind of WAV file changes it.
    """
    total = hashlib.sha256()
    for each in sorted(recordings, key=lambda each: each.name):
        total.update(each.samples.astype("<f4").tobytes())
    return total.hexdigest()


@dataclass(frozen=True)
class Archive(Remote):
    """A published archive of recordings, which may be packed again: ``sum`` is their ``digest``.

    Attributes:
        pattern: which recordings, see ``read_recordings``.
    """

    pattern: str = ""

    def digest(self, path: Path) -> str:
        """The digest of the recordings in an archive, or why there is none."""
        try:
            return digest(read_recordings(path, self.pattern))
        except ValueError as error:
            return f"unknown ({error})"


def _wanted(member: str, pattern: str | None) -> str | None:
    """The name of a recording; None of other files."""
    path = PurePosixPath(member)
    if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES + OTHER:
        return None
    if pattern is None:
        return member
    found = re.search(pattern, member)
    return found[0] if found else None


def _check_kind(kind: str, channels: int, place: str) -> None:
    if kind not in KINDS:
        raise ValueError(
            f"{place} is {kind}; only WAV files are read (RIFF, NIST SPHERE): convert it"
        )
    if channels != 1:
        raise ValueError(f"{place} has {channels} channels; mix them to one, or take one of them")


def _members(path: Path) -> Iterator[tuple[str, str, bytes]]:
    """(path inside, what messages call it, bytes) of every file of a folder or archive."""
    try:
        if path.is_dir():
            yield from _of_folder(path)
        elif tarfile.is_tarfile(path):
            yield from _of_tar(path)
        elif zipfile.is_zipfile(path):
            yield from _of_zip(path)
        else:
            yield path.name, str(path), path.read_bytes()
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, *UNPACKING) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def _of_folder(path: Path) -> Iterator[tuple[str, str, bytes]]:
    for each in sorted(path.rglob("*")):
        if each.is_file() and _wanted(each.name, None):
            yield each.relative_to(path).as_posix(), str(each), each.read_bytes()


def _of_zip(path: Path) -> Iterator[tuple[str, str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            yield name, f"{path}, {name}", archive.read(name)


def _of_tar(path: Path) -> Iterator[tuple[str, str, bytes]]:
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile() and (file := archive.extractfile(member)):
                yield member.name, f"{path}, {member.name}", file.read()
