"""From a model's name to its class: the package's own files, then the entry points ``vaetext.models``."""

import importlib
from importlib.metadata import entry_points
from importlib.util import find_spec
from pkgutil import iter_modules

from vaetext.config.model import Model
from vaetext.config.options import closest
from vaetext.data.domain import Domain
from vaetext.models.base import SequenceModel

_MODELS: dict[str, type[SequenceModel]] = {}


def register(name: str):  # type: ignore[no-untyped-def]
    """Class decorator: ``@register("vrae")`` in ``models/vrae.py`` makes ``model=vrae`` known."""

    def add(model: type[SequenceModel]) -> type[SequenceModel]:
        _MODELS[name] = model
        return model

    return add


def build(config: Model, domain: Domain) -> SequenceModel:
    """The model that ``config.name`` names, freshly initialised.

    Raises:
        ValueError: no model has that name, or it takes no such data.
    """
    kind = find(config.name)
    if not isinstance(domain, kind.domains):
        taken = ", ".join(each.kind for each in kind.domains)
        raise ValueError(
            f"model={config.name}: it takes {taken} data, and this data set is {domain.kind};"
            " choose another model or data set"
        )
    model = kind(config, domain)  # type: ignore[call-arg, arg-type]
    model.name = config.name
    return model


def find(name: str) -> type[SequenceModel]:
    """The class registered as ``name``.

    Raises:
        ValueError: no model has that name.
    """
    module = f"vaetext.models.{name.replace('-', '_')}"
    if name not in _MODELS and name and find_spec(module):
        importlib.import_module(module)
    plugins = {entry.name: entry for entry in entry_points(group="vaetext.models")}
    if name not in _MODELS and name in plugins:
        _MODELS[name] = plugins[name].load()
    if name not in _MODELS:
        known = sorted({*_own_names(), *plugins})
        raise ValueError(
            f"model.name={name!r} is unknown; known are {', '.join(known)}{closest(name, known)}"
        )
    return _MODELS[name]


def _own_names() -> list[str]:
    package = importlib.import_module("vaetext.models")
    return [
        each.name.replace("_", "-")
        for each in iter_modules(package.__path__)
        if each.name not in ("base", "ladder", "single", "registry")
    ]
