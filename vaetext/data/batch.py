"""What a model sees: a batch of sequences, padded to the longest."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from vaetext.data.domain import Domain
from vaetext.parallel.share import drawn


@dataclass(frozen=True)
class Batch:
    """B sequences x_1..x_T of tokens, with x_T = EOS (a document has more of them), or of frames.

    Attributes:
        x: [B, T] int64, the tokens with EOS, or [B, T, F] real, the frames; past a sequence's end
            it holds EOS or zeros, which are masked everywhere.
        lengths: [B] int64, tokens with EOS, or frames.
        index: [B] int64, each sequence's number in its split (evaluation noise is keyed by it).
        domain: what x is made of.
        starts: [B] bool, of segments: true where a row begins a new recording; None: everywhere.
    """

    x: Tensor
    lengths: Tensor
    index: Tensor
    domain: Domain
    starts: Tensor | None = None

    @cached_property
    def mask(self) -> Tensor:
        """[B, T] bool: true where x is not padding, EOS included."""
        return self._before(self.lengths)

    @cached_property
    def word_mask(self) -> Tensor:
        """[B, T] bool: true where x is neither padding nor EOS."""
        return self.mask & ~self.domain.ends(self.x)

    @cached_property
    def encoder_mask(self) -> Tensor:
        """[B, T] bool: true at the steps that encoders read: all but the EOS that ends a sequence.

        The other EOS tokens of a document are read, as ends of its sentences.
        """
        ends = self.domain.ends(self.x) & ~self._before(self.lengths - 1)
        return self.mask & ~ends

    @cached_property
    def begins(self) -> Tensor:
        """[B] bool: whether a row begins a new recording."""
        everywhere = torch.ones(len(self), dtype=torch.bool, device=self.x.device)
        return everywhere if self.starts is None else self.starts

    @cached_property
    def inputs(self) -> Tensor:
        """Like x: what a teacher-forced decoder reads: BOS or zeros, x_1, ..., x_{T-1}."""
        return torch.cat([self.domain.start(self.x, len(self), 1), self.x[:, :-1]], 1)

    @cached_property
    def real_indices(self) -> Tensor:
        """[N] int64: where the flattened [B * T] is not padding, EOS included."""
        return self.mask.flatten().nonzero()[:, 0]

    def with_word_dropout(self, rate: float) -> "Batch":
        """The same targets, each of the decoder's inputs dropped with probability ``rate``.

        The unknown token (of frames: zeros) takes its place; BOS is kept (Bowman et al. 2016).
        """
        dropped = drawn(torch.rand, self.x.shape[:2], device=self.x.device) < rate
        inputs = self.domain.drop(self.inputs, dropped)
        return replace(self)._with(real_indices=self.real_indices, inputs=inputs)

    def rows(self, some: slice) -> "Batch":
        """Some of its sequences, padded as all of them are."""
        starts = None if self.starts is None else self.starts[some]
        return Batch(self.x[some], self.lengths[some], self.index[some], self.domain, starts)

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device.

        What depends on sizes is computed before the batch moves, so no step waits for the device.
        """
        if device == self.x.device:
            return self
        moved = {
            name: getattr(self, name).to(device, non_blocking=True)
            for name in ("x", "lengths", "index", "real_indices", "starts")
            if getattr(self, name) is not None
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
