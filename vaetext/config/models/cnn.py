"""Options of cnn; their values are in ``conf/model/cnn.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import Convolutional


@dataclass
class CNN(Convolutional):
    """Convolutional encoder and deconvolution: the tokens are independent given z."""
