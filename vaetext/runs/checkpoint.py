"""Checkpoints: one safetensors file each, written whole or not at all. They hold no code."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vaetext.config.quoting import resuming
from vaetext.data.atomic import atomic_path
from vaetext.runs.folder import origin

Tensors = dict[str, Tensor]


def save(path: Path, groups: dict[str, Tensors], state: dict[str, Any]) -> None:
    """Writes tensors, named ``group.name``, and a JSON ``state`` to one file.

    It is written under a temporary name, then renamed.

    Raises:
        ValueError: a tensor holds a value that is not finite; nothing is written.
        OSError: the disk is full, or the folder cannot be written; the old file stays.
    """
    tensors = {
        f"{group}.{name}": tensor.detach().contiguous()
        for group, named in groups.items()
        for name, tensor in named.items()
    }
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ValueError(
                f"{name} holds values that are not finite: {path.name} keeps what it had; try a"
                " smaller trainer.lr"
            )
    with atomic_path(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={"state": json.dumps(state)})
        except SafetensorError as error:
            raise OSError(
                f"{path} could not be written ({error}); free some space and continue with"
                f" {resuming(path.parents[1])}"
            ) from error


def load(path: Path, device: torch.device) -> tuple[dict[str, Tensors], dict[str, Any]]:
    """The groups and the state of a checkpoint.

    Raises:
        ValueError: the file is missing or is not a checkpoint.
    """
    if not path.is_file():
        raise ValueError(
            f"{path}: no such checkpoint; the run may have stopped before its first one (train it"
            " again)"
        )
    groups: dict[str, Tensors] = {}
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            state = json.loads(file.metadata()["state"])
            for key in file.keys():  # noqa: SIM118 (not a dict)
                group, name = key.split(".", 1)
                groups.setdefault(group, {})[name] = file.get_tensor(key)
    except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} is not a checkpoint of vaetext ({error}); copy it again, or train a new run"
        ) from error
    return groups, state


def load_weights(model: torch.nn.Module, weights: Tensors, source: Path) -> None:
    """Puts a checkpoint's weights into a model.

    Args:
        source: the checkpoint's path, ``<run>/checkpoints/<name>.safetensors``.

    Raises:
        ValueError: names or shapes differ, as in a run of another version.
    """
    own = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    if wrong := [name for name in {**own, **given} if own.get(name) != given.get(name)]:
        name = wrong[0]
        there, here = (
            f"of shape {each[name]}" if name in each else "absent" for each in (given, own)
        )
        more = f", and {len(wrong) - 1} more differ" if len(wrong) > 1 else ""
        raise ValueError(
            f"{source}: its weights do not fit this version's model: {name} is {there} there and"
            f" {here} here{more}; {origin(source.parents[1])}"
        )
    model.load_state_dict(weights)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> Tensors:
    """An optimizer's state as named tensors: ``<parameter>.<key>``."""
    states = optimizer.state_dict()["state"]
    return {
        f"{n}.{key}": torch.as_tensor(value)
        for n, state in states.items()
        for key, value in state.items()
        if value is not None
    }


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: Tensors) -> None:
    """Puts ``optimizer_tensors`` back."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        parameter, key = name.split(".", 1)
        state.setdefault(int(parameter), {})[key] = tensor
    optimizer.load_state_dict(
        {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
    )
