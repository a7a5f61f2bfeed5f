"""A user's own data in several files: lists and patterns, their order, and where they are found."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaetext.config.data import OwnFrames, Speech, UserText
from vaetext.config.saved import config_text, read_config
from vaetext.data import cache, corpora
from vaetext.data.corpora import Corpus
from vaetext.data.own import named_files
from vaetext.runs.compose import compose
from vaetext.runs.corpus import load_corpus, load_split, relocate_files, write_corpus


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_cache: Path) -> Path:
    """The working folder, with part2, part10 and part1, each of ten lines that name it."""
    (tmp_path / "corpus").mkdir()
    for number in (2, 10, 1):
        path = tmp_path / "corpus" / f"part{number}.txt"
        path.write_text("".join(f"line {n} of p{number}\n" for n in range(10)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def text(train: Any, **options: Any) -> UserText:
    return UserText(name="text", train=train, **options)


def lines(corpus: Corpus, split: str = "train") -> list[str]:
    return [corpus.format.decode(corpus.splits[split][n]) for n in range(len(corpus.splits[split]))]


def test_a_list_keeps_its_order_and_a_pattern_is_sorted_by_number(texts: Path) -> None:
    def names(given: Any) -> list[str]:
        return [each.stem for each in named_files(text(given), "train")]

    assert names("corpus/*.txt") == ["part1", "part2", "part10"]
    assert names(["corpus/part10.txt", "corpus/part?.txt"]) == ["part10", "part1", "part2"]
    assert names(str(texts / "**" / "*.txt")) == ["part1", "part2", "part10"]
    (texts / "corpus" / "part[1].txt").write_text("a name, and no pattern\n")
    assert names("corpus/part[1].txt") == ["part[1]"]


def test_lines_follow_each_other_in_the_order_of_their_files(texts: Path) -> None:
    both = ["corpus/part2.txt", "corpus/part1.txt"]
    corpus = corpora.load(text(both, valid="corpus/part10.txt", test=["corpus/part10.txt"]))
    assert lines(corpus) == [f"line {n} of p{part}" for part in (2, 1) for n in range(10)]
    assert [Path(each).stem for each in corpus.source] == ["part2", "part1", "part10", "part10"]
    assert len(corpus.sums) == 4
    joined = texts / "joined.txt"
    joined.write_text("".join(Path(each).read_text() for each in both))
    last = "corpus/part10.txt"
    one = corpora.load(text("joined.txt", valid=last, test=last))
    assert one.splits["train"].digest == corpus.splits["train"].digest


def test_several_files_are_cut_as_one(texts: Path) -> None:
    corpus = corpora.load(text("corpus/*.txt", split=[0.5, 0.3, 0.2]))
    assert [len(split) for split in corpus.splits.values()] == [15, 9, 6]
    everything = [line for name in corpus.splits for line in lines(corpus, name)]
    assert len(set(everything)) == 30
    for name, split in corpus.splits.items():
        data = text("corpus/*.txt", split=[0.5, 0.3, 0.2])
        assert corpora.load_split(data, name, corpus.format).digest == split.digest


def test_a_change_of_any_file_or_a_new_one_is_read(texts: Path) -> None:
    data = text("corpus/*.txt")
    before = corpora.load(data)
    assert corpora.load(data).splits["train"].digest == before.splits["train"].digest
    (texts / "corpus" / "part2.txt").write_text("other words\n" * 10)
    changed = corpora.load(data)
    assert "other words" in lines(changed)
    (texts / "corpus" / "part3.txt").write_text("more words\n" * 10)
    assert sum(map(len, corpora.load(data).splits.values())) == 40


def test_a_file_that_moves_to_another_split_is_read_there(texts: Path) -> None:
    """The options, and the files in their order, are the same."""
    for name in ("a1", "a2", "b2", "c1"):
        (texts / name).write_text(f"the words of {name}\n")
    data = text("a*", valid="b*", test="c*")
    assert [len(split) for split in corpora.load(data).splits.values()] == [2, 1, 1]
    (texts / "a2").rename(texts / "b1")
    assert [len(split) for split in corpora.load(data).splits.values()] == [1, 2, 1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["corpus/part1.txt", "corpus/part9.txt"], r"data\.train=corpus/part9\.txt: no such file"),
        ("corpus/*.text", r"data\.train=corpus/\*\.text: no file in .* matches it"),
        (["corpus/part1.txt", "corpus/*.txt"], r"part1\.txt is named twice"),
        ([], r"train=\[\]: name a file, or several as in train=\[a\.txt,b\.txt\]"),
        ({"a": 1}, r"train=\{'a': 1\}: name a file"),
        ([["a"]], r"train=\[\['a'\]\]: name a file"),
    ],
)
def test_what_names_no_files_is_refused(given: Any, message: str, texts: Path) -> None:
    with pytest.raises(ValueError, match=message):
        corpora.load(text(given))


def test_recordings_come_from_one_place(texts: Path) -> None:
    (texts / "a").mkdir()
    (texts / "b").mkdir()
    for given in (["a", "b"], "[ab]"):
        with pytest.raises(ValueError, match="recordings come from one folder or archive"):
            corpora.load(Speech(name="speech", train=given))


def test_frames_come_from_several_files(texts: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {f"{n}.npz": rng.normal(size=(4 + n, 2)) for n in (1, 2, 10)}
    for name, array in arrays.items():
        np.savez(texts / name, array)
    data = OwnFrames(name="frames", train="*.npz", valid=["2.npz", "1.npz"], test="1.npz")
    corpus = corpora.load(data)
    assert corpus.splits["train"].lengths.tolist() == [5, 6, 14]
    assert corpus.splits["valid"].lengths.tolist() == [6, 5]
    found = corpora.load_split(data, "valid", corpus.format)
    assert found.digest == corpus.splits["valid"].digest


def test_a_run_finds_its_files_from_another_folder_and_no_others(
    texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = "corpus/part10.txt"
    data = text("corpus/part?.txt", valid=[last], test=last)
    run = texts / "run"
    run.mkdir()
    written = corpora.load(data)
    write_corpus(run, written)
    (texts / "elsewhere").mkdir()
    monkeypatch.chdir(texts / "elsewhere")
    (texts / "corpus" / "part3.txt").write_text("a file that came later\n")
    found = load_corpus(data, run)
    assert {name: split.digest for name, split in found.splits.items()} == {
        name: split.digest for name, split in written.splits.items()
    }
    moved = relocate_files(data, run)
    assert isinstance(moved, UserText)
    assert (len(moved.train), moved.valid) == (2, [str(texts / last)])
    assert moved.test == str(texts / last)
    (texts / "corpus" / "part2.txt").unlink()
    assert load_split(data, run, written.format, "test").digest == written.splits["test"].digest
    with pytest.raises(ValueError, match=r"data\.train=.*part2\.txt: no such file"):
        load_corpus(data, run)


def test_plain_names_are_kept_as_they_were(texts: Path) -> None:
    """The text that a run saves, its record of files, and the key of the cache."""
    last = "corpus/part10.txt"
    data = text("corpus/part1.txt", valid=last, test=last)
    (texts / "run").mkdir()
    write_corpus(texts / "run", corpora.load(data))
    record = json.loads((texts / "run" / "sources.json").read_text())
    assert sorted(record) == ["file_sha256", "files", "sha256"]
    assert cache._key(text("a.txt"), ["0"]) == "text-ee11ef6a1d6a9add"
    config = compose(["data=text", "data.train=a.txt", "data.valid=1", "data.test=true"])
    saved = config_text(config)
    assert "  train: a.txt\n  valid: '1'\n  test: 'True'\n" in saved
    (texts / "config.yaml").write_text(saved)
    assert read_config(texts / "config.yaml") == config


def test_a_list_is_saved_and_read_again(texts: Path) -> None:
    config = compose(["data=text", "data.train=[a.txt,b c.txt]", "data.test='x/*.txt'"])
    assert config.data.train == ["a.txt", "b c.txt"]  # type: ignore[attr-defined]
    (texts / "config.yaml").write_text(config_text(config))
    assert read_config(texts / "config.yaml") == config
