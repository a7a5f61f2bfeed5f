"""The convolutional VAE: convolutions read a sequence, transposed ones write all its steps."""

from torch import Tensor

from vaetext.config.model import CNN as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.gaussian import Gaussian
from vaetext.models.single import SingleLatent
from vaetext.modules.convolutional import ConvolutionalEncoder, Deconvolution
from vaetext.modules.output import Distribution, output


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
        self.output = output(domain, config.output_channels)

    def posterior(self, batch: Batch) -> Gaussian:
        """q(z|x): mean and log-variance [B, D], or [B, P, D] of a map."""
        return self.encoder(batch)  # type: ignore[no-any-return]

    def log_px(self, batch: Batch, codes: dict[str, Tensor]) -> Tensor:
        z = codes["z"]
        features = self.deconvolution(z.flatten(0, 1))[:, : batch.x.shape[1]]
        return self.output.log_px(batch, len(z), features, self.max_length)

    def start(self, codes: dict[str, Tensor], rows: int) -> Tensor:
        """Features [rows, S, C] of the S positions left; S is N here."""
        return self.deconvolution(codes["z"])  # type: ignore[no-any-return]

    def step(self, state: Tensor, token: Tensor) -> tuple[Distribution, Tensor]:
        """p(x_t|z), which ignores the tokens before it, and the features of later positions."""
        last = state.shape[1] == 1
        return self.output.distribution(state[:, 0], last), state[:, 1:]

    def select(self, state: Tensor, index: Tensor) -> Tensor:
        return state[index]
