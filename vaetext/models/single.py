"""What is common to models with a latent vector whose prior is an option."""

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.distributions.latent import Latent, LatentSample
from vaetext.distributions.noise import Noise
from vaetext.distributions.priors import Prior
from vaetext.models.base import SequenceModel
from vaetext.models.diagnostics import Diagnostic
from vaetext.models.plane import Plane


class ChosenPrior(SequenceModel):
    """A model with a latent vector whose prior ``model.prior`` names.

    Attributes:
        prior: p(z).
        encoder: its ``embed(batch)`` gives embedded steps [B, T, E].
    """

    prior: Prior
    encoder: Any

    def setup(self, batches: Iterable[Batch]) -> None:
        """Initialises the pseudo-inputs of a VampPrior from training sequences.

        The last EOS of each is left out.
        """
        self.prior.setup(
            row[words]
            for batch in batches
            for row, words in zip(self.encoder.embed(batch), batch.encoder_mask, strict=True)
        )


class SingleLatent(ChosenPrior):
    """A model with one latent z; ``encode`` gives q(z|x), ``prior`` is p(z).

    Where z is a vector of two dimensions, its diagnostics show the plane of codes.
    """

    latents = (Latent("z"),)

    def sample(
        self, encoded: Any, noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        return {"z": self.prior.posterior_sample(encoded, noise.at("z"))}

    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"z": given["z"] if "z" in given else self.prior.sample(noise.at("z"))}

    def diagnostics(self) -> list[Diagnostic]:
        return [Plane()] if self._is_plane else []

    @property
    def _is_plane(self) -> bool:
        return self.prior.latent_dim == 2 and not self.prior.positions
