"""The options of every model; the values a user sees stand in ``conf/model/``."""

from dataclasses import dataclass

from vaetext.config.options import Checked, option


@dataclass
class Model(Checked):
    """What every model has."""

    name: str = option(
        "", "the model's name in the registry, in tables and in the run folder's path"
    )


@dataclass
class Recurrent(Model):
    """What every model with an embedding and a recurrent decoder has (sizes: source 000, Experiments)."""

    embedding_dim: int = option(300, "size of the embeddings of symbols or frames", min=1)
    hidden_dim: int = option(256, "units of each recurrent layer", min=1)
    layers: int = option(1, "recurrent layers of the decoder", min=1)
    cell: str = option("lstm", "recurrent cell", choices=("lstm", "gru"))
    dropout: float = option(0.5, "dropout on the decoder's inputs", min=0.0, below=1.0)
    output_dropout: float = option(0.0, "dropout on the decoder's outputs", min=0.0, below=1.0)
    locked_dropout: bool = option(False, "one dropout mask for all steps of a sequence")
    tied: bool = option(
        False,
        "output layer shares the decoder's embedding, through a linear map where sizes differ",
    )
    init_scale: float = option(
        0.0,
        "all weights but a prior's start from U(-init_scale, init_scale); 0 keeps each layer's own law",
        min=0.0,
    )


@dataclass
class FixedLength(Model):
    """What every model that works on sequences of one fixed length has."""

    max_length: int = option(
        0,
        "most symbols of a sequence, EOS counted, or frames; 0 takes the longest of the data",
        min=0,
    )


@dataclass
class RNNLM(Recurrent):
    """Recurrent language model: exact log p(x), no latent."""


@dataclass
class Latent(Model):
    """What every model with a dense latent vector has."""

    latent_dim: int = option(
        16, "dimensions of each latent vector (of a feature map: its channels)", min=1
    )
    prior: str = option(
        "standard",
        "prior of z: N(0, I), a learned Gaussian mixture, or VampPrior",
        choices=("standard", "gmm", "vamp"),
    )
    components: int = option(20, "gmm and vamp: components of the mixture", min=1)
    pseudo_length: int = option(12, "vamp: steps of each pseudo-input", min=1)


