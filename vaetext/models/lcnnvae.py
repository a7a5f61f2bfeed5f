"""The ladder variational autoencoder with convolutional layers."""

from functools import partial

from torch import Tensor, nn

from vaetext.config.models.lcnnvae import LCNNVAE as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.state import State
from vaetext.models.ladder import LadderVAE, layer_sizes, longest
from vaetext.modules.ladder import Head, Ladder, LadderLayer, Layer, dense, flat, spread

WINDOW = 3
STRIDE = 2


class LCNNVAE(LadderVAE):
    """A ladder of strided convolutions up and transposed ones down (Petersen, section 4.2).

    d_0 is the embedded sequence, padded with zeros to N = ``max_length`` positions; d_i has
    P_i = ceil(P_{i-1} / 2) of them, at least one. Every size is fixed, so no latent gives away the
    length of x; positions past the end of a sequence are treated like any other.

    Vector latents: a head reads all positions of d_i, concatenated; z_{i+1} is spread over P_{i+1}
    positions on the way down. Feature maps: z_i is a Gaussian at each of P_i positions, and r(z_1)
    is a transposed convolution to N positions.
    """

    def __init__(self, config: Config, domain: Domain) -> None:
        norm = config.batch_norm
        maps = config.latent == "feature-map"
        length = longest(config, domain)
        size = halved(length)
        layers = []
        for hidden, latent, below, above in layer_sizes(config, config.embedding_dim):
            shape = (size, latent) if maps else (latent,)
            head = partial(Head, size * hidden, latent, norm, flat)
            if maps:
                head = partial(Head, hidden, latent, norm)
            down = None
            if above:
                start = nn.Identity() if maps else spread(above, halved(size))
                down = nn.Sequential(start, transposed(above, hidden, size, norm), head())
            layers.append(LadderLayer(shape, convolution(below, hidden, norm), head(), down))
            size = halved(size)
        ends = config.latent_dims[0], config.reconstruction_dim
        reconstruction = transposed(*ends, length, norm) if maps else dense(*ends, norm)
        super().__init__(config, domain, Ladder(layers, config.only_mu_up), reconstruction)

    def encode(self, batch: Batch, carried: State | None = None) -> dict[str, Gaussian]:
        """Latent name -> N(mean^, var^) [B, D], or [B, P, D] of a map."""
        return self.ladder.estimates(self.embedded(batch))


def halved(positions: int) -> int:
    """Positions after a convolution, rounded up."""
    return -(-positions // STRIDE)


def convolution(inputs: int, features: int, norm: bool) -> Layer:
    """A layer [rows, P, inputs] -> [rows, ceil(P / 2), features]."""
    strided = _Convolution(inputs, features, WINDOW, STRIDE, padding=1, bias=not norm)
    return Layer(strided, features, norm)


def transposed(inputs: int, features: int, positions: int, norm: bool) -> Layer:
    """A layer [rows, ceil(P / 2), inputs] -> [rows, P, features] for P = ``positions``."""
    extra = (positions - 1) % STRIDE  # one more position where P is even
    strided = _Transposed(
        inputs, features, WINDOW, STRIDE, padding=1, output_padding=extra, bias=not norm
    )
    return Layer(strided, features, norm)


class _Convolution(nn.Conv1d):
    """A convolution of [rows, P, features]."""

    def forward(self, d: Tensor) -> Tensor:
        return super().forward(d.transpose(1, 2)).transpose(1, 2)


class _Transposed(nn.ConvTranspose1d):
    """A transposed convolution of [rows, P, features]."""

    def forward(self, d: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(d.transpose(1, 2)).transpose(1, 2)
