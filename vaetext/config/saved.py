"""Configurations that a run folder holds: read as data, never as code."""

from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from vaetext.config.data import DATA
from vaetext.config.errors import explain
from vaetext.config.options import closest
from vaetext.config.quoting import check_plain
from vaetext.config.store import typed
from vaetext.config.train import TrainConfig, models
from vaetext.config.trainer import Trainer

SUM = "# sha256 of the lines below: "


def config_text(config: TrainConfig) -> str:
    """What a run folder saves of its configuration: every value, below a checksum."""
    return with_sum(OmegaConf.to_yaml(OmegaConf.structured(config)))


def with_sum(text: str) -> str:
    """Text below its checksum."""
    return f"{SUM}{sha256(text.encode()).hexdigest()}\n{text}"


def read_config(path: Path) -> TrainConfig:
    """The configuration saved in a run folder, merged into the schemas of this version.

    Raises:
        ValueError: the file is not as it was written, has options or values that this version does
            not know, or refers to other values.
    """
    try:
        return _read_config(path)
    except (OmegaConfBaseException, yaml.YAMLError, ValueError) as error:
        reason = explain(error).splitlines()[0]
    except KeyError as error:
        reason = f"{error.args[0]!r} is unknown or missing"
    except TypeError as error:
        reason = str(error)
    raise ValueError(f"{path} does not fit this version of vaetext: {reason}")


def override_trainer(config: TrainConfig, overrides: dict[str, Any]) -> TrainConfig:
    """``config`` with some options of its trainer replaced.

    Raises:
        ValueError: an unknown option, or a value of the wrong type or out of range.
    """
    known = [item.name for item in fields(Trainer)]
    for key in overrides:
        if key not in known:
            raise ValueError(f"trainer.{key}: no such option{closest(key, known)}")
    check_plain(overrides, "trainer")
    node = OmegaConf.structured(config)
    try:
        node.trainer = OmegaConf.merge(node.trainer, overrides)
    except OmegaConfBaseException as error:
        raise ValueError(f"trainer.{explain(error).removeprefix('trainer.')}") from error
    return typed(node, TrainConfig)


def flat(node: Any, prefix: str = "") -> dict[str, Any]:
    """Full key -> value of nested dictionaries: ``{"a": {"b": 1}}`` -> ``{"a.b": 1}``."""
    if not isinstance(node, dict):
        return {prefix: node}
    found: dict[str, Any] = {}
    for name, child in node.items():
        found |= flat(child, f"{prefix}.{name}" if prefix else str(name))
    return found


def _read_config(path: Path) -> TrainConfig:
    saved = yaml.safe_load(_checked_text(path.read_text()))
    if not isinstance(saved, dict):
        raise ValueError("it is empty or damaged, as if a run was killed early; train it again")
    check_plain(saved)
    name = saved["model"]["name"]
    if name not in models():
        raise ValueError(f"unknown model {name}; install the package that provides it")
    schema = OmegaConf.structured(TrainConfig)
    schema.model = models()[name]
    schema.data = DATA[saved["data"]["name"]]
    schema.trainer = Trainer
    return typed(OmegaConf.merge(schema, saved), TrainConfig)  # type: ignore[arg-type]


def _checked_text(text: str) -> str:
    """The text below its checksum. Raises ValueError where the two do not agree."""
    rest = text.partition("\n")[2]
    if text != with_sum(rest):
        raise ValueError(
            "it is not as it was written (its checksum is missing or another): it is damaged or was"
            " changed; copy it again, or train a new run"
        )
    return rest
