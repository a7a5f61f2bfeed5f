"""The schema of every configuration, made known to Hydra; and typed configurations."""

from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from vaetext.config.data import DATA
from vaetext.config.options import closest
from vaetext.config.plugins import register_search_path
from vaetext.config.table import Table
from vaetext.config.train import models
from vaetext.config.trainer import Trainer
from vaetext.config.verbs import VERBS

Config = TypeVar("Config")


def schemas() -> list[tuple[str, str, type]]:
    """(group, name, schema) of every part of a configuration."""
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
    """The dataclass ``schema`` with the values of a node, each checked.

    Args:
        node: as composed; it may have Hydra's own part.
        prefix: of the keys of this node in messages, such as ``model.``.

    Raises:
        ValueError: a value is missing, unknown or out of range; the message begins with its key.
    """
    items = fields(schema)  # type: ignore[arg-type]
    known = [item.name for item in items]
    for name in map(str, node):
        if name not in (*known, "hydra"):  # "+key=" adds any key
            raise ValueError(f"{prefix}{name}: no such option{closest(name, known)}")
    values = {item.name: _value(node, item.name, prefix) for item in items}
    try:
        return schema(**values)
    except ValueError as error:
        raise ValueError(f"{prefix}{error}") from error


def _value(node: DictConfig, name: str, prefix: str) -> Any:
    """One value of a node: a dataclass, a container or a plain one."""
    key = f"{prefix}{name}"
    if OmegaConf.is_missing(node, name):
        raise ValueError(f"{key} is missing; set {key}=...")
    kind = OmegaConf.get_type(node, name)
    value = node[name]
    if isinstance(value, DictConfig) and is_dataclass(kind):
        return typed(value, kind, f"{key}.")
    if isinstance(value, DictConfig) and is_dataclass(value._metadata.element_type):
        return {each: _value(value, each, f"{key}.") for each in map(str, value)}
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
