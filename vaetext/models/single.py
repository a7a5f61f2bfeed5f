"""What is common to models with a latent vector whose prior is an option."""

from typing import Any

from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.distributions.evidence import Code
from vaetext.distributions.noise import Noise
from vaetext.distributions.priors import Prior
from vaetext.models.base import Generator, NeedsData, SequenceModel


class ChosenPrior(NeedsData):
    """A model with a latent vector whose prior ``model.prior`` names.

    Attributes:
        prior: p(z).
        encoder: its ``embed(batch)`` gives embedded steps [B, T, E].
    """

    prior: Prior
    encoder: Any

    def setup(self, batches: list[Batch]) -> None:
        """Initialises the pseudo-inputs of a VampPrior from training sentences, EOS left out."""
        embedded = [
            zip(self.encoder.embed(batch), batch.word_mask, strict=True) for batch in batches
        ]
        self.prior.setup([row[words] for rows in embedded for row, words in rows])


class SingleLatent(SequenceModel, Generator, ChosenPrior):
    """A model with one latent z, a Gaussian q(z|x) from ``posterior`` and p(z) from ``prior``."""

    latents = ("z",)

    def sample(self, posterior: Any, noise: Noise) -> dict[str, Code]:
        return {"z": self.prior.code("z", posterior, noise)}

    def sample_prior(self, noise: Noise) -> dict[str, Tensor]:
        return {"z": self.prior.sample("z", noise)}
