"""Which modules are as in training, and which as in evaluation."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluation(module: nn.Module) -> Iterator[None]:
    """Within, a module and all in it are as in evaluation; afterwards each is as before.

    ``module.train()`` afterwards would change those in it that were as in evaluation before.
    """
    before = [(each, each.training) for each in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for each, training in before:
            each.training = training
