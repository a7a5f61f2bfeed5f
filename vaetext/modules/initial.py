"""Initial values of parameters."""

from torch import nn


def initialise(model: nn.Module, scale: float) -> None:
    """Samples every parameter from U(-scale, scale); with ``scale`` 0 keeps each layer's default.

    A learned prior is created after this call and keeps its own initial values.
    """
    if scale == 0:
        return
    for parameter in model.parameters():
        nn.init.uniform_(parameter, -scale, scale)
