"""Models of other packages, which the entry point ``vaetext.models`` makes known."""

import logging
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

from vaetext.config.model import Model

log = logging.getLogger(__name__)
ENTRY_POINT = "vaetext.models"


def plugins() -> dict[str, EntryPoint]:
    """Model name -> entry point, which loads the model's class."""
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT)}


@cache
def plugin_schemas() -> dict[str, type[Model]]:
    """Model name -> schema, the class's ``Config``; a model without one is left out, and logged."""
    found: dict[str, type[Model]] = {}
    for name, entry in plugins().items():
        try:
            found[name] = _schema(entry)
        except Exception as error:  # a foreign module may do anything when it is imported
            reason = f"{type(error).__name__}: {error}"
            log.warning("model %s of %s is left out: %s", name, entry.value, reason)
    return found


def plugin_folders() -> list[Path]:
    """The folder ``conf`` of each package that brings a model, where it has one."""
    packages = {entry.module.partition(".")[0] for entry in plugins().values()}
    specs = [find_spec(package) for package in sorted(packages)]
    places = [place for spec in specs if spec for place in spec.submodule_search_locations or ()]
    return [folder for place in places if (folder := Path(place) / "conf").is_dir()]


class PluginSearchPath(SearchPathPlugin):
    """Lets Hydra find the options in ``conf`` folders of other packages."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Appends each folder, after our own."""
        for folder in plugin_folders():
            search_path.append(ENTRY_POINT, f"file://{folder}")


def register_search_path() -> None:
    """Makes ``PluginSearchPath`` known to Hydra."""
    Plugins.instance().register(PluginSearchPath)


def _schema(entry: EntryPoint) -> type[Model]:
    schema: Any = entry.load().Config
    if not (isinstance(schema, type) and issubclass(schema, Model)):
        raise TypeError(
            "its Config must be a dataclass that derives from vaetext.config.model.Model"
        )
    return schema
