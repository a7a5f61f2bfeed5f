"""Options of rnnlm; their values are in ``conf/model/rnnlm.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import Recurrent


@dataclass
class RNNLM(Recurrent):
    """Recurrent language model without a latent: log p(x) is exact."""
