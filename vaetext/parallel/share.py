"""The rows of a batch that one of several processes has, and means over all rows.

Inside ``sharing`` every process has some rows of the same batch. ``drawn``, ``mean`` and ``total``
then speak of the whole batch, so that what is written once for a batch holds for a part of it.
Outside, and with one process, they are torch's own functions, bit for bit.

A sum over all rows has in each process the gradient of the process's own rows: added up over
processes, gradients are then those of one process with the whole batch.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaetext.parallel.ranks import Ranks


@dataclass(frozen=True)
class Share:
    """The rows of a batch that this process has.

    A process without one has the first row, which then counts nowhere: so all processes do the
    same steps.

    Attributes:
        ranks: all processes.
        whole: rows of the batch.
    """

    ranks: Ranks
    whole: int

    @property
    def first(self) -> int:
        """The number of the first row."""
        return self.whole * self.ranks.rank // self.ranks.size if self.count else 0

    @property
    def count(self) -> int:
        """How many rows count."""
        before = self.whole * self.ranks.rank // self.ranks.size
        return self.whole * (self.ranks.rank + 1) // self.ranks.size - before

    @property
    def rows(self) -> slice:
        """Of the whole batch, at least one."""
        return slice(self.first, self.first + max(self.count, 1))

    @property
    def length(self) -> int:
        """Rows of this process, one that does not count included."""
        return max(self.count, 1)

    def part(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """This process's rows of tensors [K, B, ...]."""
        return {name: leaf[:, self.rows] for name, leaf in state.items()}

    def gathered(self, own: Tensor, axis: int) -> Tensor:
        """A tensor of all rows, on an axis, from those of each process."""
        shape = list(own.shape)
        shape[axis] = self.whole
        found = own.new_zeros(shape)
        if self.count:
            found.narrow(axis, self.first, self.count).copy_(own)
        return self.ranks.total(found)


_shares: list[Share] = []


def current() -> Share | None:
    """What this process has of the batch that is computed; None: all of it."""
    return _shares[-1] if _shares else None


@contextmanager
def sharing(ranks: Ranks, rows: int) -> Iterator[Share | None]:
    """Divides a batch of ``rows`` among processes; nothing changes for one alone."""
    if ranks.size == 1:
        yield None
        return
    _shares.append(Share(ranks, rows))
    try:
        yield _shares[-1]
    finally:
        _shares.pop()


def drawn(draw: Callable[..., Tensor], shape: Sequence[int], axis: int = 0, **where: Any) -> Tensor:
    """``draw(shape)``, of which each process draws all rows and takes its own.

    Args:
        draw: ``torch.rand``, say.
        shape: of this process's rows.
        axis: of the rows, or of several times as many, times first.
        where: device and dtype.
    """
    share = current()
    if share is None or shape[axis] % share.length:
        return draw(tuple(shape), **where)
    times = shape[axis] // share.length
    whole = draw((*shape[:axis], times, share.whole, *shape[axis + 1 :]), **where)
    return whole.narrow(axis + 1, share.first, share.length).reshape(tuple(shape))


def mean(terms: Tensor) -> Tensor:
    """The mean of terms [..., B] over all rows of the batch."""
    share = current()
    if share is None:
        return terms.mean()
    return _sum(terms.mean() * (share.count / share.whole), share)


def total(own: Tensor) -> Tensor:
    """A sum over this process's rows, over all rows of the batch."""
    share = current()
    return own if share is None else _sum(own, share)


def size(own: int) -> int:
    """How many the whole batch has of what the rows of this process have ``own``, each as many."""
    share = current()
    return own if share is None else own // share.length * share.whole


def largest(own: int) -> int:
    """The largest of what the processes have: how often all of them repeat what draws, say."""
    share = current()
    return own if share is None else int(share.ranks.largest(own)[0])


def synchronised(own: Tensor) -> Tensor:
    """Like ``total``, where every process goes on to compute its rows with the sum.

    Its gradient is that of all rows of the batch, as batch normalisation needs.
    """
    share = current()
    return own if share is None else _sum(own, share, synchronised=True)


def _sum(own: Tensor, share: Share, synchronised: bool = False) -> Tensor:
    counted = own if share.count else own * 0
    found: Tensor = _Sum.apply(counted, share.ranks, synchronised)  # type: ignore[no-untyped-call]
    return found


class _Sum(torch.autograd.Function):
    """A sum over processes: the same bits in each.

    The gradient of this process's term is that of the sum here, or, where every process reads the
    sum for rows of its own, the sum of those gradients.
    """

    @staticmethod
    def forward(ctx: Any, own: Tensor, ranks: Ranks, synchronised: bool) -> Tensor:
        ctx.ranks = ranks
        ctx.synchronised = synchronised
        return ranks.total(own)

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor, None, None]:
        found = ctx.ranks.total(gradient[0]) if ctx.synchronised else gradient[0]
        return found, None, None
