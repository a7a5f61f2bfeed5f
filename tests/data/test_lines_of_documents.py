"""Documents of consecutive lines, and their stop words, from files to ids and back."""

from pathlib import Path
from typing import Any

import pytest

from vaetext.config.data import DATA, UserText
from vaetext.data import corpora
from vaetext.data.corpora import Corpus
from vaetext.data.documents import Documents
from vaetext.data.tokenizer import EOS, UNK

LINES = [f"the {word} of it" for word in "abcdefg"]


def corpus(folder: Path, lines: list[str] = LINES, **options: Any) -> Corpus:
    for name in ("train", "valid", "test"):
        (folder / name).write_text("\n".join(lines) + "\n")
    paths: Any = {name: str(folder / name) for name in ("train", "valid", "test")}
    return corpora.load(UserText(name="text", **paths, **options))


def test_a_document_holds_consecutive_lines_each_with_its_eos(tmp_path: Path) -> None:
    lines = corpus(tmp_path)
    found = corpus(tmp_path, document=3)
    split, single = found.splits["train"], lines.splits["train"]
    assert len(split) == 3 and split.x.tolist() == single.x.tolist()
    assert split[0].tolist() == [id for n in range(3) for id in single[n]]
    assert split[2].tolist() == single[6].tolist()  # the rest of the split
    assert (lines.domain.sentences, found.domain.sentences) == (1, 3)
    assert found.domain.longest == 15
    assert found.format.counts(split) == {
        "documents": "3",
        "sentences": "7",
        "tokens with EOS": "35",
        "without": "28",
        "mean length with EOS": "11.667",
        "longest without": "12",
        "types": "10",
        "unknown": "0",
    }


def test_documents_of_each_epoch_begin_at_a_drawn_line(tmp_path: Path) -> None:
    lines = corpus(tmp_path).splits["train"]
    train = corpus(tmp_path, document=3, document_shift=True).splits["train"]
    text = list(map(tuple, lines))
    begins = set()
    for epoch in range(30):
        found = train.epoch(0, epoch)
        assert len(found) == len(train) == 3
        begin = text.index(tuple(found[0][: len(text[0])]))
        around = text[begin:] + text[:begin]
        joined = [[n for line in around[k : k + 3] for n in line] for k in (0, 3, 6)]
        assert list(map(list, found)) == joined
        begins.add(begin)
        assert train.epoch(0, epoch).x.tolist() == found.x.tolist()
    assert begins == {0, 1, 2}
    assert list(map(list, train)) == list(map(list, corpus(tmp_path, document=3).splits["train"]))


def test_single_lines_have_no_shift(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="effect with document above 1 only"):
        corpus(tmp_path, document_shift=True)


@pytest.mark.parametrize("kind", ["word", "char", "bpe"])
def test_a_document_is_written_on_one_line_and_read_again(kind: str, tmp_path: Path) -> None:
    lines = [*LINES, "x  y" if kind == "char" else "x y"]
    size = {"bpe": 25}.get(kind, 0)
    found = corpus(tmp_path, lines, document=4, tokens=kind, vocab_size=size)
    text = found.format.decode(found.splits["train"][1])
    assert text == " </s> ".join(lines[4:])
    assert found.format.encode(text) == found.splits["train"][1].tolist()
    assert found.format.encode("the a </s>")[-2:] == [EOS, EOS]
    found.format.save(tmp_path / "run" / found.format.file)
    again = Documents.load(tmp_path / "run" / found.format.file)
    assert again == found.format and again.encode(text) == found.format.encode(text)


def test_a_sign_of_a_sentence_end_in_a_text_stays_unknown(tmp_path: Path) -> None:
    found = corpus(tmp_path, ["a b </s> c", "a c"], document=2)
    assert found.splits["train"][0].tolist().count(EOS) == 2
    assert UNK in found.splits["train"][0]


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("text", {"train": "one.txt"}, "split draws the lines of train one by one"),
        ("yelp13", {}, "each line is a review of its own"),
        ("tweets-char", {}, "each line is a tweet of its own"),
    ],
)
def test_lines_that_do_not_follow_one_another_make_no_documents(
    name: str, given: dict[str, str], message: str
) -> None:
    schema: Any = DATA[name]
    with pytest.raises(ValueError, match=f"document=10: .*{message}.*set document=1"):
        schema(name=name, document=10, **given)


def words(found: Corpus) -> set[str]:
    domain: Any = found.domain
    return {found.format.decode([n]) for n in domain.stop_words}


def test_stop_words_are_those_of_the_vocabulary(tmp_path: Path) -> None:
    assert words(corpus(tmp_path)) == {"the", "of", "it", "a"}
    assert words(corpus(tmp_path, stop_words="none")) == set()
    assert words(corpus(tmp_path, tokens="char")) == set()
    # once more, from the cache
    assert words(corpus(tmp_path)) == {"the", "of", "it", "a"}


def test_a_file_of_stop_words_is_read_and_words_outside_the_vocabulary_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "stop.txt"
    path.write_text("the\n\nb\nzebra\n")
    assert words(corpus(tmp_path, stop_words=str(path))) == {"the", "b"}
    assert "1 of 3 words are not in the vocabulary (zebra)" in caplog.text
    path.write_text("c\n")
    assert words(corpus(tmp_path, stop_words=str(path))) == {"c"}


def test_a_useless_file_of_stop_words_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stop.txt"
    path.write_text("zebra\nThe\n")
    with pytest.raises(ValueError, match="none of its 2 lines is a word of the vocabulary"):
        corpus(tmp_path, stop_words=str(path))
    with pytest.raises(ValueError, match="tokens=char has no words to look up"):
        corpus(tmp_path, stop_words=str(path), tokens="char")
    path.write_text("\n")
    with pytest.raises(ValueError, match="the file is empty"):
        corpus(tmp_path, stop_words=str(path))
    with pytest.raises(ValueError, match=r"stop_words=missing\.txt: no such file.*english or none"):
        corpus(tmp_path, stop_words="missing.txt")
