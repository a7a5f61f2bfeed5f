"""What a model sees: a batch of sequences, padded to the longest."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from vaetext.data.domain import Domain, Symbols


@dataclass(frozen=True)
class Batch:
    """B sequences x_1..x_T of symbols, with x_T = EOS, or of frames.

    Attributes:
        x: [B, T] int64, the symbols with EOS, or [B, T, F] real, the frames; past a sequence's end EOS or zeros stand, masked everywhere.
        lengths: [B] int64, symbols with EOS counted, or frames.
        index: [B] int64, each sequence's number in its split (evaluation noise is keyed by it).
        domain: what x is made of.
    """

    x: Tensor
    lengths: Tensor
    index: Tensor
    domain: Domain

    @cached_property
    def mask(self) -> Tensor:
        """[B, T] bool: true at real positions, EOS included."""
        return self._before(self.lengths)

    @cached_property
    def word_mask(self) -> Tensor:
        """[B, T] bool: true at real positions, EOS left out."""
        return self._before(self.lengths - 1) if isinstance(self.domain, Symbols) else self.mask

    @cached_property
    def inputs(self) -> Tensor:
        """Like x: what a teacher-forced decoder is fed, BOS (of frames: zeros), x_1, ..., x_{T-1}."""
        start = self.domain.bos if isinstance(self.domain, Symbols) else 0.0
        return torch.cat([torch.full_like(self.x[:, :1], start), self.x[:, :-1]], 1)

    @cached_property
    def real_indices(self) -> Tensor:
        """[N] int64: the real positions, EOS included, in the flattened [B * T]."""
        return self.mask.flatten().nonzero()[:, 0]

    def with_word_dropout(self, rate: float) -> "Batch":
        """The same targets, the decoder's inputs replaced by the unknown symbol (frames: by zeros) with probability ``rate``; BOS stays."""
        dropped = torch.rand(self.x.shape[:2], device=self.x.device) < rate
        if isinstance(self.domain, Symbols):
            inputs = torch.where(
                dropped & (self.inputs != self.domain.bos), self.domain.unk, self.inputs
            )
        else:
            inputs = self.inputs * ~dropped[..., None]
        return replace(self)._with(real_indices=self.real_indices, inputs=inputs)

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device; what depends on sizes is computed where the batch is now, so no step waits for the device."""
        if device == self.x.device:
            return self
        moved = {
            name: getattr(self, name).to(device, non_blocking=True)
            for name in ("x", "lengths", "index", "real_indices")
        }
        real_indices = moved.pop("real_indices")
        return Batch(**moved, domain=self.domain)._with(real_indices=real_indices)

    def _before(self, ends: Tensor) -> Tensor:
        return torch.arange(self.x.shape[1], device=self.x.device) < ends[:, None]

    def _with(self, **cached: Tensor) -> "Batch":
        self.__dict__.update(cached)
        return self

    def __len__(self) -> int:
        return int(self.x.shape[0])
