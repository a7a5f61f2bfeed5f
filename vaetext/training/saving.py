"""What a checkpoint of training holds besides weights, so that a resumed run is bit-identical."""

import logging
import math
from dataclasses import asdict
from pathlib import Path

import torch

from vaetext.distributions.state import State as ModelState
from vaetext.models.base import SequenceModel
from vaetext.objectives.multipliers import KINDS
from vaetext.objectives.objective import Objective
from vaetext.runs import checkpoint
from vaetext.training.averages import Averages
from vaetext.training.state import State
from vaetext.training.sums import sum_names

log = logging.getLogger(__name__)


def save_last(
    path: Path,
    model: SequenceModel,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    averages: Averages,
    carried: ModelState,
    state: State,
) -> None:
    """Writes weights, their mean, running means, optimizer, random and carried state, ``State``."""
    device = next(model.parameters()).device
    groups = {
        "model": model.state_dict(),
        "objective": objective.state_dict(),
        "optimizer": checkpoint.optimizer_tensors(optimizer),
        "average": averages.state_dict(),
        "random": {"cpu": torch.get_rng_state()},
        "carried": carried,
    }
    if device.type == "cuda":
        groups["random"]["cuda"] = torch.cuda.get_rng_state(device)
    checkpoint.save(path, groups, {**asdict(state), "optimizer": _kind(optimizer)})


def load_last(
    path: Path,
    model: SequenceModel,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    averages: Averages,
) -> tuple[State, ModelState]:
    """Puts back what ``save_last`` wrote; returns its ``State`` and the model's carried state.

    Raises:
        ValueError: there is no such checkpoint, or it does not fit the model; names the file.
    """
    device = next(model.parameters()).device
    groups, state = checkpoint.load(path, device)
    kind = state.pop("optimizer", None)
    try:
        found = State.of(state)
        _check_sums(found, sum_names(model.latent_names))
    except ValueError as error:
        raise ValueError(f"{path}: {error}; copy it again, or train a new run") from error
    means = groups.get("objective", {})
    _check_means(objective, means, path)
    checkpoint.load_weights(model, groups.get("model", {}), path)
    objective.load_state_dict(means)
    mean = groups.get("average", {})
    checkpoint.check_fit(averages.like(mean), mean, path, "mean weights", "model")
    averages.load_state_dict(mean)
    if kind == _kind(optimizer):
        moments = groups.get("optimizer", {})  # none before a step
        checkpoint.load_optimizer(optimizer, moments, path, stepped=found.step > 0)
    else:
        log.warning("trainer.optimizer has changed: the averages of the new one begin at zero")
    _load_random(groups.get("random", {}), path, device)
    return found, groups.get("carried", {})


def _check_sums(state: State, names: list[str]) -> None:
    for sums in (state.window, state.sums):
        if sums and sums.keys() != set(names):
            raise ValueError(f"its state has sums of {', '.join(sums)}, not of {', '.join(names)}")


def _check_means(objective: Objective, means: checkpoint.Tensors, path: Path) -> None:
    later = {  # the objective makes them at its first batch, a number or one for each part
        name: mean
        for latent in objective.free_bits
        for name in (f"kl_{latent}", *(f"multipliers.{kind}_{latent}" for kind in KINDS))
        if (mean := means.get(name)) is not None and mean.is_floating_point() and mean.dim() < 2
    }
    own = {**later, **objective.state_dict()}
    checkpoint.check_fit(own, means, path, "running means", "objective")


def _kind(optimizer: torch.optim.Optimizer) -> str:
    """Which averages an optimizer keeps; Adam's and AdamW's are the same."""
    return "sgd" if isinstance(optimizer, torch.optim.SGD) else "adam"


def _load_random(states: checkpoint.Tensors, path: Path, device: torch.device) -> None:
    """Puts back random states, that of a GPU where training was and is on one."""
    own = {"cpu": torch.get_rng_state()}
    if device.type == "cuda" and "cuda" in states:
        own["cuda"] = torch.cuda.get_rng_state(device)
    given = {name: states[name].cpu() for name in own if name in states}
    checkpoint.check_fit(own, given, path, "random states", "generators")
    try:
        torch.set_rng_state(given["cpu"])
        if "cuda" in given:
            torch.cuda.set_rng_state(given["cuda"], device)
    except RuntimeError as error:
        raise ValueError(
            f"{path}: its random state is damaged; copy it again, or train a new run"
        ) from error


def save_best(path: Path, model: SequenceModel, epoch: int, name: str, bound: float) -> None:
    """Writes the weights of the lowest bound on valid so far, nats per sequence, and its name."""
    state = {"epoch": epoch, name: bound}
    checkpoint.save(path, {"model": model.state_dict()}, state)


def load_best(path: Path, name: str, device: torch.device) -> tuple[int, float | None]:
    """The epoch and the bound on valid, nats per sequence, of the best checkpoint.

    The bound is None, with a warning, where another one than ``name`` has chosen it.

    Raises:
        ValueError: the file is damaged or another version's; names it.
    """
    _, state = checkpoint.load(path, device)
    epoch = state.get("epoch")
    others = [key for key in state if key not in ("epoch", name)]
    if type(epoch) is int and epoch >= 0 and name not in state and others:
        log.warning(
            "the best weights were chosen by %s: now %s chooses, from the next epoch on",
            others[0],
            name,
        )
        return epoch, None
    bound = state.get(name)
    if type(epoch) is int and epoch >= 0 and type(bound) is float and math.isfinite(bound):
        return epoch, bound
    raise ValueError(
        f"{path} has epoch={epoch!r} and {name}={bound!r}; copy it again, or train a new run"
    )
