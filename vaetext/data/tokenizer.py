"""From lines to ids and back, with a sentencepiece model; lossless but for unknown tokens."""

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any, Self

import numpy as np
import sentencepiece

from vaetext.data.atomic import atomic_write
from vaetext.data.domain import Symbols
from vaetext.data.format import Format
from vaetext.data.lines import Sentences, sample
from vaetext.data.loader import LARGE, Split

UNK, EOS = 0, 1
SAMPLE = LARGE  # most lines that sentencepiece learns from; it holds them in memory
SPACE = "\u2581"  # sentencepiece's sign for a space
MARKS = ("<unk>", "</s>")  # words that are written for unknown and EOS
UNKNOWN = "\u2585"  # sentencepiece's sign for an unknown piece
# characters that sentencepiece keeps for itself; here they are unknown
RESERVED = {SPACE, UNKNOWN, "\x00", "\x1f"}


class Tokenizer(Format):
    """Ids 0..V-1 of what can be predicted: unknown, EOS, then the types by falling frequency.

    Args:
        model: a serialised sentencepiece model.
    """

    file = "tokenizer.model"
    unk = UNK
    eos = EOS

    def __init__(self, model: bytes) -> None:
        self.model = model
        self._pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
        self.size: int = self._pieces.get_piece_size()

    @cached_property
    def pieces(self) -> list[str]:
        """The types by id, as sentencepiece writes them."""
        return [self._pieces.id_to_piece(n) for n in range(self.size)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self.pieces[2:] == other.pieces[2:]

    __hash__ = None  # type: ignore[assignment]

    def domain(self, longest: int) -> Symbols:
        """What a model must know of sequences of at most ``longest`` tokens, EOS counted."""
        return Symbols(self.size, EOS, UNK, longest)

    @property
    def description(self) -> str:
        """In words, for ``vaetext data``."""
        return f"{self.size:,} types with EOS and unknown, by {self.kind}"

    def counts(self, split: Split) -> dict[str, str]:
        """Column -> figure of a split, for ``vaetext data``."""
        tokens = len(split.x)
        words = longest = unknown = 0
        seen = np.zeros(self.size, dtype=bool)
        for part in split.parts():
            count = np.add.reduceat((part.x != EOS).astype(np.int64), part.offsets[:-1])
            words += int(count.sum())
            longest = max(longest, int(count.max()))
            unknown += int((part.x == UNK).sum())
            seen[part.x] = True
        seen[EOS] = False
        return {
            "sequences": f"{len(split):,}",
            "tokens with EOS": f"{tokens:,}",
            "without": f"{words:,}",
            "mean length with EOS": f"{tokens / len(split):.3f}",
            "longest without": f"{longest:,}",
            "types": f"{int(seen.sum()):,}",
            "unknown": f"{unknown:,}",
        }

    @cached_property
    def kind(self) -> str:
        """What a token is: word, char, or subword (bpe and unigram)."""
        types = [piece for n, piece in enumerate(self.pieces) if n not in (UNK, EOS)]
        if all(piece.startswith(SPACE) and len(piece) > 1 for piece in types):
            return "word"
        return "char" if all(len(piece) == 1 for piece in types) else "subword"

    @cached_property
    def _ids(self) -> dict[str, int]:
        bare = (
            piece.removeprefix(SPACE) if self.kind == "word" else piece.replace(SPACE, " ")
            for piece in self.pieces
        )
        return {piece: n for n, piece in enumerate(bare) if n not in (UNK, EOS)}

    def encode(self, line: str) -> list[int]:
        """The ids of one line, EOS at their end."""
        return self.encode_all([line])[0]

    def encode_all(self, lines: list[str]) -> list[list[int]]:
        """The ids of many lines, EOS at the end of each.

        Words and characters are looked up one by one, as sentencepiece would merge neighbouring
        unknown ones into one. It does so with the characters that no subword has; these are
        separated again.
        """
        if self.kind == "subword":
            lines = [line.replace(SPACE, UNKNOWN) for line in lines]  # else it would be a space
            return [
                [*(self._separated(line, ids) if UNK in ids else ids), EOS]
                for line, ids in zip(lines, self._pieces.encode(lines), strict=True)
            ]
        ids = self._ids
        tokens = str.split if self.kind == "word" else list
        return [[*(ids.get(token, UNK) for token in tokens(line)), EOS] for line in lines]

    def ids_of(self, words: Iterable[str]) -> list[int]:
        """The ids of those of ``words`` that are types, ascending."""
        return sorted(self._ids[word] for word in words if word in self._ids)

    def canonical(self, sequences: Sequence[list[int]]) -> list[list[int]]:
        """Subwords as the tokenizer splits them: a model may split a text in other ways."""
        if self.kind != "subword":
            return list(sequences)
        return self.encode_all([self.decode(ids) for ids in sequences])

    def _separated(self, line: str, ids: list[int]) -> list[int]:
        """The ids of a line's subwords, one for each unknown character."""
        pieces = self._pieces.encode(line, out_type=str)
        return [
            n
            for n, piece in zip(ids, pieces, strict=True)
            for _ in range(len(piece) if n == UNK else 1)
        ]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids up to EOS; an unknown token is written ``<unk>``."""
        kept = list(takewhile(lambda n: n != EOS, map(int, ids)))
        if self.kind == "word":
            return " ".join(
                "<unk>" if n == UNK else self.pieces[n].removeprefix(SPACE) for n in kept
            )
        if self.kind == "char":
            return "".join(
                "<unk>" if n == UNK else self.pieces[n].replace(SPACE, " ") for n in kept
            )
        return self._pieces.decode(kept)  # type: ignore[no-any-return]

    def save(self, path: Path) -> None:
        """Writes a file that sentencepiece itself reads too."""
        atomic_write(path, self.model)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a saved tokenizer.

        Raises:
            ValueError: the file is missing or not a sentencepiece model.
        """
        if not path.is_file():
            raise ValueError(f"{path}: no such tokenizer; the run folder is incomplete")
        if not (model := path.read_bytes()):  # sentencepiece would take it for no model at all
            raise ValueError(f"{path} is empty; it is not a sentencepiece model")
        try:
            return cls(model)
        except RuntimeError as error:
            raise ValueError(f"{path} is not a sentencepiece model: {error}") from error


def reserved(lines: list[str], kind: str) -> Counter[str]:
    """What of a text becomes unknown since it is reserved: how often each sign occurs, or zero.

    These are sentencepiece's own characters and, among words, ``</s>``; ``<unk>`` says itself that
    it is unknown.
    """
    signs = {f"U+{ord(char):04X}": char for char in sorted(RESERVED)}
    counts = Counter(
        {name: sum(line.count(char) for line in lines) for name, char in signs.items()}
    )
    if kind == "word":
        counts["</s>"] = sum(line.split().count("</s>") for line in lines if "</s>" in line)
        del counts["U+001F"]  # white space
    return counts


def train(lines: Sentences, kind: str, vocab_size: int = 0, min_count: int = 1) -> Tokenizer:
    """A tokenizer of the training lines.

    Words and characters are counted in all lines. Subwords are learned from at most ``SAMPLE``.

    Args:
        kind: word, char, bpe or unigram.
        vocab_size: most types, EOS and unknown included; 0 keeps every word or character.
        min_count: words and characters seen less often are unknown.

    Raises:
        ValueError: there is nothing to learn from, a word is longer than sentencepiece takes, or
            bpe or unigram has no vocab_size, or one too small for the characters.
    """
    if 0 < vocab_size < 3:
        raise ValueError(
            f"data.vocab_size={vocab_size} must be at least 3: EOS, unknown and one type"
        )
    if kind in ("word", "char"):
        model = _train_types(lines, kind, vocab_size, min_count)
        try:
            return Tokenizer(model)
        except RuntimeError as error:
            longest = max((word for line in lines for word in line.split()), key=len)
            raise ValueError(
                f"data.tokens={kind}: the word {longest[:20]!r}... of {len(longest):,} characters"
                f" is too long for sentencepiece ({error});"
                " choose data.tokens=char or bpe, or shorten it"
            ) from error
    if not vocab_size:
        raise ValueError(
            f"data.vocab_size=0: data.tokens={kind} needs a size, such as data.vocab_size=8000"
        )
    clean = [
        "".join(" " if char in RESERVED else char for char in line)
        if RESERVED & set(line)
        else line
        for line in sample(lines, SAMPLE)
    ]
    try:
        return Tokenizer(_train(clean, kind, vocab_size=vocab_size))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].rpartition("] ")[2].partition(" Increase")[0]
        raise ValueError(
            f"data.vocab_size={vocab_size} does not fit this text ({reason or error});"
            " choose a larger one"
        ) from error


