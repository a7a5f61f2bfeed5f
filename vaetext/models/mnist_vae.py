"""A VAE of binary images whose inference network reads all pixels at once, or row by row."""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from vaetext.config.models.mnist_vae import MnistVAE as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Binary, Domain
from vaetext.data.pictures import mosaic
from vaetext.distributions.bernoulli import Bernoulli
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.gaussian import Gaussian, GaussianHead
from vaetext.distributions.noise import KeyedNoise, Noise
from vaetext.distributions.priors import check_pseudo_length, make_prior
from vaetext.distributions.state import State
from vaetext.models.diagnostics import Diagnostic, Panel
from vaetext.models.plane import Plane
from vaetext.models.single import SingleLatent
from vaetext.modules.nets import relu_layers
from vaetext.modules.recurrent import Recurrent, features


class MnistVAE(SingleLatent):
    """log p(x) >= E_q[log p(x|z)] - KL(q(z|x) || p(z)), p(x|z) = prod_tf Bernoulli(x_tf; g_tf(z)).

    (The inference-network notes; Kingma and Welling 2014.)

    An image is a sequence of N = ``max_length`` rows of F pixels. A net of two ReLU layers reads
    all pixels of x, or an LSTM or GRU its rows, whose final state ([h; c] of an LSTM) gives q(z|x)
    by one linear map. The decoder g, two ReLU layers and a linear one, writes all pixels at once.
    A shorter sequence ends in rows of zeros for the encoder, and has no pixels there in p(x|z).

    The notes give the 500 units and two dimensions of z; the number of layers, ReLU and the
    Bernoulli pixels are ours, as they do not say.
    """

    domains = (Binary,)
    reads_inputs = False

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        self.max_length: int = config.max_length or domain.longest
        self.encoder: NetEncoder | RowEncoder
        if config.encoder == "mlp":
            self.encoder = NetEncoder(domain.size, self.max_length, config.hidden_dim)
        else:
            self.encoder = RowEncoder(config.encoder, domain.size, config.hidden_dim)
        most = config.max_log_variance
        self.posterior = GaussianHead(self.encoder.features, config.latent_dim, most)
        check_pseudo_length(config, self.max_length)
        self.prior = make_prior(config, domain.size, self._read_pseudo)
        self.decoder = nn.Sequential(
            nn.Linear(config.latent_dim, config.hidden_dim),
            relu_layers(config.hidden_dim, 2),
            nn.Linear(config.hidden_dim, self.max_length * domain.size),
        )

    def encode(self, batch: Batch, carried: State | None = None) -> Gaussian:
        """q(z|x): mean and log-variance [B, D]."""
        return self.posterior(self.encoder(batch.x, batch.mask))  # type: ignore[no-any-return]

    def log_px(self, batch: Batch, z: Mapping[str, Tensor], noise: Noise) -> Tensor:
        logits = self.logits(self.sample_prior(noise, z)["z"])
        log_prob = Bernoulli(logits[:, :, : batch.x.shape[1]]).log_prob(batch.x)
        return (log_prob * batch.mask).sum(-1)

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        """Logits [K, B, S, F] of the S rows left; S is N here."""
        return {"logits": self.logits(z["z"])}

    def emit(self, state: State, noise: Noise) -> tuple[Distribution, State]:
        """p(x_t|z), which ignores the rows before it."""
        return Bernoulli(state["logits"][:, :, 0]), state

    def advance(self, state: State, x: Tensor) -> State:
        return {"logits": state["logits"][:, :, 1:]}

    def diagnostics(self) -> list[Diagnostic]:
        return [Pictures()] if self._is_plane else []

    def logits(self, z: Tensor) -> Tensor:
        """log-odds of each pixel, [K, B, N, F], of z [K, B, D]."""
        logits: Tensor = self.decoder(z)
        # probabilities stay in float32 where matrix products run in bf16
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return logits.unflatten(-1, (-1, self.domain.size))  # type: ignore[no-untyped-call,no-any-return]

    def _read_pseudo(self, rows: Tensor) -> Gaussian:
        """q(z|u) of the pseudo-inputs u [C, L, F] of a VampPrior."""
        everywhere = torch.ones(rows.shape[:2], dtype=torch.bool, device=rows.device)
        return self.posterior(self.encoder(rows, everywhere))  # type: ignore[no-any-return]


class NetEncoder(nn.Module):
    """Two ReLU layers over the pixels of all N rows.

    Attributes:
        features: of the result.
    """

    def __init__(self, size: int, length: int, hidden: int) -> None:
        super().__init__()
        self.length = length
        self.features = hidden
        self.layers = nn.Sequential(nn.Linear(length * size, hidden), relu_layers(hidden, 2))

    def embed(self, batch: Batch) -> Tensor:
        """[B, T, F] the rows as they are."""
        return batch.x

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """[B, features] of rows [B, T, F], zeros where ``mask`` [B, T] is false."""
        padded = nn.functional.pad(rows, (0, 0, 0, self.length - rows.shape[1]))
        return self.layers(padded.flatten(1))  # type: ignore[no-any-return]


class RowEncoder(nn.Module):
    """The final state of an RNN over the rows.

    Attributes:
        features: of the result.
    """

    def __init__(self, cell: str, size: int, hidden: int) -> None:
        super().__init__()
        self.rnn = Recurrent(cell, size, hidden)
        self.features = self.rnn.state_size

    def embed(self, batch: Batch) -> Tensor:
        """[B, T, F] the rows as they are."""
        return batch.x

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """[B, features] of rows [B, T, F] where ``mask`` [B, T] is true."""
        _, final = self.rnn(rows, mask=mask)
        return features(final[-1])


class Pictures(Plane):
    """The plane of codes, beside the images that are decoded from it.

    Both are means E[x|z]: at the quantiles of each coordinate of p(z), and of draws from p(z). The
    notes name the digits that mix, 4 with 9 and 3 with 2.
    """

    pairs = (("4", "9"), ("3", "2"))
    side = 16  # images of a row and of a column
    draws = 20_000  # of p(z), whose quantiles are taken, for any prior

    def intervene(self, model: MnistVAE, batches: Iterable[Batch], seed: int) -> None:
        device = next(model.parameters()).device
        noise = KeyedNoise(seed, torch.arange(self.draws, device=device), range(1))
        z = model.sample_prior(noise, {})["z"]  # [1, draws, 2]
        self.grid = self._decoded(model, grid_of(z[0], self.side)[None])
        self.samples = self._decoded(model, z[:, : self.side**2])

    def panels(self) -> list[Panel]:
        """The means of z, the decoded grid, and decoded draws."""
        return [
            *super().panels(),
            Panel("E[x|z] at quantiles of p(z)", "z_1", "z_2", image=self.grid),
            Panel("E[x|z] of draws from p(z)", "", "", image=self.samples),
        ]

    def _decoded(self, model: MnistVAE, z: Tensor) -> np.ndarray:
        images = model.logits(z)[0].sigmoid().double().cpu().numpy()
        return mosaic(list(images), self.side)


def grid_of(z: Tensor, side: int) -> Tensor:
    """[side^2, 2] codes at (n + 1/2) / side quantiles of each coordinate of draws z [N, 2].

    Row by row as in a picture: z_1 rises to the right and z_2 upwards.
    """
    levels = (torch.arange(side, device=z.device, dtype=z.dtype) + 0.5) / side
    across, upwards = torch.quantile(z, levels, 0).T
    y, x = torch.meshgrid(upwards.flip(0), across, indexing="ij")
    return torch.stack([x, y], -1).flatten(0, 1)
