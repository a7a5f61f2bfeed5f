"""The hierarchical variational recurrent autoencoder: a global latent of the whole sequence and a local one of its parts."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vaetext.config.model import HVRAE as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.evidence import Code, gaussian_code
from vaetext.distributions.gaussian import Gaussian, GaussianHead, standard
from vaetext.distributions.noise import Noise
from vaetext.distributions.priors import make_prior
from vaetext.models.base import Autoregressive, SequenceModel
from vaetext.models.registry import register
from vaetext.models.single import ChosenPrior
from vaetext.modules.attention import Attention
from vaetext.modules.decoder import Decoder, DecoderState
from vaetext.modules.encoder import Encoder, max_pool
from vaetext.modules.initial import initialise
from vaetext.modules.pyramid import Pyramid


@dataclass(frozen=True)
class Posterior:
    """q(z_g|x) [B, D], and the pyramid's features that q(z_l|z_g, x) reads: [B, F] pooled, or [B, N, F] of each frame."""

    z_g: Gaussian
    local: Tensor


@register("hvrae")
class HVRAE(SequenceModel, Autoregressive, ChosenPrior):
    """log p(x) >= E_q[log p(x|z_g, z_l)] - KL(q(z_g|x) || p(z_g)) - E_q KL(q(z_l|z_g, x) || p(z_l)) (source 000, Hierarchical VRAE).

    q(z_g|x) reads an RNN's final state, q(z_l|z_g, x) a pyramid's top frames beside z_g. How z_l is pooled and injected is
    unpublished; these are our choices:

    - ``local="pooled"``: one z_l from the maximum over frames; the decoder's initial state, and every input, see [z_g; z_l].
    - ``local="sequence"``: a z_l for each of N = ceil(max_length / 2^pyramid_layers) frames, attended by the decoder, whose initial
      state and inputs see z_g. N is the same for every sequence, and frames past its end pay their KL too, so the map tells no length
      for free; EOS is certain at position ``max_length``.
    - ``local_prior="conditional"``: p(z_l|z_g) is learned instead of the source's N(0, I).
    """

    latents = ("z_g", "z_l")

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        self.encoder = Encoder(
            config.cell,
            domain,
            config.embedding_dim,
            config.hidden_dim,
            config.encoder_layers,
            False,
            "final",
        )
        self.pyramid = Pyramid(
            config.cell, config.embedding_dim, config.hidden_dim, config.pyramid_layers
        )
        self.head = GaussianHead(self.encoder.features, config.latent_dim)
        self.local_head = GaussianHead(self.pyramid.features + config.latent_dim, config.local_dim)
        self.local_dim, self.frames, attention, seen = (
            config.local_dim,
            0,
            None,
            config.latent_dim + config.local_dim,
        )
        if config.local == "sequence":
            self.max_length = config.max_length or domain.longest
            self.frames = -(-self.max_length // 2**config.pyramid_layers)
            attention, seen = (
                Attention(config.hidden_dim, config.local_dim, self.frames),
                config.latent_dim,
            )
        self.decoder = Decoder(config, domain, seen, attention)
        self.to_state = nn.ModuleList(
            nn.Linear(seen, self.decoder.rnn.state_size) for _ in range(config.layers)
        )
        initialise(self, config.init_scale)
        self.prior = make_prior(
            config, config.embedding_dim, lambda u: self.head(self.encoder.read(u))
        )
        self.local_prior_net = (
            ConditionalPrior(config.latent_dim, config.local_dim)
            if config.local_prior == "conditional"
            else None
        )

    def posterior(self, batch: Batch) -> Posterior:
        """q(z_g|x), and the features that q(z_l|z_g, x) reads; both encoders see the words, EOS left out."""
        embedded = self.encoder.embed(batch)
        frames, mask = self.pyramid(embedded, batch.word_mask)
        local = (
            nn.functional.pad(frames, (0, 0, 0, self.frames - frames.shape[1]))
            if self.frames
            else max_pool(frames, mask)
        )
        return Posterior(self.head(self.encoder.read(embedded, batch.word_mask)), local)

    def sample(self, posterior: Posterior, noise: Noise) -> dict[str, Code]:
        """z_g, then z_l given it: q(z_l|x) itself is no Gaussian, so its code has no ``std``."""
        z_g = self.prior.code("z_g", posterior.z_g, noise)
        q = self.local_posterior(posterior.local, z_g.z)
        normal = noise.normal("z_l", *self.local_shape)
        z_l = gaussian_code(
            q,
            self.local_prior(z_g.z),
            normal,
            q_conditioned=True,
            p_conditioned=self.local_prior_net is not None,
        )
        return {"z_g": z_g, "z_l": z_l}

    @property
    def local_shape(self) -> tuple[int, ...]:
        """z_l of one sequence: (D,), or (N, D)."""
        return (self.frames, self.local_dim) if self.frames else (self.local_dim,)

    def local_posterior(self, local: Tensor, z_g: Tensor) -> Gaussian:
        """q(z_l|z_g, x) for z_g [K, B, D]: [K, B, *local_shape]."""
        local = local.expand(len(z_g), *local.shape)
        inputs = torch.cat([local, self._beside(z_g).expand(*local.shape[:-1], -1)], -1)
        return self.local_head(inputs)  # type: ignore[no-any-return]

    def local_prior(self, z_g: Tensor) -> Gaussian:
        """p(z_l|z_g) for z_g [K, B, D], to be broadcast over frames."""
        return (
            standard(z_g)
            if self.local_prior_net is None
            else self.local_prior_net(self._beside(z_g))
        )

    def sample_local(self, z_g: Tensor, noise: Noise) -> Tensor:
        """[K, B, *local_shape] draws of p(z_l|z_g)."""
        return self.local_prior(z_g).sample(noise.normal("z_l", *self.local_shape))

    def log_px(self, batch: Batch, codes: dict[str, Tensor]) -> Tensor:
        samples, rows = codes["z_g"].shape[0], codes["z_g"].shape[0] * len(batch)
        state = self.start({name: z.flatten(0, 1) for name, z in codes.items()}, rows)
        return self.decoder.log_px(batch, samples, state.layers, state.context, state.memory)

    def sample_prior(self, noise: Noise) -> dict[str, Tensor]:
        z_g = self.prior.sample("z_g", noise)
        return {"z_g": z_g, "z_l": self.sample_local(z_g, noise)}

    def redrawn(
        self, codes: dict[str, Tensor], moved: str, noise: Noise, held: str | None = None
    ) -> dict[str, Tensor]:
        if moved != "z_g" or held == "z_l" or self.local_prior_net is None:
            return codes
        return {**codes, "z_l": self.sample_local(codes["z_g"], noise)}

    def start(self, codes: dict[str, Tensor], rows: int) -> DecoderState:
        seen = codes["z_g"] if self.frames else torch.cat([codes["z_g"], codes["z_l"]], -1)
        layers = [
            torch.stack(to_layer(seen).split(self.decoder.rnn.hidden, -1))
            for to_layer in self.to_state
        ]
        if self.max_length is None:
            return DecoderState(layers, seen)
        return DecoderState(layers, seen[:, None].expand(-1, self.max_length, -1), codes["z_l"])

    def _beside(self, z_g: Tensor) -> Tensor:
        """z_g [K, B, D], with an axis of frames where z_l has one."""
        return z_g[..., None, :] if self.frames else z_g


class ConditionalPrior(nn.Module):
    """p(z_l|z_g) = N(mean(z_g), var(z_g)), one hidden layer; it starts close to N(0, I)."""

    def __init__(self, inputs: int, latent_dim: int, hidden: int = 64) -> None:
        super().__init__()
        self.hidden, self.head = nn.Linear(inputs, hidden), GaussianHead(hidden, latent_dim)
        with torch.no_grad():
            self.head.linear.weight *= 0.01
            self.head.linear.bias.zero_()

    def forward(self, z_g: Tensor) -> Gaussian:
        """z_g [..., D] -> [..., latent_dim]."""
        return self.head(self.hidden(z_g).tanh())  # type: ignore[no-any-return]
