"""Checkpoints: one safetensors file each, written whole or not at all. They hold no code."""

import json
from hashlib import sha256
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

    It holds a checksum of both, and is written under a temporary name, then renamed.

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
    text = json.dumps(state)
    with atomic_path(path) as temporary:
        try:
            metadata = {"state": text, "sha256": _checksum(tensors, text)}
            save_file(tensors, temporary, metadata=metadata)
        except SafetensorError as error:
            raise OSError(
                f"{path} could not be written ({error}); free some space and continue with"
                f" {resuming(path.parents[1])}"
            ) from error


def load(path: Path, device: torch.device) -> tuple[dict[str, Tensors], dict[str, Any]]:
    """The groups and the state of a checkpoint.

    Raises:
        ValueError: the file is missing, is not a checkpoint, or is not as it was written.
    """
    if not path.is_file():
        raise ValueError(
            f"{path}: no such checkpoint; the run may have stopped before its first one (train it"
            " again)"
        )
    groups: dict[str, Tensors] = {}
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata()
            text = metadata["state"]
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no dict)
            state = dict(json.loads(text))
            for key, tensor in tensors.items():
                group, name = key.split(".", 1)
                groups.setdefault(group, {})[name] = tensor.to(device)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is not a checkpoint of vaetext ({error}); copy it again, or train a new run"
        ) from error
    if metadata.get("sha256") != _checksum(tensors, text):
        raise ValueError(
            f"{path} is damaged (its checksum is missing or another); copy it again, or train a new"
            " run"
        )
    return groups, state


def _checksum(tensors: Tensors, state: str) -> str:
    """The SHA-256 of the state and of each tensor's name, type, shape and values."""
    found = sha256(state.encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def load_weights(model: torch.nn.Module, weights: Tensors, source: Path) -> None:
    """Puts a checkpoint's weights into a model.

    Args:
        source: the checkpoint's path, ``<run>/checkpoints/<name>.safetensors``.

    Raises:
        ValueError: names, shapes or types differ, as in a run of another version.
    """
    check_fit(model.state_dict(), weights, source, "weights", "model")
    model.load_state_dict(weights)


def check_fit(own: Tensors, given: Tensors, source: Path, what: str, of: str) -> None:
    """Checks that the tensors of a checkpoint can take the place of others.

    Args:
        own: tensors of this process, of which only names, shapes and types count.
        source: the checkpoint's path, ``<run>/checkpoints/<name>.safetensors``.
        what, of: what they are, for the message.

    Raises:
        ValueError: names, shapes or types differ.
    """
    here = {name: _form(tensor) for name, tensor in own.items()}
    there = {name: _form(tensor) for name, tensor in given.items()}
    wrong = [name for name in {**here, **there} if here.get(name) != there.get(name)]
    if wrong:
        name = wrong[0]
        more = f", and {len(wrong) - 1} more differ" if len(wrong) > 1 else ""
        raise ValueError(
            f"{source}: its {what} do not fit this version's {of}: {name} is"
            f" {there.get(name, 'absent')} there and {here.get(name, 'absent')} here{more};"
            f" {origin(source.parents[1])}"
        )


def _form(tensor: Tensor) -> str:
    kind = "" if tensor.dtype == torch.float32 else f" and type {tensor.dtype}"
    return f"of shape {tuple(tensor.shape)}{kind}"


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> Tensors:
    """An optimizer's state as named tensors: ``<parameter>.<key>``."""
    states = optimizer.state_dict()["state"]
    return {
        f"{n}.{key}": torch.as_tensor(value)
        for n, state in states.items()
        for key, value in state.items()
        if value is not None
    }


def load_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Tensors, source: Path, stepped: bool
) -> None:
    """Puts ``optimizer_tensors`` back.

    Args:
        source: the checkpoint's path.
        stepped: whether steps were done, after which there are such tensors.

    Raises:
        ValueError: names, shapes or types are not those of the parameters' averages.
    """
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    present = {
        name.partition(".")[0] for name in tensors
    }  # a parameter without a gradient has none
    own = {
        f"{number}.{key}": like
        for number, parameter in enumerate(parameters)
        if str(number) in present or (stepped and not present)
        for key, like in _state_like(optimizer, parameter).items()
    }
    check_fit(own, tensors, source, "optimizer's tensors", "optimizer")
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, key = name.split(".", 1)
        state.setdefault(int(number), {})[key] = tensor
    optimizer.load_state_dict(
        {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
    )


def _state_like(optimizer: torch.optim.Optimizer, parameter: Tensor) -> Tensors:
    """Tensors of the names, shapes and types that an optimizer keeps of a parameter."""
    if isinstance(optimizer, torch.optim.SGD):  # without momentum
        return {}
    return {"step": torch.tensor(0.0), "exp_avg": parameter, "exp_avg_sq": parameter}
