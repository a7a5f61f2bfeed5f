"""The state of a model between two steps: named tensors, every leaf [K, B, ...]."""

from torch import Tensor, where

State = dict[str, Tensor]


def expand(state: State, samples: int, rows: int) -> State:
    """Leaves [1 or K, 1 or B, ...] as [samples, rows, ...], without a copy."""
    return {name: leaf.expand(samples, rows, *leaf.shape[2:]) for name, leaf in state.items()}


def detach(state: State) -> State:
    """The same values without their gradients, as a next segment starts from them."""
    return {name: leaf.detach() for name, leaf in state.items()}


def rows(state: State, index: Tensor) -> State:
    """The sequences ``index`` of a state."""
    return {name: leaf[:, index] for name, leaf in state.items()}


def choose(mask: Tensor, new: State, old: State) -> State:
    """``new`` where ``mask`` [K, B] is true, ``old`` elsewhere."""
    return {name: where(_like(mask, leaf), new[name], leaf) for name, leaf in old.items()}


def gather(state: State, index: Tensor) -> State:
    """Sample index[k, b] of each sequence b: the ancestors of particles, the parents in a beam.

    Args:
        index: [K', B] int64, numbers of samples.
    """
    return {
        name: leaf.gather(0, _like(index, leaf).expand(*index.shape, *leaf.shape[2:]))
        for name, leaf in state.items()
    }


def _like(index: Tensor, leaf: Tensor) -> Tensor:
    return index.reshape(*index.shape, *[1] * (leaf.dim() - 2))
