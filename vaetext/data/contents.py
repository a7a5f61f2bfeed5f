"""What the bytes of a file are, and the lines of text in them."""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import chain
from typing import IO

BLOCK = 1 << 20  # bytes of a file that are read at once
_PACKED = {  # the first bytes of packed files: what it is, what to do
    rb"PK\x03\x04|PK\x05\x06": ("a zip archive", "unpack it"),
    rb"BZh[1-9](1AY&SY|\x17rE8P\x90)": ("packed by bzip2", "unpack it"),
    rb"\x1f\x8b\x08": ("packed by gzip", "unpack it, or name it with the suffix .gz"),
    rb"\xfd7zXZ\x00": ("packed by xz", "unpack it, or name it with the suffix .xz"),
    rb"\x28\xb5\x2f\xfd": ("packed by zstd", "unpack it"),
    rb"7z\xbc\xaf\x27\x1c": ("a 7z archive", "unpack it"),
    rb"[\x00-\xff]{257}ustar(\x00|  \x00)": ("a tar archive", "unpack it"),
    rb"version https://git-lfs\.github\.com/spec/": (
        "a Git LFS pointer, not the file itself",
        "fetch the file with `git lfs pull`",
    ),
}
_MARKED = {  # byte order marks; UTF-32 begins as UTF-16 does
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


def check_unpacked(content: bytes, name: str) -> None:
    """Checks that a file's bytes are no archive, packed file or Git LFS pointer.

    Args:
        name: of the file, for the message.

    Raises:
        ValueError: they are; says which kind, and what to do.
    """
    for pattern, (kind, remedy) in _PACKED.items():
        if re.match(pattern, content):
            raise ValueError(f"{name} is {kind}; {remedy}")


def text_lines(content: bytes, name: str) -> list[str]:
    """The lines of UTF-8 text, split at newlines only; a carriage return before is cut.

    Args:
        name: of the file, for messages.

    Raises:
        ValueError: the bytes are packed, not UTF-8, hold a NUL byte, or end lines in carriage
            returns alone.
    """
    return list(chain.from_iterable(line_blocks(BytesIO(content), name)))


def line_blocks(file: IO[bytes], name: str) -> Iterator[list[str]]:
    """The lines of a file of UTF-8 text as ``text_lines`` gives them, about ``BLOCK`` bytes a time.

    Args:
        name: of the file, for messages.

    Raises:
        ValueError: as ``text_lines`` does, when it comes to the place.
    """
    lines = returns = 0
    coding = "utf-8-sig"
    while content := b"".join(file.readlines(BLOCK)):
        if coding == "utf-8-sig":
            _check_first(content, name)
        returns += _lone_returns(content)
        yield _decoded(content, coding, name, lines)
        lines += content.count(b"\n")
        coding = "utf-8"
    if returns > lines:
        raise ValueError(
            f"{name}: its lines end in carriage returns alone, as on old Macs;"
            " convert it with `tr '\\r' '\\n'`, for example"
        )


def _check_first(content: bytes, name: str) -> None:
    check_unpacked(content, name)
    if coding := _wide_coding(content):
        raise ValueError(
            f"{name} is {coding.upper()}, not UTF-8;"
            f" convert it with `iconv -f {coding} -t utf-8`, for example"
        )


def _decoded(content: bytes, coding: str, name: str, before: int) -> list[str]:
    """The lines of a part of a file, ``before`` of which come before it."""
    if (at := content.find(b"\0")) >= 0:
        raise ValueError(
            f"{name}, line {before + _line(content, at)}: it holds a NUL byte, so it is no text;"
            " name a text file, or delete these bytes with `tr -d '\\000'`"
        )
    try:
        text = content.decode(coding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{name}, line {before + _line(content, error.start)}: not UTF-8 ({error.reason});"
            " convert it, for example with `iconv -t utf-8`"
        ) from error
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if lines[-1] == "" else lines


def _wide_coding(content: bytes) -> str | None:
    """UTF-16 or UTF-32, by its mark, or by every other of the first bytes being NUL."""
    if marked := next((name for mark, name in _MARKED.items() if content.startswith(mark)), None):
        return marked
    start = content[:1000]
    half = len(start) // 2
    for offset, name in ((1, "utf-16le"), (0, "utf-16be")):
        others = start[1 - offset :: 2].count(0)
        if half and start[offset::2].count(0) > 0.8 * half and others < 0.2 * half:
            return name
    return None


def _lone_returns(content: bytes) -> int:
    """Carriage returns that no newline follows, but for one at the end."""
    return content.count(b"\r") - content.count(b"\r\n") - content.endswith(b"\r")


def _line(content: bytes, at: int) -> int:
    return content.count(b"\n", 0, at) + 1
