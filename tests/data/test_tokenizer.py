"""Tokenizers: lossless, ordered by frequency, and equal to sentencepiece's own."""

from collections import Counter
from pathlib import Path

import pytest
import sentencepiece

from vaetext.data import tokenizer as tokenizers
from vaetext.data.tokenizer import EOS, UNK, Tokenizer

LINES = ["the cat saw the dog", "the dog saw é漢😀 , the end", "<unk> of the N 's"] * 3 + [
    "a rare word"
]
STRANGE = "ab \tc\u00a0d é漢😀\x01\u2028<unk></s>\\\"'\u0301"


def test_words_are_ordered_by_frequency_and_unk_in_a_text_is_the_unknown_token() -> None:
    words = tokenizers.train(LINES, "word")
    assert words.kind == "word"
    assert words.pieces[2] == "▁the"
    assert words.size == len({word for line in LINES for word in line.split()} - {"<unk>"}) + 2
    assert words.encode("<unk> the nonsense the") == [UNK, 2, UNK, 2, EOS]
    assert words.decode(words.encode("<unk> of the N 's")) == "<unk> of the N 's"
    assert words.decode([2, EOS, 2]) == "the"


def test_words_are_encoded_as_by_sentencepiece(tmp_path: Path) -> None:
    words = tokenizers.train(LINES, "word")
    words.save(tmp_path / "tokenizer.model")
    own = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "tokenizer.model"))
    for line in [*LINES, "the unseen cat", ""]:
        assert words.encode(line) == [*own.encode(line), EOS]


@pytest.mark.parametrize(("kind", "size"), [("char", 0), ("bpe", 60), ("unigram", 40)])
def test_every_kind_decodes_to_its_training_text(kind: str, size: int) -> None:
    lines = [*LINES, STRANGE, "two  spaces"]
    learned = tokenizers.train(lines, kind, size)
    assert [learned.decode(ids) for ids in learned.encode_all(lines)] == lines
    assert all(ids[-1] == EOS and UNK not in ids for ids in learned.encode_all(lines))
    assert learned.kind == ("char" if kind == "char" else "subword")


def test_characters_are_all_kept_and_others_are_unknown() -> None:
    chars = tokenizers.train([STRANGE], "char")
    assert chars.size == len(set(STRANGE)) + 2
    assert chars.encode("aZ ") == [*chars.encode("a")[:1], UNK, *chars.encode(" ")]


@pytest.mark.parametrize("kind", ["word", "char", "bpe", "unigram"])
def test_a_saved_tokenizer_is_loaded_again(kind: str, tmp_path: Path) -> None:
    learned = tokenizers.train(LINES, kind, 40)
    learned.save(tmp_path / "folder" / "tokenizer.model")
    again = Tokenizer.load(tmp_path / "folder" / "tokenizer.model")
    assert (again.size, again.kind, again.pieces) == (learned.size, learned.kind, learned.pieces)
    assert again.encode_all(LINES) == learned.encode_all(LINES)
    assert tokenizers.train(LINES, kind, 40).model == learned.model


@pytest.mark.parametrize("kind", ["bpe", "unigram", "char"])
def test_the_sign_for_a_space_is_unknown(kind: str) -> None:
    learned = tokenizers.train([*LINES, "the\u2581cat \u2581\u2581"], kind, 40)
    ids = learned.encode("the\u2581cat \u2581\u2581eos")
    assert ids.count(UNK) == 3
    assert ids.index(EOS) == len(ids) - 1
    assert learned.decode(learned.encode("the\u2581cat")) == "the<unk>cat"


def test_reserved_text_is_counted() -> None:
    lines = ["a </s> b </s>", "x</s>\u2581 \x00 \x1f", "<unk>"]
    # comparing counts, those of zero do not matter
    assert tokenizers.reserved(lines, "word") == Counter({"U+0000": 1, "U+2581": 1, "</s>": 2})
    assert tokenizers.reserved(lines, "bpe") == Counter({"U+0000": 1, "U+001F": 1, "U+2581": 1})
    assert tokenizers.reserved(["a b"], "char") == Counter()


def test_any_white_space_separates_words() -> None:
    assert UNK not in tokenizers.train(["a\u00a0b\tc  d"], "word").encode("a b c d")


