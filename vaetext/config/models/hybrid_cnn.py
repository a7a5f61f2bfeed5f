"""Options of hybrid-cnn; their values are in ``conf/model/hybrid-cnn.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import Convolutional, Recurrent
from vaetext.config.options import option


@dataclass
class HybridCNN(Convolutional, Recurrent):
    """Convolutional encoder, deconvolution, and a recurrent decoder that reads its features."""

    alpha: float = option(
        0.3,
        "weight of the deconvolution's own log p(x|z) in the loss; reported numbers leave it out",
        min=0.0,
    )
