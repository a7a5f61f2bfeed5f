"""Options of hvrae; their values are in ``conf/model/hvrae.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import FixedLength, Latent, Recurrent
from vaetext.config.options import check_unused, option


@dataclass
class HVRAE(FixedLength, Latent, Recurrent):
    """Hierarchical VRAE: a global latent z_g, and a local z_l from a pyramid encoder."""

    latent_dim: int = option(16, "dimensions of z_g", min=1)
    local_dim: int = option(16, "dimensions of z_l (of each position, with local=sequence)", min=1)
    prior: str = option(
        "standard",
        "prior of z_g: standard is N(0, I), gmm a learned Gaussian mixture, vamp a VampPrior",
        choices=("standard", "gmm", "vamp"),
    )
    local: str = option(
        "pooled",
        "z_l is one vector, or a sequence of vectors that the decoder attends to",
        choices=("pooled", "sequence"),
    )
    local_prior: str = option(
        "standard",
        "prior of z_l: standard is N(0, I), conditional a learned p(z_l|z_g)",
        choices=("standard", "conditional"),
    )
    pyramid_layers: int = option(3, "layers of the pyramid; each halves the time resolution", min=1)
    encoder_layers: int = option(1, "recurrent layers of z_g's encoder", min=1)
    encoder_dropout: float = option(
        0.0, "dropout of the encoder's embedded inputs", min=0.0, below=1.0
    )
    max_length: int = option(
        0,
        "local=sequence: longest sequence, in tokens with EOS or frames; 0: longest in the data",
        min=0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.local == "pooled":
            check_unused(self, "local=sequence", "max_length")
