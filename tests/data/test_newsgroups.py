"""Posts of newsgroups: what is stripped of them, against scikit-learn, and where they are found."""

import hashlib
import io
import json
import logging
import lzma
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vaetext.config.data import Newsgroups
from vaetext.data import corpora, newsgroups
from vaetext.data.files import find, quiet
from vaetext.data.newsgroups import LINES, Post, body, post_files, read_posts, words

HEAD = "From: a@b.c\nSubject: Re: cats\n\n"
POSTS = {
    "plain": "The cat sat.\nIt slept.",
    "quoted": "In article <1@x> b writes:\n> The cat sat.\n| no\nYes, I agree.\nbob said: it did",
    "signed": "The cat sat.\n\n--\nBob\n",
    "signed by a blank": "\n\nThe cat sat.\nIt slept.\n   \nBob, Cats Inc.\n\n",
    "quote alone": "> The cat sat.\n",
    "nothing": "\n",
    "blank first": "\nBob",
}


@pytest.mark.parametrize("name", POSTS)
def test_a_body_is_what_scikit_learn_leaves(name: str) -> None:
    theirs: Any = pytest.importorskip("sklearn.datasets._twenty_newsgroups")
    text = HEAD + POSTS[name]
    expected = theirs.strip_newsgroup_header(text)
    expected = theirs.strip_newsgroup_footer(expected)
    expected = theirs.strip_newsgroup_quoting(expected)
    assert body(text).strip() == expected.strip()


def test_a_body_has_no_header_quote_or_signature() -> None:
    assert body(HEAD + POSTS["quoted"]) == "Yes, I agree."
    assert body(HEAD + POSTS["signed"]) == "The cat sat.\n"
    assert body("no headers at all") == ""


def test_words_are_lower_case_and_the_first_ones() -> None:
    text = "It's (the) Cat's 3.14%: <b@c.d>?!\n\tEnd"
    assert words(text, 99) == "it's the cat's 3 . 14 : b c . d ? ! end"
    assert words(text, 3) == "it's the cat's"
    assert words("** -- **", 9) == ""


def post(n: int) -> dict[str, Any]:
    group = "sci.space" if n > 12 else "rec.autos"
    return {"group": group, "id": f"{n:03}", "text": f"{HEAD}Post {n}.\n" if n % 6 else HEAD}


@pytest.fixture
def root(tmp_path: Path, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with 24 posts to train on and 6 of test, as JSON; every sixth is empty."""
    (tmp_path / "20news_bydate").mkdir()
    sums = {}
    for name, numbers in zip(LINES, (range(1, 25), range(1, 7)), strict=True):
        content = "".join(f"{json.dumps(post(n))}\n" for n in numbers).encode()
        sums[name] = hashlib.sha256(content).hexdigest()
        (tmp_path / f"{name}.xz").write_bytes(lzma.compress(content))
    monkeypatch.setattr(newsgroups, "LINES", sums)
    return tmp_path


def load(root: Path, **options: Any) -> corpora.Corpus:
    return corpora.load(Newsgroups(name="20news", root=str(root), **options))


def test_every_tenth_post_is_valid_and_empty_ones_are_left_out(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        corpus = load(root)
    assert "4 of 22 posts of train are empty" in caplog.text
    valid = corpus.splits["valid"]
    assert [corpus.format.decode(valid[n]) for n in range(2)] == ["post <unk> ."] * 2
    assert valid.factors["group"].tolist() == ["rec.autos", "sci.space"]
    assert [len(split) for split in corpus.splits.values()] == [18, 2, 5]
    again = load(root)  # from the cache
    assert again.splits["train"].factors["group"].tolist() == ["rec.autos"] * 9 + ["sci.space"] * 9


def test_only_the_first_tokens_are_kept(root: Path) -> None:
    assert set(load(root, max_tokens=2).splits["train"].lengths.tolist()) == {3}


def test_documents_and_other_files_are_refused(root: Path) -> None:
    with pytest.raises(ValueError, match="document=2: each post is a document of its own"):
        load(root, document=2)
    (root / "20news_bydate/train.jsonl.xz").write_bytes(lzma.compress(b"{}"))
    with pytest.raises(ValueError, match=r"train\.jsonl\.xz: its checksum is"):
        load(root)


def test_without_files_or_a_network_the_error_says_where_to_put_them(
    tmp_path: Path, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = replace(newsgroups.ARCHIVE, url="file:///nowhere")
    monkeypatch.setattr(newsgroups, "ARCHIVE", archive)
    with pytest.raises(ValueError, match=r"is not in .* place it at .*20news-bydate\.tar\.gz"):
        load(tmp_path)


def test_the_archive_holds_the_same_posts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read_posts(post_files(str(root), quiet))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for part, numbers in (("test", range(6, 0, -1)), ("train", range(24, 0, -1))):
            for each in map(post, numbers):
                content = each["text"].encode("latin-1")
                member = tarfile.TarInfo(f"20news-bydate-{part}/{each['group']}/{each['id']}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    for path in (root / "20news_bydate").iterdir():
        path.unlink()
    target = root / f"{newsgroups.ARCHIVE.path}.tar.gz"
    target.write_bytes(buffer.getvalue())
    unpacked = hashlib.sha256(target.read_bytes()).hexdigest()
    monkeypatch.setattr(newsgroups, "ARCHIVE", replace(newsgroups.ARCHIVE, sum=unpacked))
    assert read_posts(post_files(str(root), quiet)) == expected
    target.write_bytes(b"other")
    with pytest.raises(ValueError, match="is not the published archive"):
        load(root)


def test_the_published_posts_have_their_counts(real_data: str, fresh_cache: Path) -> None:
    if not find(next(iter(LINES)), real_data):
        pytest.skip(f"20news_bydate is not in {real_data}")
    corpus = load(Path(real_data), vocab_size=10_000)
    assert [len(split) for split in corpus.splits.values()] == [9_911, 1_097, 7_312]
    assert corpus.domain.size == 10_000
    assert max(int(split.lengths.max()) for split in corpus.splits.values()) == 201
    assert {len(set(split.factors["group"])) for split in corpus.splits.values()} == {20}
    assert isinstance(read_posts(post_files(real_data, quiet))[0][0], Post)
