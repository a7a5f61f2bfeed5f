"""vrnn and srnn as plain loops over torch's modules, everything in every step, for comparison."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus


def net(inputs: int, units: int, layers: int, outputs: int = 0) -> nn.Sequential:
    """ReLU layers, and a linear one on top where there are outputs."""
    sizes = [inputs] + [units] * layers
    parts: list[nn.Module] = []
    for one, other in pairwise(sizes):
        parts += [nn.Linear(one, other), nn.ReLU()]
    return nn.Sequential(*parts, nn.Linear(units, outputs)) if outputs else nn.Sequential(*parts)


def gaussian(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation."""
    mean, spread = numbers.chunk(2, -1)
    return mean, softplus(spread) + 1e-4


def log_density(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """[B] log N(x; mean, std^2)."""
    return -(0.5 * ((x - mean) / std) ** 2 + std.log() + 0.5 * math.log(2 * math.pi)).sum(-1)


def divergence(q: tuple[Tensor, Tensor], p: tuple[Tensor, Tensor]) -> Tensor:
    """[B] KL(q || p)."""
    ratio = (q[1] / p[1]) ** 2
    return 0.5 * (((q[0] - p[0]) / p[1]) ** 2 + ratio - 1 - ratio.log()).sum(-1)


class PlainVRNN(nn.Module):
    """The VRNN of ``vaetext/models/vrnn.py``, on frames."""

    def __init__(self, frame: int, hidden: int, units: int, layers: int, latent: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.read_x = net(frame, units, layers)
        self.read_z = net(latent, units, layers)
        self.prior = net(hidden, units, layers, 2 * latent)
        self.posterior = net(units + hidden, units, layers, 2 * latent)
        self.output = net(units + hidden, units, layers, 2 * frame)
        self.cell = nn.LSTMCell(2 * units, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """The mean -ELBO of frames [B, T, F]."""
        h = c = x.new_zeros(len(x), self.hidden)
        bound = x.new_zeros(len(x))
        for x_t in x.unbind(1):
            read = self.read_x(x_t)
            p = gaussian(self.prior(h))
            q = gaussian(self.posterior(torch.cat([read, h], -1)))
            z = self.read_z(q[0] + q[1] * torch.randn_like(q[0]))
            out = gaussian(self.output(torch.cat([z, h], -1)))
            bound = bound + log_density(x_t, *out) - divergence(q, p)
            h, c = self.cell(torch.cat([read, z], -1), (h, c))
        return -bound.mean()


def outputs(cell: nn.Module, inputs: list[Tensor]) -> list[Tensor]:
    """h_1, h_2, ... of a cell that starts from zeros."""
    state = None
    found = []
    for each in inputs:
        state = cell(each, state)
        found.append(state[0] if isinstance(state, tuple) else state)
    return found


class PlainSRNN(nn.Module):
    """The smoothing SRNN of ``vaetext/models/srnn.py``, on frames."""

    def __init__(
        self, frame: int, hidden: int, units: int, layers: int, latent: int, cell: str
    ) -> None:
        super().__init__()
        self.hidden = hidden
        self.latent = latent
        self.read_x = net(frame, units, layers)
        kind = {"lstm": nn.LSTMCell, "gru": nn.GRUCell}[cell]
        self.cell = kind(units, hidden)
        self.backward_cell = kind(hidden + units, hidden)
        self.prior = net(latent + hidden, units, layers, 2 * latent)
        self.posterior = net(latent + hidden, units, layers, 2 * latent)
        self.output = net(latent + hidden, units, layers, 2 * frame)

    def forward(self, x: Tensor) -> Tensor:
        """The mean -ELBO of frames [B, T, F]."""
        read = [self.read_x(x_t) for x_t in x.unbind(1)]
        d = [x.new_zeros(len(x), self.hidden), *outputs(self.cell, read[:-1])]
        both = [torch.cat(each, -1) for each in zip(d, read, strict=True)]
        a = outputs(self.backward_cell, both[::-1])[::-1]
        z = x.new_zeros(len(x), self.latent)
        bound = x.new_zeros(len(x))
        for x_t, d_t, a_t in zip(x.unbind(1), d, a, strict=True):
            p = gaussian(self.prior(torch.cat([z, d_t], -1)))
            delta, std = gaussian(self.posterior(torch.cat([z, a_t], -1)))
            q = (p[0] + delta, std)
            z = q[0] + q[1] * torch.randn_like(q[0])
            out = gaussian(self.output(torch.cat([z, d_t], -1)))
            bound = bound + log_density(x_t, *out) - divergence(q, p)
        return -bound.mean()
