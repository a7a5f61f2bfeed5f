"""From a model's name to its class: one of our own, or that of an installed package."""

from importlib import import_module
from typing import Any

from vaetext.config.model import Model
from vaetext.config.models import MODELS
from vaetext.config.options import closest
from vaetext.config.plugins import plugins
from vaetext.data.domain import Domain
from vaetext.models.base import SequenceModel


def build(config: Model, domain: Domain) -> SequenceModel:
    """The model that ``config.name`` names, with initial weights.

    Raises:
        ValueError: no model has that name, or it does not take such data.
    """
    kind = find(config.name)
    if not isinstance(domain, kind.domains):
        taken = ", ".join(each.kind for each in kind.domains)
        raise ValueError(
            f"model={config.name}: it takes data of kind {taken}; this data set is of kind"
            f" {domain.kind}; choose another model or data set"
        )
    model: SequenceModel = kind(config, domain)
    model.name = config.name
    return model


def find(name: str) -> Any:
    """The class of a model.

    Our own model ``hybrid-cnn`` is the class of ``vaetext/models/hybrid_cnn.py`` that has the name
    of its schema; another package's is what its entry point in ``vaetext.models`` loads.

    Raises:
        ValueError: no model has that name.
    """
    if name in MODELS:
        module = import_module(f"vaetext.models.{name.replace('-', '_')}")
        return getattr(module, MODELS[name].__name__)
    others = plugins()
    if name in others:
        return others[name].load()
    known = sorted({*MODELS, *others})
    raise ValueError(
        f"model.name={name!r} is unknown; choose from {', '.join(known)}{closest(name, known)}"
    )
