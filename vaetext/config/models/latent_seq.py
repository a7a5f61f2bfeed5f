"""Options of latent-seq; their values are in ``conf/model/latent-seq.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import Recurrent
from vaetext.config.options import option


@dataclass
class LatentSeq(Recurrent):
    """A latent sequence z_1..z_l of unknown length l, inferred from each sentence."""

    latent_dim: int = option(16, "dimensions of each z_i", min=1)
    max_latents: int = option(16, "largest length l of the latent sequence", min=1)
    gamma: float = option(
        0.9, "p(l) is proportional to gamma^l for l from 1 to max_latents", above=0.0, below=1.0
    )
    mean_std: float = option(
        0.0,
        "standard deviation over a batch to which the posterior means of each z_i are normalised"
        " (batch normalisation against collapse); 0: not normalised",
        min=0.0,
    )
    logit_std: float = option(
        0.0, "the same of the logits of q(l|x), around those of a learned mean; 0: not", min=0.0
    )
    layers: int = option(1, "layers of each of the four recurrent networks", min=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weight_drop:
            raise ValueError(
                f"weight_drop={self.weight_drop}: the recurrent layers of latent-seq attend before"
                " each step and have no such option; set weight_drop=0"
            )
