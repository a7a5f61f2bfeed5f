"""What the sequences of a data set are made of: symbols, or frames of real numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Symbols:
    """Sequences of symbols, EOS at their end.

    Attributes:
        size: V, symbols that can be predicted, EOS among them; the id that starts a decoder is ``size`` itself.
        eos: id that ends a sequence.
        unk: id of the unknown symbol.
        longest: most symbols of a sequence in any split, EOS counted.
    """

    size: int
    eos: int
    unk: int
    longest: int

    @property
    def bos(self) -> int:
        """The id fed first to a decoder: never predictable, so log p(x) sums to one over V symbols."""
        return self.size


@dataclass(frozen=True)
class Frames:
    """Sequences of vectors of real numbers: no EOS, every law is that of x given its length.

    Attributes:
        size: F, numbers of a frame.
        longest: most frames of a sequence in any split.
    """

    size: int
    longest: int


Domain = Symbols | Frames
