"""A ladder of stochastic layers: deterministic layers up, Gaussians merged on the way down.

(Petersen, section 2.4; Sønderby et al. 2016.)
"""

from collections.abc import Callable, Iterable, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.latent import Latent, LatentSample
from vaetext.distributions.noise import Noise
from vaetext.modules.normalisation import BatchNorm

SLOPE = 0.1  # leaky ReLU: max(h, h / 10)
LEAST_VARIANCE = 1e-4

# d [rows, ...] and its mask [rows, T] or None -> what a head reads
Pool = Callable[[Tensor, Tensor | None], Tensor]


class Layer(nn.Module):
    """d = leaky ReLU(norm(f(h))), a deterministic layer without a mask.

    Args:
        transform: f; it needs no bias before a norm.
        features: of its output.
        batch_norm: whether there is a norm.
    """

    def __init__(self, transform: nn.Module, features: int, batch_norm: bool) -> None:
        super().__init__()
        self.transform = transform
        self.norm = BatchNorm(features) if batch_norm else nn.Identity()

    def forward(self, h: Tensor, mask: Tensor | None = None) -> Tensor:
        """h, of any shape that f takes -> [..., features]; the mask is ignored."""
        return nn.functional.leaky_relu(self.norm(self.transform(h)), SLOPE)


def dense(inputs: int, features: int, batch_norm: bool) -> Layer:
    """A fully connected deterministic layer; of a map, at each position."""
    return Layer(nn.Linear(inputs, features, bias=not batch_norm), features, batch_norm)


def spread(dimensions: int, positions: int) -> nn.Module:
    """[rows, D] -> [rows, P, D]: a map from a vector, by one linear map."""
    return nn.Sequential(
        nn.Linear(dimensions, positions * dimensions), nn.Unflatten(1, (positions, dimensions))
    )


def identity(d: Tensor, mask: Tensor | None) -> Tensor:
    """d unchanged: a Gaussian for each row, or for each position of a map."""
    return d


def flat(d: Tensor, mask: Tensor | None) -> Tensor:
    """[rows, P * H]: all positions of a map [rows, P, H], concatenated."""
    return d.flatten(1)


def average(d: Tensor, mask: Tensor | None) -> Tensor:
    """[rows, H]: the mean over real steps of d [rows, T, H], which is zero at the others."""
    return d.mean(1) if mask is None else d.sum(1) / mask.sum(1, keepdim=True)


class Head(nn.Module):
    """d -> N(mean, var), [mean; raw] = norm(W pool(d) + b), var = softplus(raw) + 1e-4.

    Args:
        features: of pool(d).
        dimensions: D.
        batch_norm: whether there is a norm; then b is left out.
        pool: what the linear map reads of d.
    """

    def __init__(
        self, features: int, dimensions: int, batch_norm: bool, pool: Pool = identity
    ) -> None:
        super().__init__()
        self.pool = pool
        self.linear = nn.Linear(features, 2 * dimensions, bias=not batch_norm)
        self.norm = BatchNorm(2 * dimensions) if batch_norm else nn.Identity()

    def forward(self, d: Tensor, mask: Tensor | None = None) -> Gaussian:
        """d [rows, ...] -> a Gaussian [rows, D], or [rows, P, D] of a map."""
        h = self.norm(self.linear(self.pool(d, mask)))
        mean, raw = h.to(torch.promote_types(h.dtype, torch.float32)).chunk(2, -1)
        return Gaussian(mean, (nn.functional.softplus(raw) + LEAST_VARIANCE).log())


