"""The recurrent language model: the baseline without a latent."""

from typing import Any

from torch import Tensor

from vaetext.config.model import RNNLM as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.evidence import Code
from vaetext.distributions.noise import Noise
from vaetext.models.base import Autoregressive, SequenceModel
from vaetext.modules.decoder import Decoder, DecoderState
from vaetext.modules.initial import initialise


class RNNLM(SequenceModel, Autoregressive):
    """log p(x) = sum_t log p(x_t | x_<t), exact (Chien and Wang, "RNNLM")."""

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        self.decoder = Decoder(config, domain)
        initialise(self, config.init_scale)

    def posterior(self, batch: Batch) -> None:
        return None

    def sample(self, posterior: Any, noise: Noise) -> dict[str, Code]:
        return {}

    def log_px(self, batch: Batch, codes: dict[str, Tensor]) -> Tensor:
        return self.decoder.log_px(batch, 1, None, None)

    def sample_prior(self, noise: Noise) -> dict[str, Tensor]:
        return {}

    def start(self, codes: dict[str, Tensor], rows: int) -> DecoderState:
        return DecoderState(self.decoder.rnn.initial(rows, next(self.parameters())), None)
