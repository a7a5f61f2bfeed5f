"""What the sequences of a data set are made of: tokens, real-valued frames, or binary frames.

Whatever depends on it is asked of the domain: what a decoder starts from, how x_t is embedded,
when a sequence ends, what counts as a word, and which output distributions fit.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Domain(ABC):
    """The values of one step of a sequence.

    Attributes:
        size: V tokens, or F numbers of a frame.
        longest: most tokens of a sequence in any split, EOS counted, or frames.
        kind: in files.
        unit: what a sequence's length counts, in messages.
        heads: the output distributions that fit (``model.head``), the default first.
        event: axes of x after K, B and T.
        eos: the id that ends a sequence; None where sequences end by their length.
    """

    size: int
    longest: int

    kind: ClassVar[str]
    unit: ClassVar[str]
    heads: ClassVar[tuple[str, ...]]
    event: ClassVar[int] = 1
    if TYPE_CHECKING:

        @property
        def eos(self) -> int | None: ...

    @abstractmethod
    def start(self, like: Tensor, *shape: int) -> Tensor:
        """What a decoder is fed before x_1, [*shape] or [*shape, F], on the device of ``like``."""

    @abstractmethod
    def embedding(self, features: int, start: bool = False) -> nn.Module:
        """[...] or [..., F] -> [..., features]; ``start``: what ``start`` gives can be embedded."""

    def ends(self, x: Tensor) -> Tensor:
        """Whether a drawn x_t ends its sequence, bool of x's shape without the event."""
        shape = x.shape[: x.dim() - self.event]
        return torch.zeros(shape, dtype=torch.bool, device=x.device)

    def is_word(self, x: Tensor) -> Tensor:
        """Where x [B, T, ...] is something an encoder reads: not EOS; bool [B, T]."""
        return ~self.ends(x)

    @abstractmethod
    def dropped(self, inputs: Tensor, chosen: Tensor) -> Tensor:
        """A decoder's inputs [B, T, ...] without those that ``chosen`` [B, T] marks."""

    def to_json(self) -> dict[str, Any]:
        """As ``domain.json`` holds it."""
        return {"kind": self.kind, **asdict(self)}

    @staticmethod
    def from_json(found: dict[str, Any]) -> "Domain":
        """What ``to_json`` gave.

        Raises:
            KeyError, TypeError: it is something else.
        """
        kinds: dict[str, type[Domain]] = {each.kind: each for each in (Symbols, Real, Binary)}
        return kinds[found["kind"]](**{key: found[key] for key in found if key != "kind"})


@dataclass(frozen=True)
class Symbols(Domain):
    """Tokens, EOS at the end of every sequence (a document has several).

    The id that starts a decoder is ``size`` itself: it is never predicted, so that log p(x) sums to
    one over V tokens.

    Attributes:
        eos: id that ends a sequence.
        unk: id of the unknown token.
    """

    eos: int
    unk: int

    kind = "symbols"
    unit = "tokens with EOS"
    heads = ("softmax",)
    event = 0

    @property
    def bos(self) -> int:
        """The id that a decoder is fed first."""
        return self.size

    def start(self, like: Tensor, *shape: int) -> Tensor:
        return torch.full(shape, self.bos, device=like.device)

    def embedding(self, features: int, start: bool = False) -> nn.Module:
        return nn.Embedding(self.size + start, features)

    def ends(self, x: Tensor) -> Tensor:
        return x == self.eos

    def dropped(self, inputs: Tensor, chosen: Tensor) -> Tensor:
        """Chosen inputs are the unknown token; the one that starts a decoder stays."""
        return torch.where(chosen & (inputs != self.bos), self.unk, inputs)


class Frames(Domain, ABC):
    """Vectors of F numbers: no EOS, every distribution is that of x given its length."""

    unit = "frames"
    eos = None

    def start(self, like: Tensor, *shape: int) -> Tensor:
        dtype = like.dtype if like.is_floating_point() else torch.get_default_dtype()
        return torch.zeros(*shape, self.size, device=like.device, dtype=dtype)

    def embedding(self, features: int, start: bool = False) -> nn.Module:
        return nn.Linear(self.size, features)

    def dropped(self, inputs: Tensor, chosen: Tensor) -> Tensor:
        """Chosen inputs are zeros."""
        return inputs * ~chosen[..., None]


@dataclass(frozen=True)
class Real(Frames):
    """Real-valued frames: curves, speech."""

    kind = "real"
    heads = ("gaussian", "gmm")


@dataclass(frozen=True)
class Binary(Frames):
    """Frames of zeros and ones: piano rolls, the rows of a binary image."""

    kind = "binary"
    heads = ("bernoulli",)
