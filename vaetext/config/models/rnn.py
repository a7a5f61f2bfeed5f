"""Options of rnn; their values are in ``conf/model/rnn.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import Stepwise


@dataclass
class RNN(Stepwise):
    """RNN with the feature nets of vrnn and no latent: log p(x) is exact."""
