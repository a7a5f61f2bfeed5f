"""Lines that are gone through again and again: of files, of a cut, a part at a time."""

import gzip
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaetext.config.data import UserText
from vaetext.data import contents, corpora, lines, own, tokenizer
from vaetext.data.contents import text_lines
from vaetext.data.lines import CutLines, FileLines, encode, sample
from vaetext.data.loader import SPLITS
from vaetext.data.sentences import repeated

TEXT = [f"w{n % 7} w{n % 3} é{n}" for n in range(500)]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read 50 bytes at a time, cut 60 lines at a time, tokenized 7 lines at a time."""
    monkeypatch.setattr(contents, "BLOCK", 50)
    monkeypatch.setattr(own, "LARGE", 60)
    monkeypatch.setattr(lines, "BLOCK", 7)


def cut(count: int = 500, **options: Any) -> dict[str, list[str]]:
    config = UserText(name="text", train="my.txt", **options)
    return {name: list(CutLines(config, TEXT[:count], name)) for name in SPLITS}


@pytest.mark.usefixtures("small_parts")
def test_lines_of_files_are_those_of_their_whole_content(tmp_path: Path, caplog: Any) -> None:
    content = "\ufeff  " + "\r\n\n \t\u2028\n".join(TEXT) + "\n\u4e2d"
    (tmp_path / "a.txt").write_text(content)
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(content.encode()))
    found = FileLines([tmp_path / "a.txt", tmp_path / "b.txt.gz"])
    for _ in range(2):
        assert list(found) == [*TEXT, "\u4e2d"] * 2
    assert len(found) == 2 * 501
    assert len(found) == 2 * 501
    warnings = [each.getMessage() for each in caplog.records]
    assert warnings == [
        f"{tmp_path / 'a.txt'}: 998 empty lines are left out",
        f"{tmp_path / 'b.txt.gz'}: 998 empty lines are left out",
    ]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one line\n" * 99 + b"b\xff\n", "line 100: not UTF-8"),
        (b"one line\n" * 99 + b"b\0\n", "line 100: it holds a NUL byte"),
        (b"one line\r" * 99, "its lines end in carriage returns alone"),
        (b"one\rline\r\n" * 99 + b"one line\r" * 101 + b"\n", "carriage returns alone"),
        (b"PK\x03\x04" + b"one line\n" * 99, "is a zip archive"),
        (b" \n" * 99, "is empty"),
    ],
)
def test_faulty_files_are_refused_as_if_read_at_once(
    content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        len(FileLines([tmp_path / "a"]))
    if message != "is empty":
        with pytest.raises(ValueError, match=message):
            text_lines(content, "a")


@pytest.mark.usefixtures("small_parts")
def test_parts_are_cut_by_themselves_and_keep_their_order() -> None:
    found = cut(split=[0.5, 0.25, 0.25], split_seed=4)
    assert Counter(chain(*found.values())) == Counter(TEXT)
    assert [len(part) for part in found.values()] == [250, 125, 125]
    for part in found.values():
        assert part == sorted(part, key=TEXT.index)
    for start in range(0, 480, 60):
        inside = set(TEXT[start : start + 60])
        assert [len(inside & set(part)) for part in found.values()] == [30, 15, 15]
    assert found != cut(split=[0.5, 0.25, 0.25], split_seed=5)


def test_few_lines_are_cut_as_one_permutation() -> None:
    order = np.random.default_rng(4).permutation(500)
    expected = [[TEXT[n] for n in sorted(part)] for part in np.split(order, [450, 475])]
    assert list(cut(split_seed=4).values()) == expected


@pytest.mark.usefixtures("small_parts")
def test_a_corpus_is_the_same_however_few_lines_are_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, part in zip(SPLITS, (TEXT[:400], TEXT[390:], [*TEXT[:5], "x"]), strict=True):
        (tmp_path / name).write_text("\n".join(part))
    config = UserText(name="text", **{name: str(tmp_path / name) for name in SPLITS})
    found = []
    for number, block in enumerate((7, 1 << 14)):
        monkeypatch.setattr(lines, "BLOCK", block)
        monkeypatch.setenv("VAETEXT_CACHE", str(tmp_path / f"cache{number}"))
        corpus = corpora.load(config)
        found.append([each.digest for each in corpus.splits.values()])
        again = [corpora.load_split(config, name, corpus.format).digest for name in SPLITS]
        assert found[-1] == again
    assert found[0] == found[1]


def test_lines_of_training_are_counted_in_the_other_splits() -> None:
    train = [f"line {n}" for n in range(100)]
    given = {"train": train, "valid": ["line 3", "line 3", "x"], "test": ["line", "y"]}
    assert list(repeated(given)) == ["2 of 3 lines of valid (66.7 %) are also in train"]
    assert list(repeated({**given, "valid": ["x"]})) == []


def test_a_sample_has_one_line_of_each_part_in_order() -> None:
    assert sample(TEXT, 500) == TEXT
    found = [TEXT.index(line) for line in sample(TEXT, 50)]
    assert [n // 10 for n in found] == list(range(50))
    assert len({n % 10 for n in found}) > 5


@pytest.mark.parametrize("kind", ["char", "bpe", "unigram"])
def test_subwords_are_learned_from_a_sample_and_characters_from_all(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizer, "SAMPLE", 40)
    rare = [chr(0x4E00 + n) for n in range(5)]
    text = [f"the cat {n} sat" for n in range(400)]
    for n, char in enumerate(rare):
        text[50 * n] += char * 3
    learned = tokenizer.train(text, kind, 0 if kind == "char" else 30)
    known = set("".join(learned.pieces[2:]))
    assert known >= set("thecas0123456789")
    if kind == "char":
        assert known >= set(rare)
        assert learned.decode(learned.encode(text[0])) == text[0]


def test_progress_is_reported_of_long_texts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_cache: Path
) -> None:
    path = tmp_path / "my.txt"
    path.write_text("\n".join(TEXT))
    seen: list[tuple[str, int, int | None]] = []
    config = UserText(name="text", train=str(path))
    corpora.load(config, lambda *each: seen.append(each))
    assert not seen
    monkeypatch.setattr(lines, "REPORTED", 100)
    corpora.load(UserText(name="text", train=str(path), min_count=2), lambda *a: seen.append(a))
    assert seen[:3] == [("reading my.txt", n, None) for n in (100, 200, 300)]
    for what in ("learning the tokens", "tokenizing train", "comparing splits"):
        mine = [each for each in seen if each[0] == what]
        assert mine == [(what, n, 450) for n in (100, 200, 300, 400, 450)]


def test_encode_takes_lines_of_any_number(monkeypatch: pytest.MonkeyPatch) -> None:
    learned = tokenizer.train(TEXT, "word")
    whole = encode(learned, TEXT)
    monkeypatch.setattr(lines, "BLOCK", 7)
    assert encode(learned, TEXT).digest == whole.digest
    assert [learned.decode(whole[n]) for n in (0, 499)] == [TEXT[0], TEXT[499]]