def _train_types(lines: Sentences, kind: str, vocab_size: int, min_count: int) -> bytes:
    """A model of words or characters; words are learned from their counts alone, which is fast."""
    counts = Counter(
        token for line in lines for token in (line.split() if kind == "word" else line)
    )
    kept = {
        token: n
        for token, n in counts.items()
        if n >= min_count and token not in MARKS and not RESERVED & set(token)
    }
    if not kept:
        raise ValueError(
            f"data.min_count={min_count} leaves no type of the {len(counts)} in the training"
            " lines; give more text or a smaller count"
        )
    size = min(vocab_size or len(kept) + 2, len(kept) + 2)
    if kind == "word":
        return _train(
            [f"{word}\t{n}" for word, n in kept.items()], kind, vocab_size=size, input_format="tsv"
        )
    return _train(
        _with_all(kept, sample(lines, SAMPLE), len(kept) < len(counts)), kind, vocab_size=size
    )


def _with_all(chars: dict[str, int], lines: list[str], clean: bool) -> list[str]:
    """Lines with each of ``chars`` and, if ``clean``, without any other."""
    if clean:
        lines = ["".join(char for char in line if char in chars) for line in lines]
    missing = set(chars).difference(*lines)
    return [*lines, "".join(each for each in chars if each in missing)] if missing else lines


def _train(lines: list[str], model_type: str, **options: Any) -> bytes:
    """A model that keeps text as it is.

    By default sentencepiece rewrites characters, drops rare ones and skips long lines.
    """
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=buffer,
        model_type=model_type,
        normalization_rule_name="identity",
        character_coverage=1.0,
        hard_vocab_limit=False,
        max_sentence_length=4 * max(map(len, lines)) + 64,
        add_dummy_prefix=model_type != "char",
        remove_extra_whitespaces=model_type == "word",
        unk_surface=" <unk>" if model_type == "word" else "<unk>",
        unk_piece="\u2585unk",  # the letters of <unk> in a text are letters
        eos_piece="\u2585eos",
        unk_id=UNK,
        eos_id=EOS,
        bos_id=-1,
        pad_id=-1,
        minloglevel=2,
        **options,
    )
    return buffer.getvalue()
