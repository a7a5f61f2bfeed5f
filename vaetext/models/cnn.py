"""The convolutional VAE: convolutions read a sequence, transposed ones write all its steps."""

from collections.abc import Mapping

from torch import Tensor

from vaetext.config.models.cnn import CNN as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State
from vaetext.models.single import SingleLatent
from vaetext.modules.convolutional import ConvolutionalEncoder, Deconvolution
from vaetext.modules.heads import make_head


class CNN(SingleLatent):
    """p(x|z) = prod_t p(x_t|z), t up to the first EOS.

    (Petersen, section 2.2, "CNN model", and section 4.1; Semeniuta et al. 2017.)

    The deconvolution of z gives features h_t at each of N = ``max_length`` positions;
    p(x_t|z) = softmax(W h_t + b), of frames a Gaussian. Positions after EOS are not part of x, EOS
    has probability 1 at position N, and padding and BOS cannot be predicted. So p(x|z) sums to one
    over all sequences of at most N tokens, and the size of a feature map does not depend on the
    length of x.
    """

    reads_inputs = False

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        self.max_length: int = config.max_length or domain.longest
        self.encoder = ConvolutionalEncoder(config, domain, self.max_length)
        self.prior = self.encoder.prior(config)
        self.deconvolution = Deconvolution(config, self.max_length)
        self.head = make_head(domain, config.output_channels)

    def encode(self, batch: Batch, carried: State | None = None) -> Gaussian:
        """q(z|x): mean and log-variance [B, D], or [B, P, D] of a map."""
        return self.encoder(batch)  # type: ignore[no-any-return]

    def log_px(self, batch: Batch, z: Mapping[str, Tensor], noise: Noise) -> Tensor:
        features = self.deconvolution(self.sample_prior(noise, z)["z"])
        return self.head.log_prob(features[:, :, : batch.x.shape[1]], batch, self.max_length)

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        """Features [K, B, S, C] of the S positions left; S is N here."""
        return {"features": self.deconvolution(z["z"])}

    def emit(self, state: State, noise: Noise) -> tuple[Distribution, State]:
        """p(x_t|z), which ignores the tokens before it."""
        features = state["features"]
        return self.head(features[:, :, 0], features.shape[2] == 1), state

    def advance(self, state: State, x: Tensor) -> State:
        return {"features": state["features"][:, :, 1:]}
