"""Options of lvae; their values are in ``conf/model/lvae.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import Ladder


@dataclass
class LVAE(Ladder):
    """Ladder VAE with dense layers."""
