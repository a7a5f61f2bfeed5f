"""A ladder of stochastic layers: deterministic layers up, Gaussian laws merged on the way down (source 004, 2.4; Sonderby et al. 2016)."""

from collections.abc import Callable, Iterable
from typing import cast

import torch
from torch import Tensor, nn

from vaetext.distributions.evidence import Code, gaussian_code
from vaetext.distributions.gaussian import Gaussian, standard
from vaetext.distributions.noise import Noise
from vaetext.modules.normalisation import BatchNorm

SLOPE = 0.1  # leaky ReLU: max(h, h / 10)
LEAST_VARIANCE = 1e-4

Pool = Callable[
    [Tensor, Tensor | None], Tensor
]  # d [rows, ...], mask [rows, T] or None -> what a head reads


class Layer(nn.Module):
    """d = leaky ReLU(norm(f(h))), a deterministic layer whose every step counts.

    Args:
        map: f; it needs no bias under a norm.
        features: of its output.
        batch_norm: whether there is a norm.
    """

    def __init__(self, map: nn.Module, features: int, batch_norm: bool) -> None:
        super().__init__()
        self.map, self.norm = map, BatchNorm(features) if batch_norm else nn.Identity()

    def forward(self, h: Tensor, mask: Tensor | None = None) -> Tensor:
        """h as f takes it -> [..., features]."""
        return nn.functional.leaky_relu(self.norm(self.map(h)), SLOPE)


def dense(inputs: int, features: int, batch_norm: bool) -> Layer:
    """A fully connected deterministic layer; of a map, at each position."""
    return Layer(nn.Linear(inputs, features, bias=not batch_norm), features, batch_norm)


def spread(dimensions: int, positions: int) -> nn.Module:
    """[rows, D] -> [rows, P, D]: a vector as a map, by one linear map."""
    return nn.Sequential(
        nn.Linear(dimensions, positions * dimensions), nn.Unflatten(1, (positions, dimensions))
    )


def whole(d: Tensor, mask: Tensor | None) -> Tensor:
    """A head's input as it is: one law a row, or one at each position of a map."""
    return d


def flat(d: Tensor, mask: Tensor | None) -> Tensor:
    """[rows, P * H]: all positions of a map [rows, P, H] side by side."""
    return d.flatten(1)


def average(d: Tensor, mask: Tensor | None) -> Tensor:
    """[rows, H]: the mean over real steps of d [rows, T, H], which is zero at the others."""
    return d.mean(1) if mask is None else d.sum(1) / mask.sum(1, keepdim=True)


class Head(nn.Module):
    """d -> N(mean, var), both linear in d and normalised, var = softplus + 1e-4.

    Args:
        features: of what ``pool`` makes of d.
        dimensions: D.
        batch_norm: whether mean and variance are normalised.
        pool: what of d is read.
    """

    def __init__(
        self, features: int, dimensions: int, batch_norm: bool, pool: Pool = whole
    ) -> None:
        super().__init__()
        self.pool = pool
        self.linear = nn.Linear(features, 2 * dimensions, bias=not batch_norm)
        self.norm = BatchNorm(2 * dimensions) if batch_norm else nn.Identity()

    def forward(self, d: Tensor, mask: Tensor | None = None) -> Gaussian:
        """d [rows, ...] -> a law of [rows, D], or [rows, P, D] of a map."""
        h = self.norm(self.linear(self.pool(d, mask)))
        mean, raw = h.to(torch.promote_types(h.dtype, torch.float32)).chunk(2, -1)
        return Gaussian(mean, (nn.functional.softplus(raw) + LEAST_VARIANCE).log())


