"""The ladder variational autoencoder with recurrent layers."""

from functools import partial

from torch import Tensor, nn

from vaetext.config.model import LRNNVAE as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian
from vaetext.models.ladder import LadderVAE, layer_sizes, longest
from vaetext.models.registry import register
from vaetext.modules.ladder import Head, Ladder, LadderLayer, average, dense, spread
from vaetext.modules.normalisation import BatchNorm
from vaetext.modules.recurrent import Recurrent


@register("lrnnvae")
class LRNNVAE(LadderVAE):
    """Deterministic layers are recurrent, up and down (source 004, 7.2, which only proposes it; the rest is our choice).

    Vector latents: d_0 is the embedded sequence, a head reads the mean of d_i over its real steps, and z_{i+1} is spread over
    N = max_length steps on its way down. Feature maps: d_0 is padded with zeros to N steps, and z_i has a law at each of them,
    those after a sequence's end included, so no latent tells the length for free; r(z_1) reads each step alone.
    """

    def __init__(self, config: Config, domain: Domain) -> None:
        norm, length, directions = (
            config.batch_norm,
            longest(config, domain),
            1 + config.bidirectional,
        )
        maps, layers = config.latent == "feature-map", []
        for hidden, latent, below, above in layer_sizes(config, config.embedding_dim, directions):
            head = (
                partial(Head, hidden, latent, norm)
                if maps
                else partial(Head, hidden, latent, norm, average)
            )
            layer = partial(
                RecurrentLayer, config.cell, features=hidden, directions=directions, batch_norm=norm
            )
            down = None
            if above:
                down = nn.Sequential(
                    nn.Identity() if maps else spread(above, length), layer(above), head()
                )
            layers.append(
                LadderLayer((length, latent) if maps else (latent,), layer(below), head(), down)
            )
        reconstruction = dense(config.latent_dims[0], config.reconstruction_dim, norm)
        super().__init__(config, domain, Ladder(layers, config.only_mu_up), reconstruction)

    def posterior(self, batch: Batch) -> dict[str, Gaussian]:
        """Latent name -> N(mean^, var^) [B, D] or [B, N, D]."""
        if self.ladder.of_maps:
            return self.ladder.estimates(self.embedded(batch))
        return self.ladder.estimates(self.embedding(batch.x), batch.mask)


class RecurrentLayer(nn.Module):
    """d = norm(RNN(h)), zero at steps that do not count.

    Args:
        cell: "lstm" or "gru".
        inputs: features of each step.
        features: of each output, all directions together.
        directions: 1, or 2 to read both ways.
        batch_norm: whether there is a norm.
    """

    def __init__(
        self, cell: str, inputs: int, features: int, directions: int, batch_norm: bool
    ) -> None:
        super().__init__()
        self.rnn = Recurrent(cell, inputs, features // directions, bidirectional=directions == 2)
        self.norm = BatchNorm(features) if batch_norm else None

    def forward(self, steps: Tensor, mask: Tensor | None = None) -> Tensor:
        """steps [rows, T, inputs], mask [rows, T] (None: all count) -> [rows, T, features]."""
        outputs: Tensor = self.rnn(steps, mask=mask)[0]
        if self.norm is not None:
            outputs = self.norm(outputs, mask)
        return outputs if mask is None else outputs * mask[..., None]
