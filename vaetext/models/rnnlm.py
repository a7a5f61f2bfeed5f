"""The recurrent language model: the baseline without a latent."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vaetext.config.models.rnnlm import RNNLM as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.latent import LatentSample
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State
from vaetext.models.autoregressive import Autoregressive
from vaetext.modules.decoder import Decoder
from vaetext.modules.initial import initialise


class RNNLM(Autoregressive):
    """log p(x) = sum_t log p(x_t | x_<t), exact (Chien and Wang, "RNNLM")."""

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        self.decoder = Decoder(config, domain)
        initialise(self, config.init_scale)

    def encode(self, batch: Batch, carried: State | None = None) -> None:
        return None

    def sample(
        self, encoded: Any, noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        return {}

    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {}

    def terms(
        self, batch: Batch, z: Mapping[str, Tensor], noise: Noise
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Computed once, as all samples are equal."""
        like = next(self.parameters()).new_zeros(1, len(batch))
        log_px, aux = self.decoder.terms(batch, self.decoder.start(like))
        samples = noise.samples
        penalties = {name: each.expand(samples, -1) for name, each in aux.items()}
        return log_px.expand(samples, -1), penalties

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        like = next(self.parameters()).new_zeros(noise.samples, noise.rows)
        return self.decoder.start(like)
