"""A line of ``metrics.jsonl``: JSON whose last value is a checksum of all before it. No torch."""

import json
from typing import Any
from zlib import crc32

SUM = "crc32"


def write_line(values: dict[str, Any]) -> bytes:
    """A line of metrics, its end included."""
    return _with_sum(json.dumps(values)[:-1].encode()) + b"\n"


def read_line(line: bytes) -> dict[str, Any]:
    """The values that ``write_line`` was given.

    Raises:
        ValueError: the line is not as it was written.
    """
    if line != _with_sum(line.rpartition(b', "')[0]):
        raise ValueError("its checksum is missing or another")
    return {name: value for name, value in json.loads(line).items() if name != SUM}


def _with_sum(text: bytes) -> bytes:
    return b'%s, "%s": "%08x"}' % (text, SUM.encode(), crc32(text))
