"""The hybrid VAE: a convolutional encoder, and a recurrent decoder over a deconvolution."""

from collections.abc import Mapping

from torch import Tensor

from vaetext.config.models.hybrid_cnn import HybridCNN as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State
from vaetext.models.autoregressive import Autoregressive
from vaetext.models.single import SingleLatent
from vaetext.modules.convolutional import ConvolutionalEncoder, Deconvolution
from vaetext.modules.decoder import Decoder
from vaetext.modules.heads import make_head
from vaetext.modules.initial import initialise


class HybridCNN(Autoregressive, SingleLatent):
    """log p(x|z) = sum_t log p(x_t | x_<t, f_t(z)), with f the deconvolution of z.

    (Petersen, sections 2.3 and 4.1; Semeniuta et al. 2017.)

    The recurrent decoder reads [embed(x_{t-1}); f_t]; EOS has probability 1 at position
    N = ``max_length``. The loss subtracts alpha * log p_aux(x|z), where p_aux(x|z) = prod_t
    softmax(W f_t + b)[x_t] (of frames: Gaussians) is the deconvolution's own prediction of x. This
    term keeps z in use; it is trained on and not part of any bound. (Petersen's equation 2 adds
    alpha times a log-likelihood to the loss; here the log-likelihood is maximised.)
    """

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        self.max_length: int = config.max_length or domain.longest
        self.alpha = config.alpha
        self.encoder = ConvolutionalEncoder(config, domain, self.max_length)
        self.deconvolution = Deconvolution(config, self.max_length)
        self.decoder = Decoder(config, domain, config.output_channels)
        self.auxiliary = make_head(domain, config.output_channels)
        initialise(self, config.init_scale)
        self.prior = self.encoder.prior(config)

    def encode(self, batch: Batch, carried: State | None = None) -> Gaussian:
        """q(z|x): mean and log-variance [B, D], or [B, P, D] of a map."""
        return self.encoder(batch)  # type: ignore[no-any-return]

    def terms(
        self, batch: Batch, z: Mapping[str, Tensor], noise: Noise
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """``log_px``, and alpha * log p_aux(x|z) besides the penalties of the decoder's outputs."""
        features = self.deconvolution(self.sample_prior(noise, z)["z"])
        state = self.decoder.start(features, context=features)
        log_px, penalties = self.decoder.terms(batch, state)
        auxiliary = self.alpha * self.log_px_aux(batch, features)
        return log_px, {"deconvolution": auxiliary, **penalties}

    def log_px_aux(self, batch: Batch, features: Tensor) -> Tensor:
        """[K, B] log p_aux(x|z), nats per sequence, of features f [K, B, N, C]."""
        steps = features[:, :, : batch.x.shape[1]]
        return self.auxiliary.log_prob(steps, batch, self.max_length)

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        features = self.deconvolution(z["z"])
        return self.decoder.start(features, context=features)
