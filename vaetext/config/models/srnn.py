"""Options of srnn; their values are in ``conf/model/srnn.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import StepLatent
from vaetext.config.options import option


@dataclass
class SRNN(StepLatent):
    """Stochastic RNN: a latent at every step, above an RNN that reads x alone."""

    residual: bool = option(
        True, "the mean of q(z_t) is that of the prior plus what its net gives (Res_q)"
    )
    posterior: str = option(
        "smoothing",
        "q(z_t) reads the whole sequence (smoothing) or x_1..x_t (filtering)",
        choices=("filtering", "smoothing"),
    )
