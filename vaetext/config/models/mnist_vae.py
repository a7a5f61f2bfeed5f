"""Options of mnist-vae; their values are in ``conf/model/mnist-vae.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import FixedLength, Latent
from vaetext.config.options import option


@dataclass
class MnistVAE(Latent, FixedLength):
    """VAE of binary images, which an RNN may read row by row (the inference-network notes)."""

    latent_dim: int = option(2, "dimensions of z", min=1)
    encoder: str = option(
        "mlp",
        "what reads an image: a net of two layers all pixels at once, lstm or gru its rows",
        choices=("mlp", "lstm", "gru"),
    )
    hidden_dim: int = option(500, "units of each layer of the encoder and the decoder", min=1)
