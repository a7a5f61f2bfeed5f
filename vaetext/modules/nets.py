"""Feature networks whose first layer reads several inputs, each as soon as it is known."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian
from vaetext.modules.dropout import Dropout
from vaetext.modules.heads import log_variance


class InputNet(nn.Module):
    """phi_x: x_t -> features, by the embedding of its domain and ReLU layers.

    Args:
        domain: what x is made of.
        units: of every layer, the embedding among them.
        layers: at least one.
        dropout: rate at which features are dropped.
    """

    def __init__(self, domain: Domain, units: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.embedding = domain.embedding(units)
        self.layers = relu_layers(units, layers)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[..., units] of tokens x [...] or frames [..., F]."""
        return self.dropout(self.layers(self.embedding(x)))  # type: ignore[no-any-return]


class Net(nn.Module):
    """ReLU layers over several inputs.

    W [a; b] = W_a a + W_b b: the share of an input in the first layer, ``read``, can be computed as
    soon as that input is known; of x, for all steps at once.

    Args:
        inputs: features of each input.
        units: of every layer.
        layers: at least one.
    """

    def __init__(self, inputs: Sequence[int], units: int, layers: int) -> None:
        super().__init__()
        self.first = nn.ModuleList(
            nn.Linear(size, units, bias=n == 0) for n, size in enumerate(inputs)
        )
        bound = sum(inputs) ** -0.5
        for parameter in self.first.parameters():  # as one layer over all inputs would start
            nn.init.uniform_(parameter, -bound, bound)
        self.layers = relu_layers(units, layers)

    def read(self, n: int, features: Tensor) -> Tensor:
        """[..., units] the share of input ``n`` in the first layer."""
        return self.first[n](features)  # type: ignore[no-any-return]

    def forward(self, read: Tensor) -> Tensor:
        """[..., units] of the sum of what ``read`` gave of each input."""
        return self.layers(read)  # type: ignore[no-any-return]


class GaussianNet(Net):
    """A ``Net`` with N(mean, diag(std^2)) on top, std = softplus + 1e-4 (the floor is ours).

    Args:
        inputs: features of each input.
        units: of every layer.
        layers: at least one.
        latent_dim: D.
    """

    def __init__(self, inputs: Sequence[int], units: int, layers: int, latent_dim: int) -> None:
        super().__init__(inputs, units, layers)
        self.linear = nn.Linear(units, 2 * latent_dim)

    def distribution(self, read: Tensor) -> Gaussian:
        """The Gaussian over [..., D] of the sum of what ``read`` gave of each input."""
        numbers = self.linear(self(read))
        # densities stay in float32 where matrix products run in bf16
        numbers = numbers.to(torch.promote_types(numbers.dtype, torch.float32))
        mean, spread = numbers.chunk(2, -1)
        return Gaussian(mean, log_variance(spread))


def relu_layers(units: int, layers: int) -> nn.Sequential:
    """ReLU, then ``layers`` - 1 linear layers of as many units, each with its ReLU."""
    more = [each for _ in range(layers - 1) for each in (nn.Linear(units, units), nn.ReLU())]
    return nn.Sequential(nn.ReLU(), *more)
