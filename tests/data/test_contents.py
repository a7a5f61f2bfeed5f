"""What the bytes of a file are: packed files, other encodings, and lines of text."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from vaetext.data.contents import text_lines
from vaetext.data.files import read_lines

TEXT = "".join(f"line {n} caf\u00e9\n" for n in range(100))
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("all.txt", TEXT)
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("all.txt"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped(), " is a zip archive; unpack it"),
        (tarred(), " is a tar archive; unpack it"),
        (bz2.compress(TEXT.encode()), " is packed by bzip2; unpack it"),
        (bz2.compress(b""), " is packed by bzip2; unpack it"),
        (gzip.compress(TEXT.encode()), r" is packed by gzip; .* suffix \.gz"),
        (lzma.compress(TEXT.encode()), r" is packed by xz; .* suffix \.xz"),
        (POINTER, " is a Git LFS pointer, not the file itself; .*git lfs pull"),
        (TEXT.encode("utf-16"), " is UTF-16, not UTF-8; .*iconv -f utf-16 -t utf-8"),
        (TEXT.encode("utf-16-le"), " is UTF-16LE, not UTF-8"),
        (TEXT.encode("utf-16-be"), " is UTF-16BE, not UTF-8"),
        (TEXT.encode("utf-32"), " is UTF-32, not UTF-8"),
        (b"a\nb\0c\n", ", line 2: it holds a NUL byte"),
        (b"\0" * 4096, ", line 1: it holds a NUL byte"),
        (TEXT.replace("\n", "\r").encode(), ": its lines end in carriage returns alone"),
        (TEXT.replace("\n", "\r").encode() + b"\n", ": its lines end in carriage returns alone"),
    ],
)
def test_a_file_that_is_not_utf8_text_is_refused_by_kind_and_name(
    content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "my.txt").write_bytes(content)
    with pytest.raises(ValueError, match=rf"my\.txt{message}"):
        read_lines(tmp_path / "my.txt")


@pytest.mark.parametrize("packed", ["my.txt.gz", "my.txt.xz"])
def test_what_is_packed_twice_is_refused(packed: str, tmp_path: Path) -> None:
    pack: Any = gzip.compress if packed.endswith("gz") else lzma.compress
    (tmp_path / packed).write_bytes(pack(gzip.compress(b"a\n")))
    with pytest.raises(ValueError, match="is packed by gzip"):
        read_lines(tmp_path / packed)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"one\r\ntwo", ["one", "two"]),
        (b"one\r", ["one"]),
        (b"a\rb\nc\n", ["a\rb", "c"]),
        (b"PK is a word\n", ["PK is a word"]),
        (b"BZh9 too\n", ["BZh9 too"]),
        ("\u4e2d\n\u6587\n".encode(), ["\u4e2d", "\u6587"]),
    ],
)
def test_text_is_split_at_newlines(content: bytes, lines: list[str]) -> None:
    assert text_lines(content, "my.txt") == lines
