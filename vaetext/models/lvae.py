"""The ladder variational autoencoder with dense layers."""

from torch import nn

from vaetext.config.models.lvae import LVAE as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.state import State
from vaetext.models.ladder import LadderVAE, layer_sizes, longest
from vaetext.modules.ladder import Head, Ladder, LadderLayer, dense


class LVAE(LadderVAE):
    """A ladder whose deterministic layers are dense (Petersen, section 2.4).

    d_0 is the embedded sequence, padded with zeros to ``max_length`` steps and flattened.
    """

    def __init__(self, config: Config, domain: Domain) -> None:
        norm = config.batch_norm
        first = longest(config, domain) * config.embedding_dim
        layers = []
        for hidden, latent, below, above in layer_sizes(config, first):
            down = None
            if above:
                down = nn.Sequential(dense(above, hidden, norm), Head(hidden, latent, norm))
            up = dense(below, hidden, norm)
            layers.append(LadderLayer((latent,), up, Head(hidden, latent, norm), down))
        reconstruction = dense(config.latent_dims[0], config.reconstruction_dim, norm)
        super().__init__(config, domain, Ladder(layers, config.only_mu_up), reconstruction)

    def encode(self, batch: Batch, carried: State | None = None) -> dict[str, Gaussian]:
        """Latent name -> N(mean^, var^) [B, D]."""
        return self.ladder.estimates(self.embedded(batch).flatten(1))
