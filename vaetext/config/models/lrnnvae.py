"""Options of lrnnvae; their values are in ``conf/model/lrnnvae.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import MappedLadder
from vaetext.config.options import option


@dataclass
class LRNNVAE(MappedLadder):
    """Ladder VAE with recurrent layers (Petersen, 7.2)."""

    bidirectional: bool = option(False, "the recurrent layers read in both directions")
