"""What every ladder VAE has; a variant adds only its deterministic layers."""

from collections.abc import Mapping

from torch import Tensor, nn

from vaetext.config.model import Ladder as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.latent import LatentSample
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State
from vaetext.models.autoregressive import Autoregressive
from vaetext.modules.decoder import Decoder
from vaetext.modules.initial import initialise
from vaetext.modules.ladder import Ladder


class LadderVAE(Autoregressive):
    """log p(x) >= E_q[log p(x|z_1)] - sum_i E_q[KL(q(z_i|z_{i+1}, x) || p(z_i|z_{i+1}))].

    (Petersen, section 2.4; Sønderby et al. 2016.)

    A reconstruction layer r(z_1) sets the initial state of a recurrent decoder, h and c of every
    layer, by one linear map each; with ``z_to="inputs"`` it is also concatenated to every input.
    Of a feature map, input t always sees position t of r(z_1), and the initial state sees the
    mean over positions. EOS has probability 1 at position N = ``max_length``. The decoder reads
    z_1 alone: another value of z_2 changes x through p(z_1|z_2).

    Args:
        config: sizes and decoder.
        domain: what x is made of.
        ladder: the stochastic layers.
        reconstruction: z_1 [rows, ...] -> r [rows, R], or [rows, N, R] of a feature map.
    """

    max_length: int

    def __init__(
        self, config: Config, domain: Domain, ladder: Ladder, reconstruction: nn.Module
    ) -> None:
        super().__init__(domain)
        self.max_length = longest(config, domain)
        self.latents = ladder.latents
        self.embedding = domain.embedding(config.embedding_dim)
        self.ladder = ladder
        self.reconstruction = reconstruction
        self.every_input = config.z_to == "inputs" or ladder.of_maps
        self.decoder = Decoder(config, domain, config.reconstruction_dim if self.every_input else 0)
        self.to_state = nn.ModuleList(
            nn.Linear(config.reconstruction_dim, self.decoder.rnn.state_size)
            for _ in range(config.layers)
        )
        initialise(self, config.init_scale)

    def embedded(self, batch: Batch) -> Tensor:
        """[B, N, E] embedded steps, EOS included, zeros after it."""
        embedded = self.embedding(batch.x) * batch.mask[..., None]
        return nn.functional.pad(embedded, (0, 0, 0, self.max_length - batch.x.shape[1]))

    def sample(
        self, encoded: dict[str, Gaussian], noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        return self.ladder.sample(encoded, noise)

    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self.ladder.sample_prior(noise, given)

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        shape = z["z_1"].shape[:2]
        r = self.reconstruction(z["z_1"].flatten(0, 1))
        summary = r.mean(1) if r.dim() == 3 else r
        layers = [to_layer(summary).unflatten(0, shape) for to_layer in self.to_state]
        context = r if self.every_input else r[..., :0]
        if context.dim() == 2:
            context = context[:, None].expand(-1, self.max_length, -1)
        return self.decoder.start(z["z_1"], layers, context.unflatten(0, shape))


def longest(config: Config, domain: Domain) -> int:
    """N, most tokens (EOS counted) or frames of a sequence: ``max_length``, or that of the data."""
    return config.max_length or domain.longest


def layer_sizes(config: Config, first: int, directions: int = 1) -> list[tuple[int, int, int, int]]:
    """The sizes of each stochastic layer i, z_1 first.

    Each is (features of d_i, dimensions of z_i, features that d_i reads, dimensions of z_{i+1});
    the last is 0 at the top.

    Args:
        config: ``hidden_dims``, ``latent_dims`` and ``only_mu_up``.
        first: features of d_0.
        directions: of a recurrent layer, each with the units that ``hidden_dims`` gives.
    """
    latent = config.latent_dims
    hidden = [directions * size for size in config.hidden_dims]
    below = [first, *(latent if config.only_mu_up else hidden)[:-1]]
    above = [*latent[1:], 0]
    return list(zip(hidden, latent, below, above, strict=True))
