"""Finding the files of a corpus, downloading what is missing, and reading lines."""

import gzip
import hashlib
import http.client
import lzma
import os
import re
import stat
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from filelock import FileLock

from vaetext.data.contents import check_unpacked, line_blocks, text_lines

SUFFIXES = ("", ".xz", ".gz")
ARCHIVES = (".tar", ".tar.xz", ".tar.gz", ".tar.bz2", ".zip")
BLOCK = 1 << 20
# what is done ("downloading ptb.train.txt"), how much so far, how much in all if known
Report = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Remote:
    """A published file.

    Attributes:
        path: relative to a data root, without the suffix of a compressed file or archive.
        url: its public address.
        sum: checksum of its uncompressed bytes, in hex: 64 digits are a sha256, 40 a git blob id
            (sha1 of "blob <size>\\0" + bytes).
        suffix: of the archive at ``url``; ".gz" where the file there is packed; else none.
    """

    path: str
    url: str
    sum: str
    suffix: str = ""

    def digest(self, path: Path) -> str:
        """The checksum of a file, of the kind of ``sum``."""
        content = path.read_bytes()
        if self.suffix == ".gz":
            with suppress(OSError, EOFError, zlib.error):  # damaged: it has another sum
                content = gzip.decompress(content)
        return digest(content, self.sum)


def cache_folder() -> Path:
    """$VAETEXT_CACHE, or ~/.cache/vaetext, or a temporary folder where the user has no home."""
    if named := os.environ.get("VAETEXT_CACHE"):
        return Path(named).expanduser()
    try:
        return Path.home() / ".cache" / "vaetext"
    except RuntimeError:  # no HOME, and the system does not know the user, as in a container
        return Path(tempfile.gettempdir()) / f"vaetext-{os.getuid()}"


def roots(root: str | None) -> list[Path]:
    """Where files are looked for, in order: data.root, $VAETEXT_DATA, the cache."""
    named = [root, os.environ.get("VAETEXT_DATA"), cache_folder() / "data"]
    return [Path(each).expanduser() for each in named if each]


def find(path: str, root: str | None, folders: bool = False) -> Path | None:
    """The first existing file ``path``, plain or with .xz or .gz, in the roots.

    Args:
        folders: whether a folder will do, or a tar or zip archive of it.
    """
    suffixes = SUFFIXES + ARCHIVES * folders
    candidates = (folder / (path + suffix) for folder in roots(root) for suffix in suffixes)
    return next(
        (each for each in candidates if each.is_file() or (folders and each.is_dir())), None
    )


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts names by the numbers in them: 8.wav before 16.wav."""
    parts = re.split(r"([0-9]+)", name)
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]


def quiet(name: str, done: int, size: int | None) -> None:
    """Reports nothing."""


def locate(remote: Remote, root: str | None, report: Report = quiet) -> Path:
    """The file, from a data root or else downloaded into the cache.

    Raises:
        ValueError: it is found nowhere and cannot be downloaded, or the download has another sum.
    """
    if found := find(remote.path, root, folders=remote.suffix in ARCHIVES):
        return found
    try:
        return download(remote, _cached(remote), report)
    except (OSError, http.client.HTTPException) as error:
        raise ValueError(
            f"{remote.path} is not in {', '.join(map(str, roots(root)))} and could not be"
            f" downloaded from {remote.url} ({error}); {_by_hand(remote)}"
        ) from error


def download(remote: Remote, target: Path, report: Report = quiet) -> Path:
    """Downloads a file to ``target`` and checks its sum; an interrupted download is resumed.

    Where several processes ask for the same file, one downloads it and the others wait.

    Raises:
        OSError: no network, or it failed midway (the part so far is kept for the next try).
        ValueError: another sum (the file is deleted).
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with FileLock(target.with_name(target.name + ".lock")):
        if target.is_file():
            return target
        _fetch(
            remote.url, part, lambda done, size: report(f"downloading {target.name}", done, size)
        )
        found = remote.digest(part)
        if found != remote.sum:
            part.unlink()
            raise ValueError(
                f"{remote.url}: its checksum is {found}, not {remote.sum}; it was deleted;"
                f" try again, or {_by_hand(remote)}"
            )
        part.replace(target)
    return target


