"""Options of vrnn; their values are in ``conf/model/vrnn.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import StepLatent
from vaetext.config.options import option


@dataclass
class VRNN(StepLatent):
    """Variational RNN: a latent at every step, which the recurrent state reads."""

    prior: str = option(
        "learned",
        "prior of z_t: learned from the recurrent state, or standard, N(0, I) (VRNN-I)",
        choices=("learned", "standard"),
    )

    z_forcing: float = option(
        0.0,
        "weight of an auxiliary loss: z_t predicts the state of a backward RNN, which q(z_t) then"
        " reads in place of x_t; reported numbers leave it out",
        min=0.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.residual and self.prior == "standard":
            raise ValueError(
                "residual=true adds the mean of the prior to that of q, and with prior=standard it"
                " is 0; set residual=false, or prior=learned"
            )
