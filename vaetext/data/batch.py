"""What a model sees: a batch of symbol sequences, padded to the longest."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Batch:
    """B sequences x_1..x_T with x_T = EOS.

    Attributes:
        tokens: [B, T] int64, the symbols with EOS; positions past a sequence's end hold EOS and are masked everywhere.
        lengths: [B] int64, symbols with EOS counted.
        index: [B] int64, each sequence's number in its split (evaluation noise is keyed by it).
        bos: the id that starts a decoder's input: the vocabulary's size, so it can never be predicted.
    """

    tokens: Tensor
    lengths: Tensor
    index: Tensor
    bos: int

    @cached_property
    def mask(self) -> Tensor:
        """[B, T] bool: true at real positions, EOS included."""
        return torch.arange(self.tokens.shape[1], device=self.tokens.device) < self.lengths[:, None]

    @cached_property
    def inputs(self) -> Tensor:
        """[B, T]: what a teacher-forced decoder is fed, BOS, x_1, ..., x_{T-1}."""
        start = self.tokens.new_full((self.tokens.shape[0], 1), self.bos)
        return torch.cat([start, self.tokens[:, :-1]], 1)

    @cached_property
    def word_mask(self) -> Tensor:
        """[B, T] bool: true at real positions, EOS left out."""
        return torch.arange(self.tokens.shape[1], device=self.tokens.device) < self.lengths[:, None] - 1

    @cached_property
    def positions(self) -> Tensor:
        """[N] int64: the real positions, EOS included, in the flattened [B * T]."""
        return self.mask.flatten().nonzero()[:, 0]

    def fixed(self, length: int, eos: int) -> Tensor:
        """[B, length] int64: the symbols of sequences that are no longer, EOS after each one's end."""
        return nn.functional.pad(self.tokens, (0, length - self.tokens.shape[1]), value=eos)

    def with_word_dropout(self, rate: float, unk: int) -> "Batch":
        """The same targets, the decoder's inputs replaced by ``unk`` with probability ``rate`` (BOS stays)."""
        dropped = torch.rand(self.inputs.shape, device=self.inputs.device) < rate
        inputs = torch.where(dropped & (self.inputs != self.bos), unk, self.inputs)
        return Batch(self.tokens, self.lengths, self.index, self.bos)._with(positions=self.positions, inputs=inputs)

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device, without a wait: what depends on sizes is computed where the batch is now."""
        if device == self.tokens.device:
            return self
        moved = {name: getattr(self, name).to(device, non_blocking=True) for name in ("tokens", "lengths", "index", "positions")}
        positions = moved.pop("positions")
        return Batch(**moved, bos=self.bos)._with(positions=positions)

    def _with(self, **cached: Tensor) -> "Batch":
        self.__dict__.update(cached)
        return self

    def __len__(self) -> int:
        return int(self.tokens.shape[0])
