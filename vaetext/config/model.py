"""The options of every model; their values are in ``conf/model/``."""

from dataclasses import dataclass

from vaetext.config.options import Checked, option


@dataclass
class Model(Checked):
    """Options of every model."""

    name: str = option("", "name of the model, in tables and in the path of a run folder")


@dataclass
class Recurrent(Model):
    """Options of every model with a recurrent decoder; sizes of Chien and Wang."""

    embedding_dim: int = option(300, "size of the embedding of a token or frame", min=1)
    hidden_dim: int = option(256, "units of each recurrent layer", min=1)
    layers: int = option(1, "recurrent layers of the decoder", min=1)
    cell: str = option("lstm", "recurrent cell", choices=("lstm", "gru"))
    dropout: float = option(0.5, "dropout of the decoder's inputs", min=0.0, below=1.0)
    output_dropout: float = option(0.0, "dropout of the decoder's outputs", min=0.0, below=1.0)
    locked_dropout: bool = option(False, "use one dropout mask for all steps of a sequence")
    tied: bool = option(
        False,
        "use the decoder's embedding as output layer, through a linear map if their sizes differ",
    )
    init_scale: float = option(
        0.0,
        "initial weights from U(-init_scale, init_scale), except a prior's; 0: layers' defaults",
        min=0.0,
    )


@dataclass
class FixedLength(Model):
    """Options of every model that works on sequences padded to one length."""

    max_length: int = option(
        0,
        "longest sequence, in tokens with EOS or in frames; 0: the longest in the data",
        min=0,
    )


@dataclass
class RNNLM(Recurrent):
    """Recurrent language model without a latent: log p(x) is exact."""


@dataclass
class Latent(Model):
    """Options of every model with a latent vector z."""

    latent_dim: int = option(16, "dimensions of z (channels, if z is a feature map)", min=1)
    prior: str = option(
        "standard",
        "prior of z: standard is N(0, I), gmm a learned Gaussian mixture, vamp a VampPrior",
        choices=("standard", "gmm", "vamp"),
    )
    components: int = option(20, "gmm, vamp: components of the mixture", min=1)
    pseudo_length: int = option(12, "vamp: steps of each pseudo-input", min=1)


@dataclass
class Mapped(Latent, FixedLength):
    """Options of every model whose latent may be a feature map (Petersen, 4.1)."""

    latent: str = option(
        "dense",
        "z is one vector, or a feature map of positions x channels that follows the sequence",
        choices=("dense", "feature-map"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.latent == "feature-map" and self.prior != "standard":
            raise ValueError(
                f"prior={self.prior} is the prior of one vector; set prior=standard with"
                " latent=feature-map, or latent=dense"
            )


@dataclass
class VRAE(Mapped, Recurrent):
    """Variational recurrent autoencoder with one latent vector z, or a feature map."""

    encoder_layers: int = option(1, "recurrent layers of the encoder", min=1)
    bidirectional: bool = option(False, "the encoder reads in both directions")
    pooling: str = option(
        "final",
        "latent=dense: q(z|x) reads the encoder's final state, or the maximum over its steps",
        choices=("final", "max"),
    )
    z_to: str = option(
        "state",
        "latent=dense: z enters the decoder's initial state, or inputs: that and every input",
        choices=("state", "inputs"),
    )
    stride: int = option(
        8, "latent=feature-map: steps of the sequence for each position of z", min=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.latent == "dense":
            _refuse(self, "latent=feature-map", "max_length", "stride")
        else:
            _refuse(self, "latent=dense", "pooling", "z_to")


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
    max_length: int = option(
        0,
        "local=sequence: longest sequence, in tokens with EOS or frames; 0: longest in the data",
        min=0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.local == "pooled":
            _refuse(self, "local=sequence", "max_length")


@dataclass
class Convolutional(Mapped):
    """Options of every model with a convolutional encoder and a deconvolution."""

    embedding_dim: int = option(128, "size of the embedding of a token or frame", min=1)
    channels: list[int] = option(
        [128, 256, 512],
        "channels of each convolution, which halves the length; the deconvolution reverses them",
        min=1,
    )
    output_channels: int = option(128, "channels of the deconvolution's output", min=1)
    batch_norm: bool = option(True, "batch normalisation after each convolution")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.channels:
            raise ValueError("channels=[] leaves no convolution; give the channels of at least one")


@dataclass
class CNN(Convolutional):
    """Convolutional encoder and deconvolution: the tokens are independent given z."""


@dataclass
class HybridCNN(Convolutional, Recurrent):
    """Convolutional encoder, deconvolution, and a recurrent decoder that reads its features."""

    alpha: float = option(
        0.3,
        "weight of the deconvolution's own log p(x|z) in the loss; reported numbers leave it out",
        min=0.0,
    )


@dataclass
class Ladder(Recurrent, FixedLength):
    """Options of every ladder VAE (Sønderby et al. 2016); layer 1 is next to the data."""

    hidden_dims: list[int] = option(
        [512, 256, 128], "size of each deterministic layer, from the data up", min=1
    )
    latent_dims: list[int] = option(
        [64, 32, 16],
        "dimensions of each latent, z_1 first (of each position, if it is a feature map)",
        min=1,
    )
    reconstruction_dim: int = option(
        256, "size of the layer between z_1 and the recurrent decoder", min=1
    )
    only_mu_up: bool = option(
        False,
        "each deterministic layer reads the mean of the latent below, not the layer below",
    )
    batch_norm: bool = option(
        True, "batch normalisation of deterministic layers, means and variances"
    )
    z_to: str = option(
        "state",
        "z_1 enters the decoder's initial state, or inputs: that and every input",
        choices=("state", "inputs"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < len(self.hidden_dims) == len(self.latent_dims):
            raise ValueError(
                f"hidden_dims={self.hidden_dims} and latent_dims={self.latent_dims} need one size"
                " for each layer; give both lists the same length"
            )


@dataclass
class LVAE(Ladder):
    """Ladder VAE with dense layers."""


@dataclass
class LCNNVAE(Ladder):
    """Ladder VAE with convolutional layers, transposed on the way down (Petersen, 4.2)."""

    latent: str = option(
        "dense",
        "each latent is one vector, or a feature map of positions x channels",
        choices=("dense", "feature-map"),
    )


@dataclass
class LRNNVAE(Ladder):
    """Ladder VAE with recurrent layers (Petersen, 7.2)."""

    latent: str = option(
        "dense",
        "each latent is one vector, or a feature map of positions x channels",
        choices=("dense", "feature-map"),
    )
    bidirectional: bool = option(False, "the recurrent layers read in both directions")


def _refuse(config: Model, where: str, *names: str) -> None:
    """Checks that options that have no effect have their defaults."""
    for name in names:
        value = getattr(config, name)
        default = getattr(type(config), name)
        if value != default:
            raise ValueError(
                f"{name}={value} has an effect with {where} only; set {name}={default}, or {where}"
            )


# name -> schema; ``vaetext/models/`` and ``conf/model/`` have a file of each name
MODELS: dict[str, type[Model]] = {
    "rnnlm": RNNLM,
    "vrae": VRAE,
    "hvrae": HVRAE,
    "cnn": CNN,
    "hybrid-cnn": HybridCNN,
    "lvae": LVAE,
    "lcnnvae": LCNNVAE,
    "lrnnvae": LRNNVAE,
}
