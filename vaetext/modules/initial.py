"""How parameters start."""

from torch import nn


def initialise(model: nn.Module, scale: float) -> None:
    """Draws every parameter from U(-scale, scale); 0 leaves each layer's own law. A learned prior is made later, with its own start."""
    for parameter in model.parameters() if scale else ():
        nn.init.uniform_(parameter, -scale, scale)
