"""Strided convolutions from a sequence of fixed length to a latent, and transposed ones back.

n convolutions of stride 2 leave P = ceil(N / 2^n) positions of N, for any N >= 1; n transposed
convolutions make 2^n P positions of P, of which the first N are kept. So every length is allowed,
and no size depends on the batch.
"""

from itertools import pairwise

from torch import Tensor, nn

from vaetext.config.model import Convolutional
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian, GaussianHead
from vaetext.distributions.priors import Prior, check_pseudo_length, make_prior
from vaetext.modules.mode import evaluation
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
    """[B, C_0, P] -> [B, C_n, 2^n P]: the same layers with transposed convolutions."""
    return nn.Sequential(
        *(
            _layer(nn.ConvTranspose1d(*pair, 3, 2, 1, 1, bias=not batch_norm), batch_norm)
            for pair in pairwise(channels)
        )
    )


def _layer(convolution: nn.Conv1d | nn.ConvTranspose1d, batch_norm: bool) -> nn.Sequential:
    norm = [BatchNorm(convolution.out_channels, axis=1)] if batch_norm else []
    return nn.Sequential(convolution, *norm, nn.ReLU())


class ConvolutionalEncoder(nn.Module):
    """q(z|x) = N(mean, var) from convolutions over the embedded sequence, zero-padded to N steps.

    A vector z is read from all positions of the last layer by one linear map, a map z from each
    position by the same linear map. All N positions count in the statistics of batch
    normalisation, which therefore do not depend on the longest sequence of a batch.

    Args:
        config: sizes, and whether z is a vector or a map.
        domain: what x is made of.
        length: N, most tokens (EOS counted) or frames of a sequence.
    """

    def __init__(self, config: Convolutional, domain: Domain, length: int) -> None:
        super().__init__()
        self.length = length
        self.positions = count_positions(length, config)
        self.dense = config.latent == "dense"
        self.embedding = domain.embedding(config.embedding_dim)
        channels = [config.embedding_dim, *config.channels]
        self.convolutions = convolutions(channels, config.batch_norm)
        read_at_once = self.positions if self.dense else 1
        features = config.channels[-1] * read_at_once
        self.head = GaussianHead(features, config.latent_dim, config.max_log_variance)

    def forward(self, batch: Batch) -> Gaussian:
        """q(z|x): mean and log-variance [B, D], or [B, P, D] of a map."""
        return self.read(self.embed(batch))

    def embed(self, batch: Batch) -> Tensor:
        """[B, T, E] embedded steps, EOS included, zeros after it."""
        return self.embedding(batch.x) * batch.mask[..., None]  # type: ignore[no-any-return]

    def read(self, embedded: Tensor) -> Gaussian:
        """q(z|u) of embedded sequences u [B, T, E], T at most N."""
        padded = nn.functional.pad(embedded, (0, 0, 0, self.length - embedded.shape[1]))
        features = self.convolutions(padded.transpose(1, 2)).transpose(1, 2)
        return self.head(features.flatten(1) if self.dense else features)  # type: ignore[no-any-return]

    def prior(self, config: Convolutional) -> Prior:
        """The prior that ``model.prior`` names, for the latent of this encoder.

        Raises:
            ValueError: the pseudo-inputs of a VampPrior would be longer than any sequence.
        """
        check_pseudo_length(config, self.length)
        positions = None if self.dense else self.positions
        return make_prior(config, config.embedding_dim, self.read_pseudo, positions)

    def read_pseudo(self, embedded: Tensor) -> Gaussian:
        """q(z|u) of the pseudo-inputs u [C, L, E] of a VampPrior.

        They are not data: they are normalised by the running statistics and do not change them.
        """
        with evaluation(self):
            return self.read(embedded)


class Deconvolution(nn.Module):
    """z -> features of each of N positions, in the order of a map's positions.

    Args:
        config: sizes, and whether z is a vector or a map.
        length: N.
    """

    def __init__(self, config: Convolutional, length: int) -> None:
        super().__init__()
        self.length = length
        self.channels = config.channels[-1]
        positions = count_positions(length, config) if config.latent == "dense" else 1
        self.spread = nn.Linear(config.latent_dim, positions * self.channels)
        channels = [*reversed(config.channels), config.output_channels]
        self.deconvolutions = deconvolutions(channels, config.batch_norm)

    def forward(self, z: Tensor) -> Tensor:
        """[K, B, N, output_channels] of z [K, B, D] or [K, B, P, D]."""
        shape = z.shape[:2]
        features = self.spread(z.flatten(0, 1)).reshape(shape.numel(), -1, self.channels)
        upsampled: Tensor = self.deconvolutions(features.transpose(1, 2)).transpose(1, 2)
        return upsampled[:, : self.length].reshape(*shape, self.length, -1)


def count_positions(length: int, config: Convolutional) -> int:
    """P = ceil(N / 2^n), the positions that n convolutions leave of N = ``length``."""
    return -(-length // (1 << len(config.channels)))
