"""The ladder variational autoencoder with recurrent layers."""

from functools import partial

from torch import Tensor, nn

from vaetext.config.models.lrnnvae import LRNNVAE as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.state import State
from vaetext.models.ladder import LadderVAE, layer_sizes, longest
from vaetext.modules.ladder import Head, Ladder, LadderLayer, average, dense, identity, spread
from vaetext.modules.normalisation import BatchNorm
from vaetext.modules.recurrent import Recurrent


class LRNNVAE(LadderVAE):
    """A ladder whose deterministic layers are recurrent, up and down.

    Petersen (section 7.2) proposes it as future work; the details are our choices.

    Vector latents: d_0 is the embedded sequence, a head reads the mean of d_i over real steps, and
    z_{i+1} is spread over N = ``max_length`` steps on the way down. Feature maps: d_0 is padded
    with zeros to N steps and z_i is a Gaussian at each of them, including those past the end of a
    sequence, so no latent gives away the length; r(z_1) reads each step separately.
    """

    def __init__(self, config: Config, domain: Domain) -> None:
        norm = config.batch_norm
        maps = config.latent == "feature-map"
        length = longest(config, domain)
        directions = 1 + config.bidirectional
        pool = identity if maps else average
        layers = []
        for hidden, latent, below, above in layer_sizes(config, config.embedding_dim, directions):
            shape = (length, latent) if maps else (latent,)
            head = partial(Head, hidden, latent, norm, pool)
            layer = partial(
                RecurrentLayer, config.cell, features=hidden, directions=directions, batch_norm=norm
            )
            down = None
            if above:
                start = nn.Identity() if maps else spread(above, length)
                down = nn.Sequential(start, layer(above), head())
            layers.append(LadderLayer(shape, layer(below), head(), down))
        reconstruction = dense(config.latent_dims[0], config.reconstruction_dim, norm)
        super().__init__(config, domain, Ladder(layers, config.only_mu_up), reconstruction)

    def encode(self, batch: Batch, carried: State | None = None) -> dict[str, Gaussian]:
        """Latent name -> N(mean^, var^) [B, D], or [B, N, D] of a map."""
        if self.ladder.of_maps:
            return self.ladder.estimates(self.embedded(batch))
        return self.ladder.estimates(self.embedding(batch.x), batch.mask)


class RecurrentLayer(nn.Module):
    """d = norm(RNN(h)), zero at masked steps.

    Args:
        cell: "lstm" or "gru".
        inputs: features of each step.
        features: of each output, over all directions.
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
        """steps h [rows, T, inputs] -> d [rows, T, features]; ``mask`` [rows, T], None for none."""
        outputs: Tensor = self.rnn(steps, mask=mask)[0]
        if self.norm is not None:
            outputs = self.norm(outputs, mask)
        return outputs if mask is None else outputs * mask[..., None]
