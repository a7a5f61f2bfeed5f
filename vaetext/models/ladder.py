"""What every ladder VAE is; each variant holds its deterministic layers only."""

import torch
from torch import Tensor, nn

from vaetext.config.model import Ladder as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.evidence import Code
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.noise import Noise
from vaetext.models.base import Autoregressive, SequenceModel
from vaetext.modules.decoder import Decoder, DecoderState
from vaetext.modules.embedding import embedding
from vaetext.modules.initial import initialise
from vaetext.modules.ladder import Ladder


class LadderVAE(SequenceModel, Autoregressive):
    """log p(x) >= E_q[log p(x|z_1)] - sum_i E_q[KL(q(z_i|z_{i+1}, x) || p(z_i|z_{i+1}))] (source 004, 2.4).

    A reconstruction layer r(z_1) sets the recurrent decoder's initial state, every layer's h and c, by one linear map each, and with
    ``z_to="inputs"`` stands beside every input symbol too. Of a feature map, step t sees position t of r(z_1) in either case, and
    the initial state its mean. EOS is certain at position N = ``max_length``. The decoder sees z_1 alone: a moved z_2 shows in what
    p(z_1|z_2) makes of it, see ``redrawn``.

    Args:
        config: sizes and decoder.
        domain: of the data.
        ladder: the stochastic layers.
        reconstruction: z_1 [rows, ...] -> r [rows, R], or [rows, max_length, R] of a feature map.
    """

    max_length: int

    def __init__(
        self, config: Config, domain: Domain, ladder: Ladder, reconstruction: nn.Module
    ) -> None:
        super().__init__(domain)
        self.max_length = longest(config, domain)
        self.latents = ladder.names
        self.embedding = embedding(domain, config.embedding_dim)
        self.ladder, self.reconstruction = ladder, reconstruction
        self.every_input = config.z_to == "inputs" or ladder.of_maps
        self.decoder = Decoder(config, domain, config.reconstruction_dim if self.every_input else 0)
        self.to_state = nn.ModuleList(
            nn.Linear(config.reconstruction_dim, self.decoder.rnn.state_size)
            for _ in range(config.layers)
        )
        initialise(self, config.init_scale)

    @property
    def decoded(self) -> tuple[str, ...]:
        return self.latents[:1]

    def embedded(self, batch: Batch) -> Tensor:
        """[B, max_length, E]: the embedded sequence, EOS included, zeros after it."""
        return nn.functional.pad(
            self.embedding(batch.x) * batch.mask[..., None],
            (0, 0, 0, self.max_length - batch.x.shape[1]),
        )

    def sample(self, posterior: dict[str, Gaussian], noise: Noise) -> dict[str, Code]:
        return self.ladder.codes(posterior, noise)

    def log_px(self, batch: Batch, codes: dict[str, Tensor]) -> Tensor:
        z = codes["z_1"]
        state = self.start({"z_1": z.flatten(0, 1)}, z.shape[0] * z.shape[1])
        return self.decoder.log_px(batch, z.shape[0], state.layers, state.context)

    def sample_prior(self, noise: Noise) -> dict[str, Tensor]:
        return self.ladder.sample_prior(noise)

    def redrawn(
        self, codes: dict[str, Tensor], moved: str, noise: Noise, held: str | None = None
    ) -> dict[str, Tensor]:
        kept = {
            name: z
            for name, z in codes.items()
            if name == held or name in self.latents[self.latents.index(moved) :]
        }
        return self.ladder.sample_prior(noise, kept)

    def start(self, codes: dict[str, Tensor], rows: int) -> DecoderState:
        r = self.reconstruction(codes["z_1"])
        summary = r.mean(1) if r.dim() == 3 else r
        layers = [
            torch.stack(to_layer(summary).split(self.decoder.rnn.hidden, -1))
            for to_layer in self.to_state
        ]
        seen = r if self.every_input else r[..., :0]
        return DecoderState(
            layers, seen if seen.dim() == 3 else seen[:, None].expand(-1, self.max_length, -1)
        )


def longest(config: Config, domain: Domain) -> int:
    """N, the most symbols or frames of a sequence: ``max_length``, or the longest of the data."""
    return config.max_length or domain.longest


def layer_sizes(config: Config, first: int, directions: int = 1) -> list[tuple[int, int, int, int]]:
    """Of each stochastic layer, from the data up: features of d_i, dimensions of z_i, features that d_i reads, dimensions of z_{i+1}.

    Args:
        config: its lists.
        first: features of d_0.
        directions: of a recurrent layer, each with the units of ``hidden_dims``.
    """
    hidden, latent = [directions * size for size in config.hidden_dims], config.latent_dims
    below = [first, *(latent if config.only_mu_up else hidden)[:-1]]
    return list(zip(hidden, latent, below, [*latent[1:], 0], strict=True))
