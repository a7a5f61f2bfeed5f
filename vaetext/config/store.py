"""The schemas of every group for Hydra, and typed configurations from what it composes or a run folder holds."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from vaetext.config.data import DATA
from vaetext.config.model import MODELS, Model
from vaetext.config.options import closest
from vaetext.config.plugins import plugin_schemas, register_search_path
from vaetext.config.train import TrainConfig
from vaetext.config.trainer import Trainer
from vaetext.config.verbs import VERBS, Table

# What a saved string may refer to: a value of the same configuration, or an environment variable. Other resolvers could act.
HARMLESS = re.compile(r"\\\$\{|\$\{(oc\.env:[^${}]*|[\w.-]+)\}")

Config = TypeVar("Config")


def models() -> dict[str, type[Model]]:
    """Model name -> schema: our own, and those of installed packages."""
    return {**plugin_schemas(), **MODELS}


def schemas() -> list[tuple[str, str, type]]:
    """(group, name, schema) of everything that a configuration may be made of."""
    groups: dict[str, dict[str, type]] = {
        "verb": {name: verb.schema for name, verb in VERBS.items()},
        "model": dict(models()),
        "data": dict(DATA),
        "trainer": {"trainer": Trainer},
        "table": {"table": Table},
    }
    return [
        (group, name, schema) for group, named in groups.items() for name, schema in named.items()
    ]


def register() -> None:
    """Makes schemas known to Hydra, as ``schema/<group>/<name>``, and options of other packages."""
    register_search_path()
    for group, name, schema in schemas():
        ConfigStore.instance().store(
            group=f"schema/{group}", name=name, node=schema, provider="vaetext"
        )


def typed(node: DictConfig, schema: type[Config], prefix: str = "") -> Config:
    """The dataclass ``schema`` from a node of its shape, every range checked.

    Raises:
        ValueError: a value is missing, unknown or out of range; the message starts with its full key.
    """
    values: dict[str, Any] = {}
    known = [item.name for item in fields(schema)]  # type: ignore[arg-type]
    for name in (
        str(each) for each in node if each not in (*known, "hydra")
    ):  # "+key=" adds even to a schema
        raise ValueError(f"{prefix}{name}: no such option{closest(name, known)}")
    for item in fields(schema):  # type: ignore[arg-type]
        key = f"{prefix}{item.name}"
        if OmegaConf.is_missing(node, item.name):
            raise ValueError(f"{key} is missing; set {key}=...")
        kind, value = OmegaConf.get_type(node, item.name), node[item.name]
        if isinstance(value, DictConfig) and is_dataclass(kind):
            values[item.name] = typed(value, kind, f"{key}.")
        else:
            values[item.name] = (
                OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
            )
    try:
        return schema(**values)
    except ValueError as error:
        raise ValueError(f"{prefix}{error}") from error


def read_config(path: Path) -> TrainConfig:
    """The configuration saved in a run folder, merged into this version's schemas.

    Raises:
        ValueError: it is no such configuration, holds keys or values that this version does not know, or refers to a resolver.
    """
    try:
        saved = yaml.safe_load(path.read_text())
        if not isinstance(saved, dict):
            raise ValueError(
                "it is empty or damaged, as where a run was killed while it began; train it again"
            )
        _refuse_resolvers(saved)
        schema = OmegaConf.structured(TrainConfig)
        if (name := saved["model"]["name"]) not in models():
            raise ValueError(f"unknown model {name}; install the package that provides it")
        schema.model = models()[name]
        schema.data = DATA[saved["data"]["name"]]
        schema.trainer = Trainer
        return typed(OmegaConf.merge(schema, saved), TrainConfig)  # type: ignore[arg-type]
    except (
        OmegaConfBaseException,
        yaml.YAMLError,
        UnicodeDecodeError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        reason = (
            f"{error.args[0]!r} is unknown or missing"
            if type(error) is KeyError
            else str(error).splitlines()[0]
        )
        key = (
            f"{error.full_key}: "
            if isinstance(error, OmegaConfBaseException) and error.full_key
            else ""
        )
        raise ValueError(f"{path} does not fit this version of vaetext: {key}{reason}") from error


def flat(node: Any, prefix: str = "") -> dict[str, Any]:
    """Full key -> value of nested dictionaries."""
    if not isinstance(node, dict):
        return {prefix: node}
    children = (
        (f"{prefix}.{name}" if prefix else str(name), child) for name, child in node.items()
    )
    return {key: value for name, child in children for key, value in flat(child, name).items()}


def override_trainer(config: TrainConfig, overrides: dict[str, Any]) -> TrainConfig:
    """``config`` with some of its trainer's options replaced.

    Raises:
        ValueError: an unknown option, or a value of the wrong type or range.
    """
    known = [item.name for item in fields(Trainer)]
    for key in overrides:
        if key not in known:
            raise ValueError(f"trainer.{key}: no such option{closest(key, known)}")
    node = OmegaConf.structured(config)
    try:
        node.trainer = OmegaConf.merge(node.trainer, overrides)
    except OmegaConfBaseException as error:
        raise ValueError(
            f"trainer.{str(error.full_key).removeprefix('trainer.')}: {str(error).splitlines()[0]}"
        ) from error
    return typed(node, TrainConfig)


def _refuse_resolvers(value: Any) -> None:
    """A run folder is data: nothing in it may call what this process has registered."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for each in value:
            _refuse_resolvers(each)
    elif isinstance(value, str) and "${" in HARMLESS.sub("", value):
        raise ValueError(f"{value!r} calls a resolver; write the value itself")
