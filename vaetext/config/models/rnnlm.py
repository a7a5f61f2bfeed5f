"""Options of rnnlm; their values are in ``conf/model/rnnlm.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import CELLS, Recurrent
from vaetext.config.options import option


@dataclass
class RNNLM(Recurrent):
    """Recurrent language model without a latent: log p(x) is exact."""

    cell: str = option("lstm", "recurrent cell; rnn: a tanh without gates", choices=CELLS)
