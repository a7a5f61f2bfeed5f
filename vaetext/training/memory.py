"""Whether a training step that tries every value of a discrete latent fits into memory."""

import os
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef

from vaetext.data.batch import Batch
from vaetext.distributions.noise import FreshNoise
from vaetext.models.base import SequenceModel
from vaetext.objectives.objective import Objective
from vaetext.training.loop import Training


def check_memory(training: Training) -> None:
    """Checks what ``trainer.estimator=enumerate`` takes.

    The longest sequence is tried, and its memory multiplied by the sequences of a batch.

    Raises:
        ValueError: a step takes more memory than there is.
    """
    objective = training.objective
    if not objective.enumerates:
        return
    size = training.config.batch_size
    longest = training.splits["train"].lengths.argmax()
    batch = training.batch(np.array([longest])).to(training.device)
    each = kept_bytes(training.model, objective, batch)
    there = total_memory(training.device)
    if training.device.type == "cuda":
        there *= training.ranks.size  # a GPU each
    if each * size <= there:
        return
    names = " and ".join(sorted(objective.discrete))
    fitting = int(0.8 * there / each)
    smaller = f"set trainer.batch_size={fitting}, " if fitting else "set "
    raise ValueError(
        f"trainer.estimator=enumerate: a step tries every value of {names} for"
        f" trainer.batch_size={size} sequences, which takes about {each * size / 1e9:,.1f} GB;"
        f" there are {there / 1e9:,.1f} GB: {smaller}fewer values of {names}, or"
        " trainer.estimator=rloo"
    )


def kept_bytes(model: SequenceModel, objective: Objective, batch: Batch) -> int:
    """Bytes that the forward pass of a step keeps for its gradient, weights left out."""
    counted = {_place(each): _reference(each) for each in _weights(model)}
    total = 0

    def count(tensor: Tensor) -> None:  # and keeps nothing, as no gradient will be asked for
        nonlocal total
        known = counted.get(_place(tensor))
        if known is None or known.expired():  # else another tensor has the same memory
            counted[_place(tensor)] = _reference(tensor)
            total += tensor.untyped_storage().nbytes()

    device = batch.x.device
    noise = FreshNoise(objective.config.samples, len(batch), device)
    with (
        torch.random.fork_rng([device] if device.type == "cuda" else []),
        torch.autograd.graph.saved_tensors_hooks(count, lambda nothing: nothing),
    ):
        objective.evidence(model, batch, noise)
    return total


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _reference(tensor: Tensor) -> Any:
    return StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]


def total_memory(device: torch.device) -> int:
    """Bytes of a GPU, or of this machine."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _weights(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]
