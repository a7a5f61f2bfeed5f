"""What a model sees: a batch of sequences, padded to the longest."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from vaetext.data.domain import Domain


@dataclass(frozen=True)
class Batch:
    """B sequences x_1..x_T of symbols, with x_T = EOS, or of frames.

    Attributes:
        x: [B, T] int64, the symbols with EOS, or [B, T, F] real, the frames; past a sequence's end EOS or zeros stand, masked everywhere.
        lengths: [B] int64, symbols with EOS counted, or frames.
        index: [B] int64, each sequence's number in its split (evaluation noise is keyed by it).
        domain: what x is made of.
        starts: [B] bool, of segments of longer recordings: true where a row starts a new one; None: everywhere.
    """

    x: Tensor
    lengths: Tensor
    index: Tensor
    domain: Domain
    starts: Tensor | None = None

    @cached_property
    def mask(self) -> Tensor:
        """[B, T] bool: true at real positions, EOS included."""
        return self._before(self.lengths)

    @cached_property
    def word_mask(self) -> Tensor:
        """[B, T] bool: true at real positions, EOS left out."""
        return self.mask & self.domain.is_word(self.x)

    @cached_property
    def words(self) -> Tensor:
        """[B] int64: the positions of ``word_mask`` in each sequence."""
        return self.word_mask.sum(1)

    @cached_property
    def begins(self) -> Tensor:
        """[B] bool: whether a row starts a new recording, as ``starts`` says."""
        everywhere = torch.ones(len(self), dtype=torch.bool, device=self.x.device)
        return everywhere if self.starts is None else self.starts

    @cached_property
    def inputs(self) -> Tensor:
        """Like x: what a teacher-forced decoder is fed, BOS (of frames: zeros), x_1, ..., x_{T-1}."""
        return torch.cat([self.domain.start(self.x, len(self), 1), self.x[:, :-1]], 1)

    @cached_property
    def real_indices(self) -> Tensor:
        """[N] int64: the real positions, EOS included, in the flattened [B * T]."""
        return self.mask.flatten().nonzero()[:, 0]

    def with_word_dropout(self, rate: float) -> "Batch":
        """The same targets, the decoder's inputs replaced by the unknown symbol (frames: by zeros) with probability ``rate``; BOS stays."""
        chosen = torch.rand(self.x.shape[:2], device=self.x.device) < rate
        inputs = self.domain.dropped(self.inputs, chosen)
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
        starts = None if self.starts is None else self.starts.to(device, non_blocking=True)
        return Batch(**moved, domain=self.domain, starts=starts)._with(real_indices=real_indices)

    def _before(self, ends: Tensor) -> Tensor:
        return torch.arange(self.x.shape[1], device=self.x.device) < ends[:, None]

    def _with(self, **cached: Tensor) -> "Batch":
        self.__dict__.update(cached)
        return self

    def __len__(self) -> int:
        return int(self.x.shape[0])
