"""What the sequences of a data set are made of: tokens, real-valued frames, or binary frames.

Whatever depends on it is asked of the domain: what a decoder starts from, how x_t is embedded,
when a sequence ends, what counts as a word, and which output distributions fit.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn


class Domain(ABC):
    """What a model must know of sequences.

    Attributes:
        size: V, types of token, or F, numbers of a frame.
        longest: length of the longest sequence of any split, EOS counted.
        eos: the id that ends a sequence; None where sequences end by their length.
        sentences: how many EOS a whole sequence has: those of a document, or 1.
        kind: in files and messages.
        unit: what a length counts, in messages.
        heads: the output distributions that fit (``model.head``), the default first.
        event: axes of x after K, B and T.
    """

    kind: ClassVar[str]
    unit: ClassVar[str]
    heads: ClassVar[tuple[str, ...]]
    event: ClassVar[int]
    if TYPE_CHECKING:  # fields of the records below

        @property
        def size(self) -> int: ...
        @property
        def longest(self) -> int: ...
        @property
        def eos(self) -> int | None: ...
        @property
        def sentences(self) -> int: ...

    @abstractmethod
    def start(self, like: Tensor, *shape: int) -> Tensor:
        """What a decoder is fed before x_1: [*shape, *event], on the device of ``like``."""

    @abstractmethod
    def embedding(self, features: int, start: bool = False) -> nn.Module:
        """A layer from x [..., *event] to [..., features].

        Args:
            features: of each step.
            start: whether it must embed what ``start`` gives too.
        """

    @abstractmethod
    def ends(self, x: Tensor) -> Tensor:
        """Bool [...]: whether x_t [..., *event] ends its sequence, or a sentence of a document."""

    @abstractmethod
    def drop(self, inputs: Tensor, where: Tensor) -> Tensor:
        """A decoder's ``inputs`` [B, T, ...] without those at ``where`` [B, T] (word dropout)."""

    @abstractmethod
    def padded(self, x: np.ndarray, real: np.ndarray) -> np.ndarray:
        """``x`` [B, T, ...] of a split as a model reads it, with padding where not ``real``."""

    def to_json(self) -> dict[str, Any]:
        """As ``domain.json`` holds it."""
        return {"kind": self.kind, **asdict(self)}  # type: ignore[call-overload]

    @staticmethod
    def from_json(found: dict[str, Any]) -> "Domain":
        """What ``to_json`` gave.

        Raises:
            KeyError, TypeError: it is something else.
        """
        kinds = {each.kind: each for each in (Symbols, Real, Binary)}
        return kinds[found["kind"]](**{key: found[key] for key in found if key != "kind"})


@dataclass(frozen=True)
class Symbols(Domain):
    """Sequences of tokens that end in EOS.

    A document of N sentences has N of them, and ends at the last.

    Attributes:
        size: V, types that can be predicted, EOS among them.
        eos: id of the end of a sequence.
        unk: id of the unknown token.
        longest: most tokens of a sequence in any split, EOS counted.
        sentences: N of a document; the last document of a split may have fewer.
        stop_words: the ids of words that say nothing of a text's topic, ascending.
    """

    size: int
    eos: int
    unk: int
    longest: int
    sentences: int = 1
    stop_words: tuple[int, ...] = ()

    kind = "symbols"
    unit = "tokens with EOS"
    heads = ("softmax",)
    event = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "stop_words", tuple(self.stop_words))  # JSON has lists alone

    @property
    def bos(self) -> int:
        """The id that a decoder is fed first: V, which is never predicted."""
        return self.size

    def start(self, like: Tensor, *shape: int) -> Tensor:
        """BOS, int64."""
        return torch.full(shape, self.bos, device=like.device)

    def embedding(self, features: int, start: bool = False) -> nn.Module:
        """A table of V rows, one more for BOS."""
        return nn.Embedding(self.size + start, features)

    def ends(self, x: Tensor) -> Tensor:
        """At EOS."""
        return x == self.eos

    def drop(self, inputs: Tensor, where: Tensor) -> Tensor:
        """The unknown token in place of every token but BOS."""
        return torch.where(where & (inputs != self.bos), self.unk, inputs)

    def padded(self, x: np.ndarray, real: np.ndarray) -> np.ndarray:
        """[B, T] int64; EOS is the padding."""
        return np.where(real, x, self.eos).astype(np.int64)


class Frames(Domain):
    """Sequences of vectors of F numbers, without EOS: distributions are conditioned on length."""

    unit = "frames"
    event = 1
    eos = None
    sentences = 1

    def start(self, like: Tensor, *shape: int) -> Tensor:
        """Zeros, in the precision of ``like``."""
        return like.new_zeros(*shape, self.size)

    def embedding(self, features: int, start: bool = False) -> nn.Module:
        """A linear map."""
        return nn.Linear(self.size, features)

    def ends(self, x: Tensor) -> Tensor:
        """Nowhere."""
        return torch.zeros(x.shape[:-1], dtype=torch.bool, device=x.device)

    def drop(self, inputs: Tensor, where: Tensor) -> Tensor:
        """Zeros in place of frames."""
        return inputs * ~where[..., None]

    def padded(self, x: np.ndarray, real: np.ndarray) -> np.ndarray:
        """[B, T, F]; zeros are the padding."""
        return np.asarray(x * real[..., None])


@dataclass(frozen=True)
class Real(Frames):
    """Real-valued frames, standardised: curves, speech.

    Attributes:
        size: F, numbers of a frame.
        longest: most frames of a sequence in any split.
    """

    size: int
    longest: int

    kind = "real"
    heads = ("gaussian", "gmm")


@dataclass(frozen=True)
class Binary(Frames):
    """Frames of zeros and ones: piano rolls, the rows of a binary image.

    Attributes:
        size: F, values of a frame.
        longest: most frames of a sequence in any split.
    """

    size: int
    longest: int

    kind = "binary"
    heads = ("bernoulli",)

    def padded(self, x: np.ndarray, real: np.ndarray) -> np.ndarray:
        """[B, T, F]; zeros are the padding. Splits may hold bytes, which become float32."""
        return super().padded(x.astype(np.float32) if x.dtype == np.uint8 else x, real)
