"""What every format does alike: files of lines, and sequences written as it would write them."""

from pathlib import Path

import pytest

from tests.data.conftest import Write
from vaetext.data import tokenizer as tokenizers
from vaetext.data.standardizer import Standardizer

LINES = ["low lower lowest", "new newer newest", "wide wider widest"] * 20


def test_a_file_of_lines_is_read_by_every_format(write: Write, tmp_path: Path) -> None:
    write("numbers.txt", "1 2\n\n 3\n")
    found = Standardizer((1.0,), (2.0,)).read(tmp_path / "numbers.txt")
    assert [(name, each.tolist()) for name, each in found] == [
        ("line 1", [[0], [0.5]]),
        ("line 3", [[1]]),
    ]
    write("text.txt", "new\n")
    words = tokenizers.train(LINES, "word")
    assert words.read(tmp_path / "text.txt") == [("line 1", words.encode("new"))]
    with pytest.raises(ValueError, match=r"none\.txt: no such file"):
        words.read(tmp_path / "none.txt")


def test_only_subwords_have_more_than_one_way_to_be_written() -> None:
    subwords = tokenizers.train(LINES, "bpe", 20)
    letters = [n for char in " low" for n in subwords.encode(char)[-2:-1]]
    assert subwords.canonical([[*letters, subwords.eos]]) == [
        subwords.encode(subwords.decode(letters))
    ]
    words = tokenizers.train(LINES, "word")
    assert words.canonical([[5, 1]]) == [[5, 1]]


def test_lines_alone_are_written_by_default() -> None:
    assert tokenizers.train(LINES, "word").files([[5, 1]], "samples") == {}
