"""The options of each model, one file a model, as in ``vaetext/models/`` and ``conf/model/``."""

from importlib import import_module
from pkgutil import iter_modules

from vaetext.config.model import Model


def _schema(module: str) -> type[Model]:
    """The schema that is declared in a file of this folder."""
    found = vars(import_module(f"{__name__}.{module}")).values()
    inside = [
        each
        for each in found
        if isinstance(each, type) and issubclass(each, Model) and each.__module__.endswith(module)
    ]
    (schema,) = inside
    return schema


MODELS: dict[str, type[Model]] = {
    each.name.replace("_", "-"): _schema(each.name) for each in iter_modules(__path__)
}