@dataclass
class Mapped(Latent, FixedLength):
    """What every model has whose latent may be a map of positions x channels (source 004, 4.1)."""

    latent: str = option(
        "dense",
        "z: one vector, or a map whose positions follow the sequence",
        choices=("dense", "feature-map"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.latent == "feature-map" and self.prior != "standard":
            raise ValueError(
                f"prior={self.prior} is a law of one vector; use prior=standard with latent=feature-map, or latent=dense"
            )


@dataclass
class VRAE(Mapped, Recurrent):
    """Variational recurrent autoencoder with one latent vector z, or a map."""

    encoder_layers: int = option(1, "recurrent layers of the encoder", min=1)
    bidirectional: bool = option(False, "encoder reads in both directions")
    pooling: str = option(
        "final",
        "dense: encoder features, the final state [h; c] or the maximum over steps",
        choices=("final", "max"),
    )
    z_to: str = option(
        "state",
        "dense: where z enters the decoder, its initial state, or that and every input",
        choices=("state", "inputs"),
    )
    stride: int = option(8, "feature-map: steps of each of its positions", min=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.latent == "dense":
            _refuse(self, "latent=feature-map", "max_length", "stride")
        else:
            _refuse(self, "latent=dense", "pooling", "z_to")


@dataclass
class HVRAE(FixedLength, Latent, Recurrent):
    """Hierarchical variational recurrent autoencoder: a global z_g, and a local z_l from a pyramid encoder."""

    latent_dim: int = option(16, "dimensions of z_g", min=1)
    local_dim: int = option(16, "dimensions of z_l (of each frame)", min=1)
    prior: str = option(
        "standard",
        "prior of z_g: N(0, I), a learned Gaussian mixture, or VampPrior",
        choices=("standard", "gmm", "vamp"),
    )
    local: str = option(
        "pooled",
        "z_l: one vector, or a map of frames that the decoder attends to",
        choices=("pooled", "sequence"),
    )
    local_prior: str = option(
        "standard",
        "prior of z_l: N(0, I), or a learned p(z_l|z_g)",
        choices=("standard", "conditional"),
    )
    pyramid_layers: int = option(3, "layers of the pyramid; each halves the time resolution", min=1)
    encoder_layers: int = option(1, "recurrent layers of z_g's encoder", min=1)
    max_length: int = option(
        0,
        "local=sequence: most symbols of a sequence, EOS counted, or frames; 0 takes the longest of the data",
        min=0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.local == "pooled":
            _refuse(self, "local=sequence", "max_length")


@dataclass
class Convolutional(Mapped):
    """What every model with a convolutional encoder and a deconvolution has."""

    embedding_dim: int = option(128, "size of the embeddings of symbols or frames", min=1)
    channels: list[int] = option(
        [128, 256, 512],
        "channels of each convolution, which halves the positions; in reverse on the way up",
        min=1,
    )
    output_channels: int = option(128, "channels that the deconvolution ends with", min=1)
    batch_norm: bool = option(True, "batch normalisation after each convolution")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.channels:
            raise ValueError("channels=[] leaves no convolution; name the channels of at least one")


@dataclass
class CNN(Convolutional):
    """Convolutional encoder and deconvolutional decoder: the symbols are independent given z."""


@dataclass
class HybridCNN(Convolutional, Recurrent):
    """Convolutional encoder; deconvolution with a recurrent decoder over its features."""

    alpha: float = option(
        0.3,
        "weight of the deconvolution's own log p(x|z) in the loss; never part of a reported number",
        min=0.0,
    )


@dataclass
class Ladder(Recurrent, FixedLength):
    """What every ladder of L stochastic layers has; layer 1 is next to the data (source 004, 2.4; Sønderby et al. 2016)."""

    hidden_dims: list[int] = option(
        [512, 256, 128], "size of each deterministic layer, from the data up", min=1
    )
    latent_dims: list[int] = option(
        [64, 32, 16],
        "dimensions of each latent, z_1 first (of each position of a feature map)",
        min=1,
    )
    reconstruction_dim: int = option(
        256, "size of the layer between z_1 and the recurrent decoder", min=1
    )
    only_mu_up: bool = option(
        False,
        "a deterministic layer reads the mean of the latent below, not the deterministic layer below",
    )
    batch_norm: bool = option(
        True, "batch normalisation of deterministic layers, means and variances"
    )
    z_to: str = option(
        "state",
        "where the decoder sees z_1: its initial state, or that and every input",
        choices=("state", "inputs"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < len(self.hidden_dims) == len(self.latent_dims):
            raise ValueError(
                f"hidden_dims={self.hidden_dims} and latent_dims={self.latent_dims} must have one size for each stochastic layer;"
                " give both lists the same length"
            )


@dataclass
class LVAE(Ladder):
    """Ladder with dense deterministic layers."""


@dataclass
class LCNNVAE(Ladder):
    """Ladder with convolutional deterministic layers, transposed on the way down (source 004, 4.2)."""

    latent: str = option(
        "dense",
        "each latent is a vector, or a map of positions x channels",
        choices=("dense", "feature-map"),
    )


@dataclass
class LRNNVAE(Ladder):
    """Ladder with recurrent deterministic layers (source 004, 7.2)."""

    latent: str = option(
        "dense",
        "each latent is a vector, or a map of positions x channels",
        choices=("dense", "feature-map"),
    )
    bidirectional: bool = option(False, "deterministic layers read in both directions")


def _refuse(config: Model, where: str, *names: str) -> None:
    """Options that would be ignored, for they are of another setting, must have their defaults."""
    for name in names:
        value, default = getattr(config, name), getattr(type(config), name)
        if value != default:
            raise ValueError(
                f"{name}={value} is for {where} only; leave it at {default}, or use {where}"
            )


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
