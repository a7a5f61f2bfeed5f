"""What models with one latent z under a prior of their choice share."""

from typing import Any

from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.distributions.evidence import Code
from vaetext.distributions.noise import Noise
from vaetext.distributions.priors import Prior
from vaetext.models.base import Generator, NeedsData, SequenceModel


class SingleLatent(SequenceModel, Generator, NeedsData):
    """A model whose only latent z has the Gaussian q(z|x) that ``posterior`` gives, and the law ``prior_law``."""

    latents = ("z",)
    prior_law: Prior
    encoder: Any  # gives embed(batch) [B, T, E]

    def setup(self, batches: list[Batch]) -> None:
        """Starts a VampPrior's pseudo-inputs from training sentences."""
        self.prior_law.setup([self.encoder.embed(batch) for batch in batches])

    def sample(self, posterior: Any, noise: Noise) -> dict[str, Code]:
        return {"z": self.prior_law.code("z", posterior, noise)}

    def prior(self, noise: Noise) -> dict[str, Tensor]:
        return {"z": self.prior_law.draw("z", noise)}
