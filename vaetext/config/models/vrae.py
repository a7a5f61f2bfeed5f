"""Options of vrae; their values are in ``conf/model/vrae.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import Mapped, Recurrent
from vaetext.config.options import check_unused, option


@dataclass
class VRAE(Mapped, Recurrent):
    """Variational recurrent autoencoder with one latent vector z, or a feature map."""

    encoder: str | None = option(
        None,
        "what reads a sequence: an RNN, lstm or gru, or mlp, a net over its bag of words; null:"
        " model.cell",
        choices=("lstm", "gru", "mlp"),
    )
    encoder_layers: int = option(1, "recurrent layers of the encoder", min=1)
    encoder_dropout: float = option(
        0.0, "dropout of the encoder's embedded inputs", min=0.0, below=1.0
    )
    bidirectional: bool = option(False, "the encoder reads in both directions")
    pooling: str = option(
        "final",
        "latent=dense: q(z|x) reads the encoder's final state, or the maximum over its steps",
        choices=("final", "max"),
    )
    z_to: str = option(
        "state",
        "latent=dense: z enters the decoder's initial state; inputs: that and every input; outputs:"
        " that and every output, to which a linear map of it is added",
        choices=("state", "inputs", "outputs"),
    )
    stride: int = option(
        8, "latent=feature-map: steps of the sequence for each position of z", min=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.latent == "dense":
            check_unused(self, "latent=feature-map", "max_length", "stride")
        else:
            check_unused(self, "latent=dense", "pooling", "z_to")
        if self.encoder == "mlp":
            where = "encoder=lstm (or gru)"
            check_unused(self, where, "latent", "encoder_layers", "bidirectional", "pooling")
