"""Options of lcnnvae; their values are in ``conf/model/lcnnvae.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import Ladder
from vaetext.config.options import option


@dataclass
class LCNNVAE(Ladder):
    """Ladder VAE with convolutional layers, transposed on the way down (Petersen, 4.2)."""

    latent: str = option(
        "dense",
        "each latent is one vector, or a feature map of positions x channels",
        choices=("dense", "feature-map"),
    )
