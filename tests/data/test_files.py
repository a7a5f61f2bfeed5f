"""Files: search order, reading, and downloads that stop midway, resume, or have another sum."""

import gzip
import hashlib
import lzma
import os
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from vaetext.data import atomic, files
from vaetext.data.atomic import atomic_write
from vaetext.data.files import Remote, cache_folder, find, locate, read_lines, roots

CONTENT = b"".join(b"line %d\n" % n for n in range(50_000))
SHA256 = hashlib.sha256(CONTENT).hexdigest()
BLOB = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT.

    Attributes:
        breaks_at: bytes after which the first answer stops.
        ranges: whether a Range is honoured.
        asked: the Range of each request.
    """

    breaks_at: int | None = None
    ranges = True
    asked: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        resumes = wanted and self.server.ranges
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if resumes else 0
        if self.path == "/gone.txt" or start >= len(CONTENT):
            return self.send_error(404 if self.path == "/gone.txt" else 416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : self.server.breaks_at])
        self.server.breaks_at = None

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def remote(server: Server, sum: str = SHA256, path: str = "a/file.txt") -> Remote:
    return Remote(path, f"http://127.0.0.1:{server.server_address[1]}/{Path(path).name}", sum)


def test_files_are_found_in_order_and_uncompressed(
    tmp_path: Path, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAETEXT_DATA", str(tmp_path / "second"))
    places = [
        tmp_path / "first" / "x.txt",
        tmp_path / "second" / "x.txt.xz",
        fresh_cache / "data" / "x.txt.gz",
    ]
    for place, opener in zip(reversed(places), (gzip.open, lzma.open, open), strict=True):
        place.parent.mkdir(parents=True)
        with opener(place, "wb") as file:
            file.write(b"one\r\ntwo\n")
        assert find("x.txt", str(tmp_path / "first")) == place
        assert read_lines(place) == ["one", "two"]


@pytest.mark.parametrize("sum", [SHA256, BLOB])
def test_a_download_is_reported_and_kept(server: Server, fresh_cache: Path, sum: str) -> None:
    seen: list[tuple[str, int, int | None]] = []
    path = locate(remote(server, sum), None, lambda *each: seen.append(each))
    assert path == fresh_cache / "data/a/file.txt"
    assert path.read_bytes() == CONTENT
    assert seen[-1] == ("downloading file.txt", len(CONTENT), len(CONTENT))
    assert locate(remote(server, sum), None) == path
    assert server.asked == [None]
    assert not list(path.parent.glob("*.part"))


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_download_is_resumed(
    server: Server, fresh_cache: Path, ranges: bool
) -> None:
    server.breaks_at = 1000
    server.ranges = ranges
    with pytest.raises(ValueError, match="stopped after 1000 of"):
        locate(remote(server), None)
    assert locate(remote(server), None).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000-"]


def test_a_complete_part_is_used(server: Server, fresh_cache: Path) -> None:
    part = fresh_cache / "data/a/file.txt.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    assert locate(remote(server), None).read_bytes() == CONTENT


def test_a_download_with_another_sum_is_deleted(server: Server, fresh_cache: Path) -> None:
    with pytest.raises(ValueError, match=f"checksum is {SHA256}, not {'0' * 64}.*place it at"):
        locate(remote(server, "0" * 64), None)
    assert {path.suffix for path in (fresh_cache / "data/a").iterdir()} <= {".lock"}


def test_concurrent_downloads_fetch_a_file_once(server: Server, fresh_cache: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: locate(remote(server), None), range(4)))
    assert len(set(found)) == 1
    assert server.asked == [None]


def test_without_a_network_the_error_names_file_address_and_place(fresh_cache: Path) -> None:
    with pytest.raises(ValueError, match="could not be downloaded") as error:
        locate(Remote("ptb/ptb.train.txt", "http://127.0.0.1:9/ptb.train.txt", SHA256), "my/root")
    for part in (
        "ptb/ptb.train.txt is not in my/root",
        "http://127.0.0.1:9/",
        str(fresh_cache / "data/ptb/ptb.train.txt"),
        "$VAETEXT_DATA",
    ):
        assert part in str(error.value)


def test_a_file_that_the_server_lacks_is_an_error(server: Server, fresh_cache: Path) -> None:
    with pytest.raises(ValueError, match=r"gone.txt.*404"):
        locate(remote(server, path="gone.txt"), None)


def test_a_cache_that_cannot_be_written_is_an_error(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VAETEXT_CACHE", str(tmp_path / "file"))
    with pytest.raises(ValueError, match="Not a directory"):
        locate(remote(server), None)


def test_a_user_without_a_home_has_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("VAETEXT_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "vaetext"
    monkeypatch.setattr(Path, "home", home)
    assert cache_folder().parent == Path(tempfile.gettempdir())


def test_a_tilde_in_a_data_root_is_expanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VAETEXT_DATA", "~/a")
    assert roots("~/b")[:2] == [tmp_path / "b", tmp_path / "a"]


def test_bytes_that_are_not_utf8_are_an_error_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"\xef\xbb\xbffine\nfine\ncaf\xe9\n")
    with pytest.raises(ValueError, match=r"latin\.txt, line 3: not UTF-8"):
        read_lines(path)


def test_lines_end_at_newlines_only(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes("\ufeffa\u2028b\x85c\x0cd\r\n\nlast".encode())
    assert read_lines(path) == ["a\u2028b\x85c\x0cd", "", "last"]


@pytest.mark.parametrize("name", ["damaged.xz", "damaged.gz"])
def test_a_damaged_file_is_an_error(tmp_path: Path, name: str) -> None:
    packed = (lzma.compress if name.endswith("xz") else gzip.compress)(CONTENT)
    early = 20  # past the headers, in the first compressed block
    overwritten = packed[:early] + b"\xff" * 20 + packed[early + 20 :]
    for damaged in (packed[:-20], overwritten):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(ValueError, match=f"{name} cannot be read as"):
            read_lines(tmp_path / name)


def test_a_missing_file_or_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such file"):
        read_lines(tmp_path / "absent.txt")
    with pytest.raises(ValueError, match="is a folder; name a file in it"):
        read_lines(tmp_path)


def test_a_pipe_is_read() -> None:
    end, other = os.pipe()
    with open(other, "wb") as file:
        file.write(b"one\ntwo\n")
    assert read_lines(Path(f"/dev/fd/{end}")) == ["one", "two"]
    os.close(end)


def test_a_file_with_another_sum_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "ptb.txt"
    path.write_bytes(CONTENT)
    assert read_lines(path, BLOB)[1] == "line 1"
    with pytest.raises(ValueError, match=r"ptb\.txt: its checksum is .* data=text"):
        read_lines(path, "0" * 40)


def test_the_sum_of_a_git_blob_is_that_of_git() -> None:
    assert files.digest(b"hello\n", "0" * 40) == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "deep" / "file.txt"
    atomic_write(target, "caf\u00e9")
    assert target.read_bytes() == b"caf\xc3\xa9"

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match="No space") as failed:
        atomic_write(target, b"new")
    assert failed.value.filename == str(target)
    assert target.read_bytes() == b"caf\xc3\xa9"
    assert len(list(target.parent.iterdir())) == 1