class LadderLayer(nn.Module):
    """One stochastic layer z_i.

    Args:
        shape: of z_i: (D,), or (P, D) of a feature map.
        up: d_{i-1}, mask -> d_i.
        estimate: d_i, mask -> N(mean^, var^), what the data say of z_i.
        down: z_{i+1} [rows, ...] -> p(z_i|z_{i+1}); None at the top, where p(z_L) = N(0, I).
    """

    def __init__(
        self, shape: tuple[int, ...], up: nn.Module, estimate: nn.Module, down: nn.Module | None
    ) -> None:
        super().__init__()
        self.shape, self.up, self.estimate, self.down = shape, up, estimate, down

    def prior(self, above: Tensor | None, noise: Tensor) -> Gaussian:
        """p(z_i|z_{i+1}) for ``above`` z_{i+1} [K, B, ...], of the shape of ``noise``, or to be broadcast to it."""
        if self.down is None or above is None:
            return standard(noise)
        law = self.down(above.flatten(0, 1))
        return Gaussian(law.mean.view_as(noise), law.log_var.view_as(noise))


class Ladder(nn.Module):
    """L stochastic layers, z_1 next to the data.

    p(z) = p(z_L) prod_i p(z_i|z_{i+1}), p(z_L) = N(0, I). The estimates N(mean^_i, var^_i) of all layers are read upward from the
    data; then z_L ~ N(mean^_L, var^_L), and each q(z_i|z_{i+1}, x) is its estimate merged with p(z_i|z_{i+1}) by precision.
    The merged sample goes down. (The source's p(z_i|z_{i-1}) is a misprint; its code sent the prior's sample down.)

    Args:
        layers: the layers, z_1 first.
        only_mu_up: a deterministic layer reads mean^ of the layer below, at every step, and not d_{i-1}.

    Attributes:
        names: z_1, ..., z_L.
        of_maps: whether each latent is a feature map.
    """

    def __init__(self, layers: list[LadderLayer], only_mu_up: bool = False) -> None:
        super().__init__()
        self.names = tuple(f"z_{n}" for n in range(1, len(layers) + 1))
        self.layers = nn.ModuleList(layers)
        self.only_mu_up, self.of_maps = only_mu_up, len(layers[0].shape) > 1

    def estimates(self, d: Tensor, mask: Tensor | None = None) -> dict[str, Gaussian]:
        """Latent name -> what the data d_0 [B, ...] say of it; ``mask`` [B, T] where d_0 has steps that do not count."""
        found = {}
        for name, layer in self._named():
            d = layer.up(d, mask)
            found[name] = layer.estimate(d, mask)
            if self.only_mu_up:
                mean = found[name].mean
                d = mean if mean.dim() == d.dim() else mean[:, None].expand(-1, d.shape[1], -1)
        return found

    def codes(self, estimates: dict[str, Gaussian], noise: Noise) -> dict[str, Code]:
        """Latent name -> K samples of q(z_i|z_{i+1}, x), with the analytic KL from p(z_i|z_{i+1}).

        Below the top, q hangs on the sample above: Code.mean is that law's mean, and Code.std None since q(z_i|x) is no Gaussian.
        """
        codes: dict[str, Code] = {}

        def draw(name: str, prior: Gaussian, normal: Tensor) -> Tensor:
            top = name == self.names[-1]
            q = estimates[name] if top else estimates[name].merge(prior)
            codes[name] = gaussian_code(
                q, prior, normal, q_conditioned=not top, p_conditioned=not top
            )
            return codes[name].z

        self._descend(noise, draw)
        return {name: codes[name] for name in self.names}

    def sample_prior(
        self, noise: Noise, given: dict[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Draws of p(z): latent name -> z [K, B, ...]; latents in ``given`` are as they are there."""
        given = given or {}
        drawn = self._descend(
            noise,
            lambda name, prior, normal: given[name] if name in given else prior.sample(normal),
        )
        return {name: drawn[name] for name in self.names}

    def _descend(
        self, noise: Noise, draw: Callable[[str, Gaussian, Tensor], Tensor]
    ) -> dict[str, Tensor]:
        """z_L, ..., z_1 in turn, each from ``draw(name, p(z_i|z_{i+1}), noise)``."""
        drawn: dict[str, Tensor] = {}
        above = None
        for name, layer in reversed(self._named()):
            normal = noise.normal(name, *layer.shape)
            drawn[name] = above = draw(name, layer.prior(above, normal), normal)
        return drawn

    def _named(self) -> list[tuple[str, LadderLayer]]:
        return list(zip(self.names, cast(Iterable[LadderLayer], self.layers), strict=True))
