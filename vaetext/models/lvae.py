"""The ladder variational autoencoder with dense layers."""

from torch import nn

from vaetext.config.model import LVAE as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian
from vaetext.models.ladder import LadderVAE, layer_sizes, longest
from vaetext.models.registry import register
from vaetext.modules.ladder import Head, Ladder, LadderLayer, dense


@register("lvae")
class LVAE(LadderVAE):
    """Every deterministic layer is dense (source 004, 2.4); d_0 is the embedded sequence, padded with zeros to max_length and flattened."""

    def __init__(self, config: Config, domain: Domain) -> None:
        norm, layers = config.batch_norm, []
        for hidden, latent, below, above in layer_sizes(
            config, longest(config, domain) * config.embedding_dim
        ):
            down = (
                nn.Sequential(dense(above, hidden, norm), Head(hidden, latent, norm))
                if above
                else None
            )
            layers.append(
                LadderLayer((latent,), dense(below, hidden, norm), Head(hidden, latent, norm), down)
            )
        reconstruction = dense(config.latent_dims[0], config.reconstruction_dim, norm)
        super().__init__(config, domain, Ladder(layers, config.only_mu_up), reconstruction)

    def posterior(self, batch: Batch) -> dict[str, Gaussian]:
        """Latent name -> N(mean^, var^) [B, D]."""
        return self.ladder.estimates(self.embedded(batch).flatten(1))
