"""Whether a training step that tries every value of a discrete latent fits into memory."""

import os

import numpy as np
import torch
from torch import Tensor, nn

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
    each = kept_bytes(training.model, objective, training.batch(np.array([longest])))
    there = total_memory(training.device)
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
    kept: dict[int, Tensor] = {}  # holds the tensors, so that no place is given out twice

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    own = {each.untyped_storage().data_ptr() for each in _weights(model)}
    device = batch.x.device
    noise = FreshNoise(objective.config.samples, len(batch), device)
    with (
        torch.random.fork_rng([device] if device.type == "cuda" else []),
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
    ):
        objective.evidence(model, batch, noise)
    return sum(each.untyped_storage().nbytes() for at, each in kept.items() if at not in own)


def total_memory(device: torch.device) -> int:
    """Bytes of a GPU, or of this machine."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _weights(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]