class LadderLayer(nn.Module):
    """One stochastic layer z_i.

    Args:
        shape: of z_i: (D,), or (P, D) of a feature map.
        up: d_{i-1}, mask -> d_i.
        estimate: d_i, mask -> N(mean^_i, var^_i), the estimate of z_i from the data alone.
        down: z_{i+1} [rows, ...] -> p(z_i|z_{i+1}); None at the top, where p(z_L) = N(0, I).
    """

    zeros: Tensor

    def __init__(
        self, shape: tuple[int, ...], up: nn.Module, estimate: nn.Module, down: nn.Module | None
    ) -> None:
        super().__init__()
        self.shape = shape
        self.up = up
        self.estimate = estimate
        self.down = down
        self.register_buffer("zeros", torch.zeros(shape[-1]), persistent=False)

    def prior(self, above: Tensor | None) -> Gaussian:
        """p(z_i|z_{i+1}), parameters [K, B, *shape]; at the top, N(0, I) over [D].

        Args:
            above: z_{i+1} [K, B, ...]; None at the top.
        """
        if self.down is None or above is None:
            return Gaussian(self.zeros, self.zeros)
        flattened = self.down(above.flatten(0, 1))
        return flattened.map(lambda each: each.unflatten(0, above.shape[:2]))  # type: ignore[no-any-return]


class Ladder(nn.Module):
    """L stochastic layers, z_1 next to the data.

    p(z) = p(z_L) prod_i p(z_i|z_{i+1}), p(z_L) = N(0, I). On the way up, the data give an estimate
    N(mean^_i, var^_i) of every layer. On the way down, z_L ~ N(mean^_L, var^_L), and each
    q(z_i|z_{i+1}, x) is the estimate merged with p(z_i|z_{i+1}) by precision; layer i-1 reads the
    sample of the merged Gaussian. (Petersen prints p(z_i|z_{i-1}), a misprint; the code of that
    document passes down the prior's sample instead.)

    Args:
        layers: z_1 first.
        only_mu_up: each deterministic layer reads mean^_{i-1}, at every step, and not d_{i-1}.

    Attributes:
        names: z_1, ..., z_L.
        of_maps: whether each latent is a feature map.
    """

    def __init__(self, layers: list[LadderLayer], only_mu_up: bool = False) -> None:
        super().__init__()
        self.names = tuple(f"z_{n}" for n in range(1, len(layers) + 1))
        self._above = dict(zip(self.names, [*self.names[1:], ""], strict=True))
        self.layers = nn.ModuleList(layers)
        self.only_mu_up = only_mu_up
        self.of_maps = len(layers[0].shape) > 1

    @property
    def latents(self) -> tuple[Latent, ...]:
        """z_1, ..., z_L, each conditioned on the one above; only z_1 is decoded."""
        return tuple(
            Latent(name, (above,) * bool(above), (above,) * bool(above), decoded=name == "z_1")
            for name, above in self._above.items()
        )

    def estimates(self, d: Tensor, mask: Tensor | None = None) -> dict[str, Gaussian]:
        """Latent name -> N(mean^_i, var^_i), [B, D] or [B, P, D].

        Args:
            d: d_0 [B, ...], the data.
            mask: [B, T] true at the real steps of d_0; None where all are.
        """
        found = {}
        for name, layer in self._named():
            d = layer.up(d, mask)
            found[name] = layer.estimate(d, mask)
            if self.only_mu_up:
                mean = found[name].mean
                d = mean if mean.dim() == d.dim() else mean[:, None].expand(-1, d.shape[1], -1)
        return found

    def sample(self, estimates: dict[str, Gaussian], noise: Noise) -> dict[str, LatentSample]:
        """Latent name -> K samples of q(z_i|z_{i+1}, x), drawn from the top down."""
        drawn: dict[str, LatentSample] = {}
        above = None
        for name, layer in reversed(self._named()):
            p = layer.prior(above)
            q = estimates[name] if above is None else estimates[name].merge(p)
            above = q.sample(noise.at(name), *layer.shape[:-1])
            drawn[name] = LatentSample(above, q, p, positions=("position",) * self.of_maps)
        return {name: drawn[name] for name in self.names}

    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Samples of p(z): latent name -> z [K, B, ...]; latents in ``given`` keep their values."""
        z = dict(given)
        for name, layer in reversed(self._named()):
            if name not in z:
                above = z.get(self._above[name])
                z[name] = layer.prior(above).sample(noise.at(name), *layer.shape[:-1])
        return {name: z[name] for name in self.names}

    def _named(self) -> list[tuple[str, LadderLayer]]:
        return list(zip(self.names, cast(Iterable[LadderLayer], self.layers), strict=True))
