"""What models with a vector under a prior of their choice share."""

from typing import Any

from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.distributions.evidence import Code
from vaetext.distributions.noise import Noise
from vaetext.distributions.priors import Prior
from vaetext.models.base import Generator, NeedsData, SequenceModel


class ChosenPrior(NeedsData):
    """A model with a latent vector under the law ``prior``."""

    prior: Prior
    encoder: Any  # gives embed(batch) [B, T, E]

    def setup(self, batches: list[Batch]) -> None:
        """Starts a VampPrior's pseudo-inputs from the words of training sentences, EOS left out."""
        embedded = [
            zip(self.encoder.embed(batch), batch.word_mask, strict=True) for batch in batches
        ]
        self.prior.setup([row[words] for rows in embedded for row, words in rows])


class SingleLatent(SequenceModel, Generator, ChosenPrior):
    """A model whose only latent z has the Gaussian q(z|x) that ``posterior`` gives, and the law ``prior``."""

    latents = ("z",)

    def sample(self, posterior: Any, noise: Noise) -> dict[str, Code]:
        return {"z": self.prior.code("z", posterior, noise)}

    def sample_prior(self, noise: Noise) -> dict[str, Tensor]:
        return {"z": self.prior.sample("z", noise)}
