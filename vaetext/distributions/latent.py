"""What a model declares of a latent, and what it drew of it for a batch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from vaetext.distributions.distribution import Distribution


def blank(z: Tensor) -> float:
    """What a path of z holds where no value is given: NaN, or -1 of a discrete latent."""
    return math.nan if z.is_floating_point() else -1


def is_blank(z: Tensor) -> Tensor:
    """Bool like z: where its value is not given."""
    return z.isnan() if z.is_floating_point() else z < 0


@dataclass(frozen=True)
class Latent:
    """One latent variable of a model.

    Attributes:
        name: in tables, options and files.
        q_given: the latents that q(z|x) is conditioned on besides x (its own name: its earlier
            steps).
        p_given: the latents that p(z) is conditioned on.
        per_step: whether it is drawn while x grows, one z_t a step; then it has no prior that
            could be sampled without x.
        discrete: whether a sample has no pathwise gradient.
        values: of a discrete latent, what its indices 0, 1, ... stand for in options and messages;
            empty where it has no such meaning.
        decoded: whether p(x|z) reads it; another shows only in the latents conditioned on it.
    """

    name: str
    q_given: tuple[str, ...] = ()
    p_given: tuple[str, ...] = ()
    per_step: bool = False
    discrete: bool = False
    values: range = range(0)
    decoded: bool = True


@dataclass(frozen=True)
class LatentSample:
    """K posterior samples of one latent for B sequences; log-densities in nats.

    Attributes:
        z: [K, B, *positions, D], or [K, B, *positions] int64 of categorical values.
        q: the posterior that z was drawn from, broadcast against z.
        p: the prior at z's place.
        mask: [K or 1, B, *positions] true (or a weight) where a position counts; None: everywhere.
        positions: what the axes between B and the event are: "position", "step".
    """

    z: Tensor
    q: Distribution
    p: Distribution
    mask: Tensor | None = None
    positions: tuple[str, ...] = ()

    @cached_property
    def log_q(self) -> Tensor:
        """[K, B] log q(z|x), summed over positions."""
        return self._sum(self._masked(self.q.log_prob(self.z)))

    @cached_property
    def log_p(self) -> Tensor:
        """[K, B] log p(z), summed over positions."""
        return self._sum(self._masked(self.p.log_prob(self.z)))

    @cached_property
    def kl(self) -> Tensor:
        """[K, B, *axes] KL(q || p), analytic where it has a closed form, else log q - log p."""
        kl = self.q.kl(self.p)
        if kl is None:
            return self._masked(self.q.log_prob(self.z) - self.p.log_prob(self.z))
        return self._masked(kl.expand(self.z.shape))

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of ``kl`` after K and B; a KL that is sampled jointly has no "dimension"."""
        dimension = ("dimension",) if self.kl.dim() > 2 + len(self.positions) else ()
        return (*self.positions, *dimension)

    @cached_property
    def total_kl(self) -> Tensor:
        """[K, B] nats."""
        return self._sum(self.kl)

    @classmethod
    def cat(cls, parts: Sequence["LatentSample"], dim: int) -> "LatentSample":
        """Samples of successive positions as one; ``dim`` is their axis."""
        q = type(parts[0].q).cat([each.q for each in parts], dim)
        p = type(parts[0].p).cat([each.p for each in parts], dim)
        masks = [each.mask for each in parts if each.mask is not None]
        mask = torch.cat(masks, dim) if masks else None
        z = torch.cat([each.z for each in parts], dim)
        return LatentSample(z, q, p, mask, parts[0].positions)

    def first(self) -> "LatentSample":
        """The first sample alone, the parameters of q and p as large as z."""
        shape = self.z.shape[: 2 + len(self.positions)]

        def cut(tensor: Tensor) -> Tensor:
            return tensor[:1]

        q = self.q.expand(*shape).map(cut)
        p = self.p.expand(*shape).map(cut)
        mask = None if self.mask is None else self.mask[:1]
        return LatentSample(self.z[:1], q, p, mask, self.positions)

    def _masked(self, values: Tensor) -> Tensor:
        """values [K, B, *positions, ...], zero where the mask is."""
        if self.mask is None:
            return values
        more = values.dim() - self.mask.dim()
        return values * self.mask.reshape(*self.mask.shape, *[1] * more)

    @staticmethod
    def _sum(values: Tensor) -> Tensor:
        return values.flatten(2).sum(2) if values.dim() > 2 else values


@dataclass(frozen=True, kw_only=True)
class SummedSample(LatentSample):
    """A sample of many steps of which only the sums are kept; z, q and p are of the last step.

    Attributes:
        sum_q: [K, B] log q(z|x).
        sum_p: [K, B] log p(z).
        step_kl: [K, B, T] nats.
    """

    sum_q: Tensor
    sum_p: Tensor
    step_kl: Tensor

    @cached_property
    def log_q(self) -> Tensor:
        return self.sum_q

    @cached_property
    def log_p(self) -> Tensor:
        return self.sum_p

    @cached_property
    def kl(self) -> Tensor:
        return self.step_kl
