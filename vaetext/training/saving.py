"""What a checkpoint of training holds besides weights, so that a resumed run is bit-identical."""

from dataclasses import asdict
from pathlib import Path

import torch

from vaetext.models.base import SequenceModel
from vaetext.objectives.objective import Objective
from vaetext.runs import checkpoint
from vaetext.training.state import State


def save_last(
    path: Path,
    model: SequenceModel,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    state: State,
) -> None:
    """Writes weights, running means of the objective, optimizer, random state and ``State``."""
    device = next(model.parameters()).device
    groups = {
        "model": model.state_dict(),
        "objective": objective.state_dict(),
        "optimizer": checkpoint.optimizer_tensors(optimizer),
        "random": {"cpu": torch.get_rng_state()},
    }
    if device.type == "cuda":
        groups["random"]["cuda"] = torch.cuda.get_rng_state(device)
    checkpoint.save(path, groups, asdict(state))


def load_last(
    path: Path, model: SequenceModel, objective: Objective, optimizer: torch.optim.Optimizer
) -> State:
    """Puts back what ``save_last`` wrote, and returns its ``State``.

    Raises:
        ValueError: there is no such checkpoint, or it does not fit the model.
    """
    device = next(model.parameters()).device
    groups, state = checkpoint.load(path, device)
    found = State(**state)
    checkpoint.load_weights(model, groups["model"], path)
    objective.load_state_dict(groups["objective"])
    checkpoint.load_optimizer(optimizer, groups.get("optimizer", {}))  # none before a step
    torch.set_rng_state(groups["random"]["cpu"].cpu())
    if "cuda" in groups["random"] and device.type == "cuda":
        torch.cuda.set_rng_state(groups["random"]["cuda"].cpu(), device)
    return found


def save_best(path: Path, model: SequenceModel, epoch: int, neg_elbo: float) -> None:
    """Writes the weights of the lowest valid -ELBO so far, nats per sequence."""
    state = {"epoch": epoch, "neg_elbo": neg_elbo}
    checkpoint.save(path, {"model": model.state_dict()}, state)
