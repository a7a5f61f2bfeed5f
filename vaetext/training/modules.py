"""Modules of a model by the names that options give them: ``encoder``, ``decoder.rnn``."""

from collections.abc import Collection, Iterable, Sequence

from torch import nn

from vaetext.config.options import closest


def within(name: str, module: str) -> bool:
    """Whether a weight of this name belongs to the module."""
    return name == module or name.startswith(f"{module}.")


def of_modules(names: Iterable[str], modules: Sequence[str]) -> list[str]:
    """The names, of weights or modules, that are in ``modules``; all where none is named."""
    return [name for name in names if not modules or any(within(name, each) for each in modules)]


def check_module(module: str, names: Collection[str], whose: str) -> None:
    """Checks that some weight belongs to a module.

    Args:
        names: of all weights.
        whose: what an error begins with: the option, and whose weights these are.

    Raises:
        ValueError: none does; names the modules that there are.
    """
    if not any(within(name, module) for name in names):
        known = list(dict.fromkeys(name.partition(".")[0] for name in names))
        raise ValueError(
            f"{whose} has no module {module}; choose from"
            f" {', '.join(known)}{closest(module, known)}"
        )


def freeze_others(modules: Sequence[str], model: nn.Module) -> None:
    """Gives gradients to the parameters of ``modules`` alone; to all where none is named.

    Raises:
        ValueError: the model lacks one.
    """
    named = dict(model.named_parameters())
    for module in modules:
        check_module(module, named, f"trainer.train_modules={list(modules)}: this model")
    for name in named.keys() - of_modules(named, modules):
        named[name].requires_grad_(False)


def train_modules(modules: Sequence[str], model: nn.Module) -> None:
    """Sets ``modules`` as in training and all others as in evaluation; all where none is named.

    A module that is not trained then computes what it will compute in evaluation: without dropout,
    and with batch normalisation by running statistics, which stay as they are.
    """
    named = dict(model.named_modules())
    trained = set(of_modules(named, modules))
    for name, each in named.items():
        each.training = name in trained
