"""Posts of newsgroups: where they are found, and the words of their bodies."""

import json
import re
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from vaetext.data.files import Remote, Report, digest, find, locate, read_lines

ARCHIVE = Remote(
    "20news_bydate/20news-bydate",
    "https://ndownloader.figshare.com/files/5975967",
    "8f1b2514ca22a5ade8fbb9cfa5727df95fa587f4c87b786e15c759fa66d95610",
    ".tar.gz",
)
LINES = {  # the same posts as JSON, one on each line: file -> checksum of its uncompressed bytes
    "20news_bydate/train.jsonl": "cf71d3e418a6e148a9e9784e700eeddab778ab831eea3302f82d589969f3e41a",
    "20news_bydate/test.jsonl": "695c54bbc4155cf25d0c02fcdda1863a366955b06a040642a225884be47d4d00",
}
MEMBER = re.compile(r"20news-bydate-(train|test)/([^/]+)/([^/]+)$")
QUOTE = re.compile(r"writes in|writes:|wrote:|says:|said:|^In article|^Quoted from|^\||^>")
TOKEN = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[.,;:!?]")


@dataclass(frozen=True)
class Post:
    """A post.

    Attributes:
        group: its newsgroup.
        text: with its headers.
    """

    group: str
    text: str


def post_files(root: str | None, report: Report) -> list[Path]:
    """The two files of JSON where they are found, else the published archive.

    Raises:
        ValueError: they are nowhere, and the archive cannot be fetched.
    """
    found = [path for name in LINES if (path := find(name, root))]
    return found if len(found) == len(LINES) else [locate(ARCHIVE, root, report)]


def read_posts(files: list[Path]) -> tuple[list[Post], list[Post]]:
    """The posts to train on and those of test, in the order of groups and names.

    Raises:
        ValueError: a file is damaged, or not the published one.
    """
    if len(files) == len(LINES):
        train, test = (_from_lines(*each) for each in zip(files, LINES.values(), strict=True))
    else:
        train, test = _from_archive(files[0])
    return train, test


def body(text: str) -> str:
    """A post without headers, signature and quotes, as scikit-learn's ``remove`` leaves it.

    Headers end at the first empty line. A signature is what follows the last line that is empty or
    has hyphens alone. Quotes are lines that begin with > or |, and those that announce them.
    (Pedregosa et al. 2011.)
    """
    lines = text.partition("\n\n")[2].strip().split("\n")
    last = next((n for n in reversed(range(len(lines))) if not lines[n].strip().strip("-")), 0)
    return "\n".join(line for line in lines[: last or None] if not QUOTE.search(line))


def words(text: str, most: int) -> str:
    """The first ``most`` tokens of a text: lower-case words and numbers, and the marks ``.,;:!?``.

    There is a space between tokens; all else is left out.
    """
    found = (each.group() for each in TOKEN.finditer(text.lower()))
    return " ".join(token for _, token in zip(range(most), found, strict=False))


def _from_lines(path: Path, sum: str) -> list[Post]:
    rows = (json.loads(line) for line in read_lines(path, sum))
    return [Post(row["group"], row["text"]) for row in rows]


def _from_archive(path: Path) -> tuple[list[Post], list[Post]]:
    content = path.read_bytes() if path.is_file() else b""
    if digest(content, ARCHIVE.sum) != ARCHIVE.sum:
        raise ValueError(
            f"{path} is not the published archive, 20news-bydate.tar.gz; put that in its place"
        )
    parts: dict[str, dict[tuple[str, str], Post]] = {"train": {}, "test": {}}
    with tarfile.open(fileobj=BytesIO(content)) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file and (found := MEMBER.search(member.name)):
                part, group, name = found.groups()
                parts[part][group, name] = Post(group, file.read().decode("latin-1"))
    train, test = ([part[key] for key in sorted(part)] for part in parts.values())
    return train, test