def test_reserved_characters_are_unknown() -> None:
    for kind in ("word", "char", "bpe"):
        learned = tokenizers.train([*LINES, "the \u2585 x\u2581y"], kind, 40)
        assert learned.encode("the")[-1] == EOS
        assert UNK in learned.encode("the \u2585")


@pytest.mark.parametrize("char", ["\x00", "\x1f"])
def test_control_characters_are_unknown_and_the_rest_is_kept(char: str) -> None:
    lines = [f"ab{char}cd baz", "cd ab"] * 3
    for kind in ("char", "bpe"):
        learned = tokenizers.train(lines, kind, 20)
        assert learned.decode(learned.encode(lines[0])) == "ab<unk>cd baz"
    words = tokenizers.train(lines, "word")
    expected = "<unk> baz" if char == "\x00" else "ab cd baz"  # \x1f is white space
    assert words.decode(words.encode(lines[0])) == expected


def test_words_that_contain_a_mark_are_words() -> None:
    line = "foo<unk>bar a</s>b <unk>pre baz"
    words = tokenizers.train([line], "word")
    assert words.decode(words.encode(line)) == line
    assert UNK not in words.encode(line)
    assert words.encode("<unk> </s>") == [UNK, UNK, EOS]


@pytest.mark.parametrize("kind", ["word", "char", "bpe", "unigram"])
def test_neighbouring_unknown_tokens_are_not_merged(kind: str) -> None:
    learned = tokenizers.train(["the cat sat", "the mat"] * 20, kind, 20)
    ids = learned.encode("漢字漢 the 漢")
    assert ids.count(UNK) == (2 if kind == "word" else 4)
    assert learned.decode(learned.encode("漢 the 漢")) == "<unk> the <unk>"


def test_vocab_size_and_min_count_keep_fewer_types() -> None:
    assert tokenizers.train(LINES, "word", vocab_size=3).pieces[2:] == ["▁the"]
    rare = tokenizers.train(LINES, "word", min_count=2)
    assert rare.encode("a rare word the")[:3] == [UNK] * 3
    assert UNK not in rare.encode("the cat saw")
    assert tokenizers.train(LINES, "bpe", vocab_size=100_000).size < 1000
    assert tokenizers.train(LINES, "char", min_count=2).encode("w")[0] != UNK


def test_a_line_of_100000_words_is_learned_and_encoded() -> None:
    line = " ".join(f"w{n % 997}" for n in range(100_000))
    for kind, size in (("word", 0), ("char", 0), ("bpe", 100)):
        learned = tokenizers.train(["short", line], kind, size)
        assert learned.decode(learned.encode(line)) == line


@pytest.mark.parametrize(
    ("kind", "size", "count", "message"),
    [
        ("bpe", 0, 1, "data.vocab_size=0: data.tokens=bpe needs a size"),
        ("bpe", 10, 1, "data.vocab_size=10 does not fit this text"),
        ("unigram", 10, 1, "data.vocab_size=10 does not fit this text .*; choose a larger one"),
        ("word", 2, 1, "data.vocab_size=2 must be at least 3"),
        ("word", 0, 100, "data.min_count=100 leaves no type"),
    ],
)
def test_what_cannot_be_learned_is_an_error(kind: str, size: int, count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tokenizers.train(LINES, kind, size, count)


def test_a_word_of_9000_characters_needs_characters_or_subwords() -> None:
    lines = [*LINES, "the " + "x" * 9000]
    with pytest.raises(
        ValueError,
        match=r"the word 'x{20}'\.\.\. of 9,000 characters .* choose data\.tokens=char or bpe",
    ):
        tokenizers.train(lines, "word")
    for kind, size in (("char", 0), ("bpe", 40)):
        learned = tokenizers.train(lines, kind, size)
        assert learned.decode(learned.encode(lines[-1])) == lines[-1]


@pytest.mark.parametrize("content", [b"nonsense", b""])
def test_a_file_that_is_not_a_tokenizer_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match="no such tokenizer"):
        Tokenizer.load(tmp_path / "bad.model")
    (tmp_path / "bad.model").write_bytes(content)
    with pytest.raises(ValueError, match="not a sentencepiece model"):
        Tokenizer.load(tmp_path / "bad.model")
