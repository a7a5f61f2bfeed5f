"""The hierarchical VRAE: a global latent of the whole sequence and a local one of its parts."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vaetext.config.models.hvrae import HVRAE as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian, GaussianHead, standard
from vaetext.distributions.latent import Latent, LatentSample
from vaetext.distributions.noise import Noise
from vaetext.distributions.priors import make_prior
from vaetext.distributions.state import State
from vaetext.models.autoregressive import Autoregressive
from vaetext.models.single import ChosenPrior
from vaetext.modules.attention import Attention
from vaetext.modules.decoder import Decoder
from vaetext.modules.encoder import RecurrentEncoder, max_pool
from vaetext.modules.initial import initialise
from vaetext.modules.pyramid import Pyramid


@dataclass(frozen=True)
class Posterior:
    """What the encoders give.

    Attributes:
        z_g: q(z_g|x), [B, D].
        local: features of the pyramid that q(z_l|z_g, x) reads: [B, F] pooled, or [B, N, F], one
            row for each frame.
    """

    z_g: Gaussian
    local: Tensor


class HVRAE(Autoregressive, ChosenPrior):
    """Hierarchical variational recurrent autoencoder (Chien and Wang, "Hierarchical VRAE").

    log p(x) >= E_q[log p(x|z_g, z_l)] - KL(q(z_g|x) || p(z_g)) - E_q KL(q(z_l|z_g, x) || p(z_l))

    q(z_g|x) reads the final state of an RNN, q(z_l|z_g, x) the top frames of a pyramid encoder and
    z_g. The poster does not say how z_l is pooled and how the decoder reads it; these are our
    choices:

    - ``local="pooled"``: one z_l from the maximum over frames. The decoder's initial state and
      every input see [z_g; z_l].
    - ``local="sequence"``: a z_l for each of N = ceil(max_length / 2^pyramid_layers) frames, which
      the decoder attends to; its initial state and every input see z_g. N is the same for every
      sequence, and the frames past its end count in the KL, so the map does not give away the
      length. EOS has probability 1 at position ``max_length``.
    - ``local_prior="conditional"``: p(z_l|z_g) is learned, instead of N(0, I) as on the poster.
    """

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        sizes = (config.embedding_dim, config.hidden_dim)
        self.encoder = RecurrentEncoder(
            config.cell,
            domain,
            *sizes,
            config.encoder_layers,
            False,
            "final",
            config.encoder_dropout,
        )
        self.pyramid = Pyramid(config.cell, *sizes, config.pyramid_layers)
        most = config.max_log_variance
        self.head = GaussianHead(self.encoder.features, config.latent_dim, most)
        read = self.pyramid.features + config.latent_dim
        self.local_head = GaussianHead(read, config.local_dim, most)
        self.local_dim = config.local_dim
        self.frames = 0
        seen = config.latent_dim + config.local_dim
        attention = None
        if config.local == "sequence":
            self.max_length = config.max_length or domain.longest
            self.frames = -(-self.max_length // 2**config.pyramid_layers)
            seen = config.latent_dim
            attention = Attention(config.hidden_dim, config.local_dim, self.frames)
        self.decoder = Decoder(config, domain, seen, attention)
        self.to_state = nn.ModuleList(
            nn.Linear(seen, self.decoder.rnn.state_size) for _ in range(config.layers)
        )
        initialise(self, config.init_scale)
        self.prior = make_prior(config, config.embedding_dim, self._read_pseudo)
        self.local_prior_net = None
        if config.local_prior == "conditional":
            self.local_prior_net = ConditionalPrior(config.latent_dim, config.local_dim)
        p_given = () if self.local_prior_net is None else ("z_g",)
        self.latents = (Latent("z_g"), Latent("z_l", q_given=("z_g",), p_given=p_given))

    def encode(self, batch: Batch, carried: State | None = None) -> Posterior:
        """q(z_g|x), and the features that q(z_l|z_g, x) reads; the last EOS is left out of both."""
        embedded = self.encoder.embed(batch)
        frames, mask = self.pyramid(embedded, batch.encoder_mask)
        if self.frames:
            local = nn.functional.pad(frames, (0, 0, 0, self.frames - frames.shape[1]))
        else:
            local = max_pool(frames, mask)
        return Posterior(self.head(self.encoder.read(embedded, batch.encoder_mask)), local)

    def sample(
        self, encoded: Posterior, noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        """z_g, then z_l given z_g."""
        z_g = self.prior.posterior_sample(encoded.z_g, noise.at("z_g"))
        q = self.local_posterior(encoded.local, z_g.z)
        z_l = q.sample(noise.at("z_l"), *self.local_positions)
        positions = ("position",) * len(self.local_positions)
        local = LatentSample(z_l, q, self.local_prior(z_g.z), positions=positions)
        return {"z_g": z_g, "z_l": local}

    @property
    def local_positions(self) -> tuple[int, ...]:
        """The positions of z_l: (), or (N,) of a map."""
        return (self.frames,) if self.frames else ()

    def local_posterior(self, local: Tensor, z_g: Tensor) -> Gaussian:
        """q(z_l|z_g, x), [K, B, D], or [K, B, N, D] of a map.

        Args:
            local: features as in ``Posterior``.
            z_g: [K, B, D].
        """
        local = local.expand(len(z_g), *local.shape)
        z_g = self._with_frame_axis(z_g).expand(*local.shape[:-1], -1)
        return self.local_head(torch.cat([local, z_g], -1))  # type: ignore[no-any-return]

    def local_prior(self, z_g: Tensor) -> Gaussian:
        """p(z_l|z_g) for z_g [K, B, D], to be broadcast over frames."""
        if self.local_prior_net is None:
            return standard(z_g, self.local_dim)
        return self.local_prior_net(self._with_frame_axis(z_g))  # type: ignore[no-any-return]

    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        z_g = given["z_g"] if "z_g" in given else self.prior.sample(noise.at("z_g"))
        if "z_l" in given:
            return {"z_g": z_g, "z_l": given["z_l"]}
        z_l = self.local_prior(z_g).sample(noise.at("z_l"), *self.local_positions)
        return {"z_g": z_g, "z_l": z_l}

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        seen = z["z_g"] if self.frames else torch.cat([z["z_g"], z["z_l"]], -1)
        layers = [to_layer(seen) for to_layer in self.to_state]
        if self.max_length is None:
            return self.decoder.start(seen, layers, seen)
        contexts = seen[:, :, None].expand(-1, -1, self.max_length, -1)
        return self.decoder.start(seen, layers, contexts, z["z_l"])

    def _read_pseudo(self, embedded: Tensor) -> Gaussian:
        """q(z_g|u) of the pseudo-inputs u [C, L, E] of a VampPrior."""
        return self.head(self.encoder.read(embedded))  # type: ignore[no-any-return]

    def _with_frame_axis(self, z_g: Tensor) -> Tensor:
        """z_g [K, B, D], or [K, B, 1, D] where z_l has an axis of frames."""
        return z_g[..., None, :] if self.frames else z_g


class ConditionalPrior(nn.Module):
    """p(z_l|z_g) = N(mean(z_g), var(z_g)) with one hidden layer, initialised close to N(0, I).

    Args:
        inputs: dimensions of z_g.
        latent_dim: dimensions of z_l.
        hidden: units of the hidden layer.
    """

    def __init__(self, inputs: int, latent_dim: int, hidden: int = 64) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.head = GaussianHead(hidden, latent_dim)
        with torch.no_grad():
            self.head.linear.weight *= 0.01
            self.head.linear.bias.zero_()

    def forward(self, z_g: Tensor) -> Gaussian:
        """z_g [..., inputs] -> p(z_l|z_g), [..., latent_dim]."""
        return self.head(self.hidden(z_g).tanh())  # type: ignore[no-any-return]
