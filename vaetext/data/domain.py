"""What the sequences of a data set are made of: tokens, or frames of real numbers."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


class Domain(ABC):
    """What a model must know of sequences, whatever they are made of.

    Attributes:
        size: types of token, or numbers of a frame.
        longest: length of the longest sequence of any split, EOS counted.
    """

    size: int
    longest: int

    @abstractmethod
    def start(self, like: Tensor) -> Tensor:
        """What a decoder is fed before the first step, in the shape of ``like``, a part of x."""

    @abstractmethod
    def drop(self, inputs: Tensor, where: Tensor) -> Tensor:
        """A decoder's ``inputs`` [B, T, ...] without those at ``where`` [B, T] (word dropout)."""

    @abstractmethod
    def without_end(self, lengths: Tensor) -> Tensor:
        """``lengths`` with EOS not counted."""

    @abstractmethod
    def padded(self, x: np.ndarray, real: np.ndarray) -> np.ndarray:
        """``x`` [B, T, ...] of a split as a model reads it, with padding where not ``real``."""


@dataclass(frozen=True)
class Symbols(Domain):
    """Sequences of tokens that end in EOS.

    Attributes:
        size: V, types that can be predicted, EOS among them.
        eos: id of the end of a sequence.
        unk: id of the unknown token.
        longest: most tokens of a sequence in any split, EOS counted.
    """

    size: int
    eos: int
    unk: int
    longest: int

    @property
    def bos(self) -> int:
        """The id that a decoder is fed first: V, which is never predicted."""
        return self.size

    def start(self, like: Tensor) -> Tensor:
        """BOS, int64."""
        return torch.full_like(like, self.bos)

    def drop(self, inputs: Tensor, where: Tensor) -> Tensor:
        """The unknown token in place of every token but BOS."""
        return torch.where(where & (inputs != self.bos), self.unk, inputs)

    def without_end(self, lengths: Tensor) -> Tensor:
        """One token less."""
        return lengths - 1

    def padded(self, x: np.ndarray, real: np.ndarray) -> np.ndarray:
        """[B, T] int64; EOS is the padding."""
        return np.where(real, x, self.eos).astype(np.int64)


@dataclass(frozen=True)
class Frames(Domain):
    """Sequences of vectors of real numbers, without EOS: distributions are conditioned on length.

    Attributes:
        size: F, numbers of a frame.
        longest: most frames of a sequence in any split.
    """

    size: int
    longest: int

    def start(self, like: Tensor) -> Tensor:
        """Zeros."""
        return torch.zeros_like(like)

    def drop(self, inputs: Tensor, where: Tensor) -> Tensor:
        """Zeros in place of frames."""
        return inputs * ~where[..., None]

    def without_end(self, lengths: Tensor) -> Tensor:
        """The lengths themselves."""
        return lengths

    def padded(self, x: np.ndarray, real: np.ndarray) -> np.ndarray:
        """[B, T, F]; zeros are the padding."""
        return np.asarray(x * real[..., None])
