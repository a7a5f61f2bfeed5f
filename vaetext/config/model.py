"""The knobs of every model; the values a user sees stand in ``conf/model/``."""

from dataclasses import dataclass

from vaetext.config.knobs import Checked, knob


@dataclass
class Model(Checked):
    """What every model has."""

    name: str = knob("", "the model's name in the registry, in tables and in the run folder's path")


@dataclass
class Recurrent(Model):
    """What every model with an embedding and a recurrent decoder has (sizes: source 000, Experiments)."""

    embedding_dim: int = knob(300, "size of the symbol embeddings", min=1)
    hidden_dim: int = knob(256, "units of each recurrent layer", min=1)
    layers: int = knob(1, "recurrent layers of the decoder", min=1)
    cell: str = knob("lstm", "recurrent cell", choices=("lstm", "gru"))
    dropout: float = knob(0.5, "dropout on the decoder's inputs", min=0.0, below=1.0)
    output_dropout: float = knob(0.0, "dropout on the decoder's outputs", min=0.0, below=1.0)
    locked_dropout: bool = knob(False, "one dropout mask for all steps of a sequence")
    tied: bool = knob(False, "output layer shares the decoder's embedding, through a linear map where sizes differ")
    init_scale: float = knob(0.0, "all weights start from U(-init_scale, init_scale); 0 keeps each layer's own law", min=0.0)


@dataclass
class FixedLength(Model):
    """What every model that works on sequences of one fixed length has."""

    max_length: int = knob(0, "most symbols of a sequence, EOS counted; 0 takes the longest of the data", min=0)


@dataclass
class RNNLM(Recurrent):
    """Recurrent language model: exact log p(x), no latent."""


@dataclass
class Latent(Recurrent):
    """What every model with a dense latent vector has besides."""

    latent_dim: int = knob(16, "dimensions of each latent vector", min=1)
    prior: str = knob("standard", "prior of z: N(0, I), a learned Gaussian mixture, or VampPrior", choices=("standard", "gmm", "vamp"))
    components: int = knob(20, "gmm and vamp: components of the mixture", min=1)
    pseudo_length: int = knob(12, "vamp: steps of each pseudo-input", min=1)


@dataclass
class VRAE(Latent):
    """Variational recurrent autoencoder with one latent vector z."""

    encoder_layers: int = knob(1, "recurrent layers of the encoder", min=1)
    bidirectional: bool = knob(False, "encoder reads in both directions")
    pooling: str = knob("final", "encoder features: the final state [h; c], or the maximum over steps", choices=("final", "max"))
    z_to: str = knob("state", "where z enters the decoder: its initial state, or that and every input", choices=("state", "inputs"))


@dataclass
class Ladder(Recurrent, FixedLength):
    """What every ladder of L stochastic layers has; layer 1 is next to the data (source 004, 2.4; Sonderby et al. 2016)."""

    hidden_dims: list[int] = knob([512, 256, 128], "size of each deterministic layer, from the data up", min=1)
    latent_dims: list[int] = knob([64, 32, 16], "dimensions of each latent, z_1 first (of each position of a feature map)", min=1)
    reconstruction_dim: int = knob(256, "size of the layer between z_1 and the recurrent decoder", min=1)
    only_mu_up: bool = knob(False, "a deterministic layer reads the mean of the latent below, not the deterministic layer below")
    batch_norm: bool = knob(True, "batch normalisation of deterministic layers, means and variances")
    z_to: str = knob("state", "where the decoder sees z_1: its initial state, or that and every input", choices=("state", "inputs"))

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

    latent: str = knob("dense", "each latent is a vector, or a map of positions x channels", choices=("dense", "feature-map"))


@dataclass
class LRNNVAE(Ladder):
    """Ladder with recurrent deterministic layers (source 004, 7.2)."""

    latent: str = knob("dense", "each latent is a vector, or a map of positions x channels", choices=("dense", "feature-map"))
    bidirectional: bool = knob(False, "deterministic layers read in both directions")


MODELS: dict[str, type[Model]] = {"rnnlm": RNNLM, "vrae": VRAE, "lvae": LVAE, "lcnnvae": LCNNVAE, "lrnnvae": LRNNVAE}
