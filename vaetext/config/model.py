"""Options that several models share; those of each model are in ``config/models/``."""

from dataclasses import dataclass

from vaetext.config.options import Checked, check_unused, option

CELLS = ("rnn", "lstm", "gru")  # of models that never mask a step


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
    embedding_dropout: float = option(
        0.0,
        "share of the token types whose embedding the decoder reads as zeros in a batch",
        min=0.0,
        below=1.0,
    )
    weight_drop: float = option(
        0.0,
        "dropout of the decoder's recurrent matrices, one mask for a batch",
        min=0.0,
        below=1.0,
    )
    activation_penalty: float = option(
        0.0,
        "weight of the mean square of the decoder's outputs after dropout, summed over steps",
        min=0.0,
    )
    temporal_penalty: float = option(
        0.0,
        "weight of the mean square of what the decoder's outputs change by from step to step,"
        " summed",
        min=0.0,
    )
    tied: bool = option(
        False,
        "use the decoder's embedding as output layer, through a linear map if their sizes differ",
    )
    init_scale: float = option(
        0.0,
        "initial weights from U(-init_scale, init_scale), except a prior's; 0: layers' defaults",
        min=0.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.dropout and not self.output_dropout:
            check_unused(self, "dropout or output_dropout above 0", "locked_dropout")


@dataclass
class FixedLength(Model):
    """Options of every model that works on sequences padded to one length."""

    max_length: int = option(
        0,
        "longest sequence, in tokens with EOS or in frames; 0: the longest in the data",
        min=0,
    )


@dataclass
class Latent(Model):
    """Options of every model with a latent vector z."""

    latent_dim: int = option(16, "dimensions of z (channels, if z is a feature map)", min=1)
    prior: str = option(
        "standard",
        "prior of z: standard is N(0, I), gmm a learned Gaussian mixture, vamp a VampPrior",
        choices=("standard", "gmm", "vamp"),
    )
    max_log_variance: float = option(
        20.0, "upper bound of the log-variances of q(z|x); 0: it is no wider than N(0, I)", max=20.0
    )
    components: int = option(20, "gmm, vamp: components of the mixture", min=1)
    pseudo_length: int = option(12, "vamp: steps of each pseudo-input", min=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prior == "standard":
            check_unused(self, "prior=gmm or vamp", "components")
        if self.prior != "vamp":
            check_unused(self, "prior=vamp", "pseudo_length")


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
        if len(self.latent_dims) == 1:
            check_unused(self, "two layers or more", "only_mu_up")


@dataclass
class MappedLadder(Ladder):
    """Options of every ladder VAE whose latents may be feature maps."""

    latent: str = option(
        "dense",
        "each latent is one vector, or a feature map of positions x channels",
        choices=("dense", "feature-map"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.latent == "feature-map":  # of which every input sees its own position
            check_unused(self, "latent=dense", "z_to")


@dataclass
class Stepwise(Model):
    """Options of every model that reads a sequence step by step with feature nets (Arthi 2019)."""

    cell: str = option("lstm", "recurrent cell", choices=("lstm", "gru"))
    hidden_dim: int = option(256, "units of the recurrent layer", min=1)
    feature_dim: int = option(256, "units of every layer of the feature nets", min=1)
    feature_layers: int = option(2, "layers of each feature net", min=1)
    dropout: float = option(
        0.0, "dropout of the features of x_t and of the output layer's", min=0.0, below=1.0
    )
    head: str | None = option(
        None,
        "distribution of x_t: softmax of tokens, bernoulli of binary frames, gaussian or gmm (20"
        " components) of real-valued frames; null: the first that fits the data",
        choices=("softmax", "bernoulli", "gaussian", "gmm"),
    )


@dataclass
class StepLatent(Stepwise):
    """Options of every model with a latent at every step."""

    latent_dim: int = option(64, "dimensions of each z_t", min=1)
    residual: bool = option(
        False, "the mean of q(z_t) is that of the prior plus what its net gives (Res_q)"
    )
