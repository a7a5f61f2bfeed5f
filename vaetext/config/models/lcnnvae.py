"""Options of lcnnvae; their values are in ``conf/model/lcnnvae.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import MappedLadder


@dataclass
class LCNNVAE(MappedLadder):
    """Ladder VAE with convolutional layers, transposed on the way down (Petersen, 4.2)."""
