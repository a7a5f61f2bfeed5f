"""Options of lrnnvae; their values are in ``conf/model/lrnnvae.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import Ladder
from vaetext.config.options import option


@dataclass
class LRNNVAE(Ladder):
    """Ladder VAE with recurrent layers (Petersen, 7.2)."""

    latent: str = option(
        "dense",
        "each latent is one vector, or a feature map of positions x channels",
        choices=("dense", "feature-map"),
    )
    bidirectional: bool = option(False, "the recurrent layers read in both directions")
