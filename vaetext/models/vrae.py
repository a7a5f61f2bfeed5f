"""The variational recurrent autoencoder: one latent vector of a sequence, or a map along it."""

from collections.abc import Mapping

from torch import Tensor, nn

from vaetext.config.models.vrae import VRAE as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian, GaussianHead
from vaetext.distributions.noise import Noise
from vaetext.distributions.priors import make_prior
from vaetext.distributions.state import State
from vaetext.models.autoregressive import Autoregressive
from vaetext.models.single import SingleLatent
from vaetext.modules.decoder import Decoder
from vaetext.modules.encoder import BagEncoder, Encoder, MapEncoder, RecurrentEncoder
from vaetext.modules.initial import initialise


class VRAE(Autoregressive, SingleLatent):
    """log p(x) >= E_q[log p(x|z)] - KL(q(z|x) || p(z)).

    (Chien and Wang, "VRAE", details by the authors' code; Bowman et al. 2016; Petersen, "RNN".)

    q(z|x) is a Gaussian read from the final state of an RNN, or with ``encoder="mlp"`` from a bag
    of words (the inference-network notes). z sets the initial state of the
    decoder, h and c of every layer, by one linear map each. With ``z_to="inputs"`` it is also
    concatenated to every input; with ``z_to="outputs"`` a linear map of it is also added to every
    output, before the output layer (a skip connection, as Dieng et al. 2019 have).

    With ``latent="feature-map"`` (Petersen, section 4.1, "RNN (FMP)") z is a map of
    P = ceil(N / stride) positions, N = ``max_length``, for any length of x, so its size does not
    give away the length. q(z_p|x) is read from the mean of the encoder's outputs over window p,
    zeros past the end of the sequence; z_p is concatenated to the inputs of window p. The decoder
    starts from zeros, and EOS has probability 1 at position N.
    """

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        is_map = config.latent == "feature-map"
        self.max_length = (config.max_length or domain.longest) if is_map else None
        self.encoder = _encoder(config, domain, self.max_length)
        most = config.max_log_variance
        self.head = GaussianHead(self.encoder.features, config.latent_dim, most)
        self.every_input = is_map or config.z_to == "inputs"
        self.decoder = Decoder(config, domain, config.latent_dim if self.every_input else 0)
        layers = 0 if is_map else config.layers
        self.to_state = nn.ModuleList(
            nn.Linear(config.latent_dim, self.decoder.rnn.state_size) for _ in range(layers)
        )
        self.to_outputs = None
        if config.z_to == "outputs":
            self.to_outputs = nn.Linear(config.latent_dim, self.decoder.features, bias=False)
        initialise(self, config.init_scale)
        self.prior = make_prior(
            config, config.embedding_dim, self._read_pseudo, self.encoder.positions
        )

    def encode(self, batch: Batch, carried: State | None = None) -> Gaussian:
        """q(z|x): mean and log-variance [B, D], or [B, P, D] of a map."""
        return self.head(self.encoder(batch))  # type: ignore[no-any-return]

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        code = z["z"]
        if isinstance(self.encoder, MapEncoder):
            contexts = code.repeat_interleave(self.encoder.stride, 2)[:, :, : self.max_length]
            return self.decoder.start(code, context=contexts)
        layers = [to_layer(code) for to_layer in self.to_state]
        context = code if self.every_input else None
        shift = None if self.to_outputs is None else self.to_outputs(code)
        return self.decoder.start(code, layers, context, shift=shift)

    def _read_pseudo(self, embedded: Tensor) -> Gaussian:
        """q(z|u) of the pseudo-inputs u [C, L, E] of a VampPrior."""
        return self.head(self.encoder.read(embedded))  # type: ignore[no-any-return]


def _encoder(config: Config, domain: Domain, length: int | None) -> Encoder:
    """The encoder of a vector, or of a map where there is a greatest ``length``."""
    if config.encoder == "mlp":
        sizes = (config.embedding_dim, config.hidden_dim)
        return BagEncoder(domain, *sizes, config.encoder_dropout)
    shared = (
        config.encoder or config.cell,
        domain,
        config.embedding_dim,
        config.hidden_dim,
        config.encoder_layers,
        config.bidirectional,
    )
    if length is None:
        return RecurrentEncoder(*shared, config.pooling, config.encoder_dropout)
    return MapEncoder(*shared, config.stride, length, config.encoder_dropout)
