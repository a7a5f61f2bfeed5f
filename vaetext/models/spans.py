"""What a pass over the steps of a segment is made of, for models with a latent per step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.state import State


@dataclass(frozen=True)
class Encoded:
    """What is known of a segment before any latent is drawn.

    Attributes:
        batch: the segment.
        features: name -> [B, T, *], all that does not depend on z.
        state: before the first step, leaves [K or 1, B, ...].
    """

    batch: Batch
    features: State
    state: State

    @cached_property
    def all_real(self) -> int:
        """Steps before the first row ends; on a GPU, which would have to be waited for, 0."""
        return 0 if self.batch.x.is_cuda else int(self.batch.lengths.min())

    def real(self, t: int) -> Tensor | None:
        """[B] bool: the rows that have a step t; None where all have."""
        return None if t < self.all_real else self.batch.mask[:, t]

    def steps(self) -> list[State]:
        """The features of each step, leaves [B, *]."""
        # unbind, as the gradients of T slices would be T tensors of the whole segment
        unbound = {name: leaf.unbind(1) for name, leaf in self.features.items()}
        names, leaves = unbound.keys(), zip(*unbound.values(), strict=True)
        return [dict(zip(names, each, strict=True)) for each in leaves]


@dataclass(frozen=True)
class Drawn:
    """One step's z_t [K, B, D], with the distributions that were computed to draw it."""

    z: Tensor
    q: Distribution | None = None
    p: Distribution | None = None


# t, state, features of step t -> z_t
Draw = Callable[[int, State, State], Drawn]


class Stacked(dict[str, Tensor]):
    """The states before each of some steps: a leaf is stacked over them where it is first read."""

    def __init__(self, states: Sequence[State]) -> None:
        super().__init__()
        self.states = states

    def __missing__(self, name: str) -> Tensor:
        self[name] = torch.stack([state[name] for state in self.states], 2)
        return self[name]


@dataclass(frozen=True)
class Span:
    """Some steps of a pass over a segment, S of them.

    Attributes:
        batch: these steps alone.
        states: before each step, leaves [K, B, S, ...].
        z: [K, B, S, D].
        read: [K, B, S, *] ``latent_features`` of z.
        features: of x, leaves [B, S, *].
        q: the posteriors of z_t, parameters [K, B, S, D]; None where z was not drawn from them.
        p: its priors; None where no step needed them.
        state: after the last step, or the last real step of a sequence; leaves [K, B, ...].
    """

    batch: Batch
    states: State
    z: Tensor
    read: Tensor
    features: State
    q: Distribution | None
    p: Distribution | None
    state: State

    @classmethod
    def of(
        cls,
        encoded: Encoded,
        begin: int,
        states: Sequence[State],
        drawn: Sequence[Drawn],
        read: Sequence[Tensor],
        state: State,
    ) -> "Span":
        """The steps from ``begin`` on, given one by one.

        Args:
            encoded: the segment.
            begin: number of the first step.
            states: before each step.
            drawn: in each step.
            read: ``latent_features`` of each z_t.
            state: after the last.
        """
        stop = begin + len(drawn)
        batch = encoded.batch
        lengths = (batch.lengths - begin).clamp(0, len(drawn))
        return cls(
            batch=Batch(batch.x[:, begin:stop], lengths, batch.index, batch.domain),
            states=Stacked(states),
            z=torch.stack([each.z for each in drawn], 2),
            read=torch.stack(list(read), 2),
            features={name: leaf[:, begin:stop] for name, leaf in encoded.features.items()},
            q=_stacked([each.q for each in drawn], drawn[0].z),
            p=_stacked([each.p for each in drawn], drawn[0].z),
            state=state,
        )


def _stacked(parts: Sequence[Distribution | None], z: Tensor) -> Distribution | None:
    """The distributions of some steps as one [K, B, S, ...]; None where none is known.

    Args:
        parts: of each step, broadcast against z.
        z: [K, B, D] of a step.
    """
    known = [each.expand(*z.shape[:2]) for each in parts if each is not None]
    return type(known[0]).stack(known, 2) if known else None
