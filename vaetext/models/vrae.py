"""The variational recurrent autoencoder: one latent vector for a whole sequence, or a map along it."""

import torch
from torch import Tensor, nn

from vaetext.config.model import VRAE as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian, GaussianHead
from vaetext.distributions.priors import make_prior
from vaetext.models.base import Autoregressive
from vaetext.models.registry import register
from vaetext.models.single import SingleLatent
from vaetext.modules.decoder import Decoder, DecoderState
from vaetext.modules.encoder import Encoder, MapEncoder
from vaetext.modules.initial import initialise


@register("vrae")
class VRAE(Autoregressive, SingleLatent):
    """log p(x) >= E_q[log p(x|z)] - KL(q(z|x) || p(z)) (source 000, Background Survey; authors' code for the details).

    q(z|x) is a Gaussian read from the encoder's final state; z sets the decoder's initial state, every layer's h and c, by one
    linear map each, and with ``z_to="inputs"`` stands beside every input symbol too.

    With ``latent="feature-map"`` (source 004, 4.1: "RNN (FMP)") z is a map of P = ceil(N / stride) positions, N the longest sequence
    the model takes, whatever the length of x: so its size tells the decoder nothing. q(z_p|x) is read from the encoder's mean output
    over window p, zeros past the sequence's end; z_p stands beside the input symbols of window p, the decoder starts from zeros, and EOS
    is certain at position N.
    """

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        is_map, length = config.latent == "feature-map", config.max_length or domain.longest
        self.max_length = length if is_map else None
        sizes = (
            config.cell,
            domain,
            config.embedding_dim,
            config.hidden_dim,
            config.encoder_layers,
            config.bidirectional,
        )
        self.encoder = (
            MapEncoder(*sizes, config.stride, length) if is_map else Encoder(*sizes, config.pooling)
        )
        self.head = GaussianHead(self.encoder.features, config.latent_dim)
        self.every_input = is_map or config.z_to == "inputs"
        self.decoder = Decoder(config, domain, config.latent_dim if self.every_input else 0)
        layers = 0 if is_map else config.layers
        self.to_state = nn.ModuleList(
            nn.Linear(config.latent_dim, self.decoder.rnn.state_size) for _ in range(layers)
        )
        initialise(self, config.init_scale)
        self.prior = make_prior(
            config,
            config.embedding_dim,
            lambda u: self.head(self.encoder.read(u)),
            self.encoder.positions,
        )

    def posterior(self, batch: Batch) -> Gaussian:
        """q(z|x): mean and log-variance [B, D], or [B, P, D] of a map."""
        return self.head(self.encoder(batch))  # type: ignore[no-any-return]

    def log_px(self, batch: Batch, codes: dict[str, Tensor]) -> Tensor:
        z = codes["z"]
        state = self.start({"z": z.flatten(0, 1)}, z.shape[0] * z.shape[1])
        return self.decoder.log_px(batch, z.shape[0], state.layers, state.context)

    def start(self, codes: dict[str, Tensor], rows: int) -> DecoderState:
        z = codes["z"]
        if isinstance(self.encoder, MapEncoder):
            steps = z.repeat_interleave(self.encoder.stride, 1)[:, : self.max_length]
            return DecoderState(self.decoder.rnn.initial(rows, z), steps)
        layers = [
            torch.stack(to_layer(z).split(self.decoder.rnn.hidden, -1))
            for to_layer in self.to_state
        ]
        return DecoderState(layers, z if self.every_input else None)
