"""Configurations from overrides, without a command line. Imports no torch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from vaetext.config.choices import check_choices
from vaetext.config.errors import explain
from vaetext.config.quoting import quote
from vaetext.config.store import register, typed
from vaetext.config.train import TrainConfig


def compose(
    overrides: Sequence[str] = (), config_dir: str | Path | Sequence[str | Path] = ()
) -> TrainConfig:
    """The configuration of ``vaetext train`` with these overrides, every value checked.

    It may be called any number of times, and inside another application that uses Hydra.

    Args:
        overrides: as on the command line: ``["model=vrae", "data=ptb", "trainer.epochs=3"]``.
        config_dir: a folder, or several, with yaml files of your own, as ``--config-dir`` names.

    Raises:
        ValueError: an override is unknown, of the wrong type or out of range.
    """
    if isinstance(overrides, str):
        raise ValueError(f"overrides={overrides!r}: give a list, as in ['model=vrae']")
    folders = [config_dir] if isinstance(config_dir, (str, Path)) else config_dir
    try:
        node = compose_verb("train", list(overrides), list(map(Path, folders)), hydra=True)
        config = typed(node, TrainConfig)
        check_choices(config, node.hydra.runtime.choices)
        return config
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, OSError, ValueError) as error:
        raise ValueError(explain(error)) from None


def compose_verb(
    verb: str, overrides: list[str], folders: list[Path], hydra: bool = False
) -> DictConfig:
    """A command's configuration as Hydra composes it.

    Args:
        folders: further ones that hold yaml files.
        hydra: also with the part that is Hydra's own.
    """
    register()
    search = ",".join(quote(f"file://{folder.resolve()}") for folder in folders)
    searched = [f"hydra.searchpath=[{search}]"] if folders else []
    with _own_hydra(), initialize_config_module("vaetext.conf", version_base="1.3"):
        return hydra_compose(verb, overrides=[*overrides, *searched], return_hydra_config=hydra)


@contextmanager
def _own_hydra() -> Iterator[None]:
    """Sets aside the Hydra of an application that is running, and puts it back."""
    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        yield
    finally:
        GlobalHydra.instance().hydra = outer