def _cached(remote: Remote) -> Path:
    return cache_folder() / "data" / (remote.path + remote.suffix)


def _by_hand(remote: Remote) -> str:
    return (
        f"fetch it yourself and place it at {_cached(remote)},"
        f" or in data.root or $VAETEXT_DATA as {remote.path}{remote.suffix}"
    )


def _fetch(url: str, part: Path, report: Callable[[int, int | None], None]) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # the part is the whole file
            return
        raise
    with answer, part.open("ab" if answer.status == 206 else "wb") as file:
        done = file.tell()
        left = answer.headers.get("Content-Length")
        size = done + int(left) if left else None
        while block := answer.read(BLOCK):
            file.write(block)
            done += len(block)
            report(done, size)
    if size is not None and done < size:
        raise OSError(f"it stopped after {done} of {size} bytes; try again to resume it")


def digest(content: bytes, like: str) -> str:
    """The checksum of uncompressed bytes, of the kind of ``like``: sha256, or a git blob id."""
    if len(like) == 64:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def open_binary(path: Path) -> IO[bytes]:
    """A file's uncompressed bytes, by its suffix."""
    opener = {".xz": lzma.open, ".gz": gzip.open}.get(path.suffix, open)
    return opener(path, "rb")  # type: ignore[operator, no-any-return]


def content_sum(path: Path) -> str:
    """The sha256 of a file's uncompressed bytes, in hex.

    Raises:
        ValueError: the file cannot be read.
    """
    with _reading(path), open_binary(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def read_bytes(path: Path) -> bytes:
    """A file's or pipe's uncompressed bytes.

    Raises:
        ValueError: it is missing, a folder or damaged.
    """
    with _reading(path), open_binary(path) as file:
        return file.read()


def read_published(path: Path, sum: str) -> bytes:
    """A published file's uncompressed bytes.

    Raises:
        ValueError: the file is missing, damaged or packed, or its checksum is not ``sum``.
    """
    content = read_bytes(path)
    check_unpacked(content, str(path))
    if (found := digest(content, sum)) != sum:
        raise ValueError(
            f"{path}: its checksum is {found}, not {sum}: it is not the published file;"
            " put that in its place, or use data=text or data=frames for files of your own"
        )
    return content


def read_lines(path: Path, sum: str | None = None) -> list[str]:
    """The lines of a UTF-8 file or pipe, split at newlines only; a carriage return before is cut.

    Args:
        sum: the checksum that the file must have.

    Raises:
        ValueError: the file is missing, a folder, damaged, not UTF-8 text, or has another sum.
    """
    if sum:
        return text_lines(read_published(path, sum), str(path))
    return list(stream_lines(path))


def stream_lines(path: Path) -> Iterator[str]:
    """The same lines, of which few are in memory at a time.

    Raises:
        ValueError: as ``read_lines`` does, when it comes to the place.
    """
    with _reading(path), open_binary(path) as file:
        for block in line_blocks(file, str(path)):
            yield from block


def check_regular(path: Path, option: str) -> None:
    """Checks that what exists at ``path`` is a file that can be read again, as a resumed run does.

    Raises:
        ValueError: it is a folder, a pipe, a device or a socket; names ``option``.
    """
    mode = path.stat().st_mode
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        raise ValueError(f"{option}={path} is a folder; name a file in it")
    kinds = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    kind = next((name for holds, name in kinds if holds(mode)), "a device")
    raise ValueError(
        f"{option}={path} is {kind}, which cannot be read again when the run is resumed or"
        " evaluated; write its text to a file, and name that"
    )


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Names the file in every error of reading it."""
    if not path.exists():
        raise ValueError(f"{path}: no such file")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a file in it")
    try:
        yield
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise ValueError(
            f"{path} cannot be read as {path.suffix or 'plain text'}: {error}"
        ) from error
