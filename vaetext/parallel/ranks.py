"""The processes that train one model, and what they exchange; one process alone exchanges nothing.

Gradients are added by one sum over all parameters at each optimizer step, and not by
``DistributedDataParallel``. That one averages what each process alone has found, and sends
gradients during the backward pass; a bound, though, is decided by means over the whole batch (free
bits, baselines, batch normalisation), a process may have no sequence of a last batch, and
``trainer.accumulate`` adds up several backward passes. With one sum all of these are exact, and
every process computes what one alone would. What is lost: no gradient is sent while others are
still computed.
"""

import atexit
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
PATIENCE = timedelta(hours=12)  # in which the others wait for one: preparing a corpus may take long


class Ranks:
    """One of ``size`` processes, which call every method in the same order.

    Attributes:
        rank: number of this process, from 0.
        size: how many there are.
        local: number of this process on its machine.
    """

    def __init__(self, rank: int = 0, size: int = 1, local: int = 0) -> None:
        self.rank = rank
        self.size = size
        self.local = local

    @property
    def lead(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def place(self, device: torch.device) -> torch.device:
        """Where a batch is until it is divided."""
        return device if self.size == 1 else torch.device("cpu")

    def total(self, own: Tensor) -> Tensor:
        """The sum over processes; the same bits in each."""
        if self.size == 1:
            return own
        from torch import distributed

        found = own.detach().clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(found)
        return found

    def largest(self, *own: float) -> list[float]:
        """The largest of each number over processes; nobody waits for a GPU."""
        if self.size == 1:
            return list(own)
        from torch import distributed

        found = torch.tensor(own, dtype=torch.float64)
        distributed.all_reduce(found, distributed.ReduceOp.MAX)
        return found.tolist()

    def add_gradients(self, parameters: Sequence[Tensor]) -> None:
        """Has each gradient be its sum over processes; one that no process has stays None."""
        if self.size == 1:
            return
        has = self.largest(*(float(each.grad is not None) for each in parameters))
        trained = [each for each, any_has in zip(parameters, has, strict=True) if any_has]
        for each in trained:
            each.grad = torch.zeros_like(each) if each.grad is None else each.grad
        gradients = [each.grad for each in trained if each.grad is not None]
        flat = self.total(torch.cat([each.flatten() for each in gradients]))
        parts = torch.split(flat, [each.numel() for each in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def copy_lead(self, tensors: Iterable[Tensor]) -> None:
        """Has every process hold the values of the first."""
        if self.size == 1:
            return
        from torch import distributed

        with torch.no_grad():
            for each in tensors:
                distributed.broadcast(each, 0)

    def copy_random(self, device: torch.device) -> None:
        """Has torch's generators go on in every process as in the first.

        They are equal anyway, unless a model draws for its own rows without ``share.drawn``.
        """
        if self.size == 1:
            return
        states = [torch.get_rng_state()]
        if device.type == "cuda":
            states.append(torch.cuda.get_rng_state(device))
        self.copy_lead(states)
        torch.set_rng_state(states[0])
        if device.type == "cuda":
            torch.cuda.set_rng_state(states[1], device)

    def from_lead(self, value: T) -> T:
        """What the first process has."""
        return self.everyone(value)[0]

    def everyone(self, own: T) -> list[T]:
        """What each process has."""
        if self.size == 1:
            return [own]
        from torch import distributed

        found: list[Any] = [None] * self.size
        distributed.all_gather_object(found, own)  # by gloo, with GPUs too
        return found

    def has(self, number: int) -> bool:
        """Whether the item ``number`` of a list is computed here, as every ``size``-th is."""
        return number % self.size == self.rank

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """The first process of each machine goes ahead, as where it prepares a cache."""
        if self.local:
            self.wait()
        yield
        if not self.local:
            self.wait()

    def wait(self) -> None:
        """Waits for all processes."""
        self.largest(0.0)


ALONE = Ranks()


def connect(rank: int, size: int, local: int, place: str, device: torch.device) -> Ranks:
    """Joins the other processes, until this one exits: by gloo on CPUs, by nccl on GPUs.

    Args:
        place: ``env://`` with torch's variables (MASTER_ADDR, MASTER_PORT), or ``file://`` and a
            path on one machine.
        device: of this process.
    """
    from torch import distributed

    on_gpu = device.type == "cuda"
    distributed.init_process_group(
        "cpu:gloo,cuda:nccl" if on_gpu else "gloo",
        init_method=place,
        rank=rank,
        world_size=size,
        timeout=PATIENCE,
    )
    # gloo's threads hold tensors; one that still frees them while Python ends aborts the process
    atexit.register(distributed.destroy_process_group)
    return Ranks(rank, size, local)
