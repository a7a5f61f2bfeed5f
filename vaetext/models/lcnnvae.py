"""The ladder variational autoencoder with convolutional layers."""

from functools import partial

from torch import Tensor, nn

from vaetext.config.model import LCNNVAE as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian
from vaetext.models.ladder import LadderVAE, layer_sizes, longest
from vaetext.models.registry import register
from vaetext.modules.ladder import Head, Ladder, LadderLayer, Layer, dense, flat, spread

WINDOW, STRIDE = 3, 2


@register("lcnnvae")
class LCNNVAE(LadderVAE):
    """Deterministic layers are strided convolutions up and transposed convolutions down (source 004, 4.2).

    d_0 is the embedded sequence, padded with zeros to N = max_length positions; d_i has P_i = ceil(P_{i-1} / 2), down to one. Every
    size is fixed, so no latent tells the length for free; what lies after a sequence's end is a position like any other.

    Vector latents: a head reads all positions side by side, and z_{i+1} is spread over P_{i+1} positions on its way down.
    Feature maps: z_i is P_i positions with a law each, and r(z_1) is a transposed convolution to N positions.
    """

    def __init__(self, config: Config, domain: Domain) -> None:
        norm, maps, length = (
            config.batch_norm,
            config.latent == "feature-map",
            longest(config, domain),
        )
        layers, size = [], halved(length)
        for hidden, latent, below, above in layer_sizes(config, config.embedding_dim):
            head = (
                partial(Head, hidden, latent, norm)
                if maps
                else partial(Head, size * hidden, latent, norm, flat)
            )
            down = None
            if above:
                start = nn.Identity() if maps else spread(above, halved(size))
                down = nn.Sequential(start, transposed(above, hidden, size, norm), head())
            layers.append(
                LadderLayer(
                    (size, latent) if maps else (latent,),
                    convolution(below, hidden, norm),
                    head(),
                    down,
                )
            )
            size = halved(size)
        ends = config.latent_dims[0], config.reconstruction_dim
        reconstruction = transposed(*ends, length, norm) if maps else dense(*ends, norm)
        super().__init__(config, domain, Ladder(layers, config.only_mu_up), reconstruction)

    def posterior(self, batch: Batch) -> dict[str, Gaussian]:
        """Latent name -> N(mean^, var^) [B, D] or [B, P, D]."""
        return self.ladder.estimates(self.embedded(batch))


def halved(positions: int) -> int:
    """Positions after a convolution, rounded up."""
    return -(-positions // STRIDE)


def convolution(inputs: int, features: int, norm: bool) -> Layer:
    """[rows, P, inputs] -> [rows, ceil(P / 2), features]."""
    return Layer(
        _Convolution(inputs, features, WINDOW, STRIDE, padding=1, bias=not norm), features, norm
    )


def transposed(inputs: int, features: int, positions: int, norm: bool) -> Layer:
    """[rows, ceil(P / 2), inputs] -> [rows, P, features] for P = ``positions``."""
    grown = (positions - 1) % STRIDE  # one more where P is even
    return Layer(
        _Transposed(
            inputs, features, WINDOW, STRIDE, padding=1, output_padding=grown, bias=not norm
        ),
        features,
        norm,
    )


class _Convolution(nn.Conv1d):
    def forward(self, d: Tensor) -> Tensor:
        return super().forward(d.transpose(1, 2)).transpose(1, 2)


class _Transposed(nn.ConvTranspose1d):
    def forward(self, d: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(d.transpose(1, 2)).transpose(1, 2)
