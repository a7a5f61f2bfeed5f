"""Strided convolutions from a sequence of fixed length down to a latent, and up again.

A stack of n layers with stride 2 makes P = ceil(N / 2^n) positions of N, for any N >= 1; n transposed layers make 2^n P of P, and what
is past N is cut. So no length is too short, and none depends on the batch.
"""

from itertools import pairwise

from torch import Tensor, nn

from vaetext.config.model import Convolutional
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian, GaussianHead
from vaetext.distributions.priors import Prior, make_prior
from vaetext.modules.embedding import embedding
from vaetext.modules.normalisation import BatchNorm


def convolutions(channels: list[int], batch_norm: bool) -> nn.Sequential:
    """[B, C_0, N] -> [B, C_n, ceil(N / 2^n)]: kernel 3, stride 2, batch normalisation, ReLU."""
    return nn.Sequential(
        *(
            _layer(nn.Conv1d(*pair, 3, 2, 1, bias=not batch_norm), batch_norm)
            for pair in pairwise(channels)
        )
    )


def deconvolutions(channels: list[int], batch_norm: bool) -> nn.Sequential:
    """[B, C_0, P] -> [B, C_n, 2^n P]: transposed convolutions of kernel 3 and stride 2, batch normalisation, ReLU."""
    return nn.Sequential(
        *(
            _layer(nn.ConvTranspose1d(*pair, 3, 2, 1, 1, bias=not batch_norm), batch_norm)
            for pair in pairwise(channels)
        )
    )


def _layer(convolution: nn.Conv1d | nn.ConvTranspose1d, batch_norm: bool) -> nn.Sequential:
    return nn.Sequential(
        convolution,
        *([BatchNorm(convolution.out_channels, axis=1)] if batch_norm else []),
        nn.ReLU(),
    )


class ConvolutionalEncoder(nn.Module):
    """q(z|x) from convolutions over the embedded sequence, zeros past its end up to ``length`` positions.

    Every position of the fixed length counts in the statistics of batch normalisation: they depend on the sequences of a batch, not
    on the longest of them. A vector z comes from all positions of the last layer by one linear map, a map z from each by the same one.

    Args:
        length: N, most symbols or frames of a sequence.
    """

    def __init__(self, config: Convolutional, domain: Domain, length: int) -> None:
        super().__init__()
        self.length, self.positions = length, shrunk(length, config)
        self.dense = config.latent == "dense"
        self.embedding = embedding(domain, config.embedding_dim)
        self.convolutions = convolutions(
            [config.embedding_dim, *config.channels], config.batch_norm
        )
        self.head = GaussianHead(
            config.channels[-1] * (self.positions if self.dense else 1), config.latent_dim
        )

    def forward(self, batch: Batch) -> Gaussian:
        """q(z|x), mean and log-variance [B, D], or [B, P, D] of a map."""
        return self.read(self.embed(batch))

    def embed(self, batch: Batch) -> Tensor:
        """[B, T, E], EOS included, zeros after it."""
        return self.embedding(batch.x) * batch.mask[..., None]  # type: ignore[no-any-return]

    def read(self, embedded: Tensor) -> Gaussian:
        """q(z|u) of embedded sequences [B, T, E] of at most ``length`` steps."""
        padded = nn.functional.pad(embedded, (0, 0, 0, self.length - embedded.shape[1]))
        features = self.convolutions(padded.transpose(1, 2)).transpose(1, 2)
        return self.head(features.flatten(1) if self.dense else features)  # type: ignore[no-any-return]

    def prior(self, config: Convolutional) -> Prior:
        """The prior that ``model.prior`` names, of this encoder's code.

        Raises:
            ValueError: a VampPrior's pseudo-inputs would be longer than any sequence.
        """
        if config.prior == "vamp" and config.pseudo_length > self.length:
            raise ValueError(
                f"model.pseudo_length={config.pseudo_length}: a sequence has at most {self.length} steps; set it to that or less"
            )
        return make_prior(
            config, config.embedding_dim, self.read_pseudo, None if self.dense else self.positions
        )

    def read_pseudo(self, embedded: Tensor) -> Gaussian:
        """q(z|u) of a VampPrior's pseudo-inputs [C, L, E]: they are no data, so they meet the running statistics and leave them alone."""
        mode = self.training
        posterior = self.eval().read(embedded)
        self.train(mode)
        return posterior


class Deconvolution(nn.Module):
    """z -> a vector of features for each of ``length`` positions, the order of a map's positions kept."""

    def __init__(self, config: Convolutional, length: int) -> None:
        super().__init__()
        self.length, self.channels = length, config.channels[-1]
        positions = shrunk(length, config) if config.latent == "dense" else 1
        self.spread = nn.Linear(config.latent_dim, positions * self.channels)
        self.deconvolutions = deconvolutions(
            [*reversed(config.channels), config.output_channels], config.batch_norm
        )

    def forward(self, z: Tensor) -> Tensor:
        """[rows, N, output_channels] of z [rows, D] or [rows, P, D]."""
        features = self.spread(z).reshape(len(z), -1, self.channels)
        return self.deconvolutions(features.transpose(1, 2)).transpose(1, 2)[:, : self.length]  # type: ignore[no-any-return]


def shrunk(length: int, config: Convolutional) -> int:
    """P = ceil(N / 2^n), the positions that n convolutions leave of N."""
    return -(-length // (1 << len(config.channels)))
