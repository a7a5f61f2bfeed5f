"""The bound on the validation split that chooses the weights: the one that is trained on."""

from dataclasses import dataclass
from typing import Any

import torch

from vaetext.config.trainer import Trainer
from vaetext.data.loader import Split
from vaetext.evaluation.metrics import summary
from vaetext.evaluation.results import SplitResults
from vaetext.evaluation.scoring import score
from vaetext.models.base import SequenceModel
from vaetext.parallel.ranks import Ranks


@dataclass(frozen=True)
class Criterion:
    """What the best weights, early stopping and the plateau schedule are decided by.

    Attributes:
        key: its name in metrics and results: ``neg_elbo``, ``iw_nll`` or ``fivo_nll``.
        samples: of z for each sequence.
        particles: of the filter; 0 for none.
    """

    key: str = "neg_elbo"
    samples: int = 1
    particles: int = 0

    @property
    def title(self) -> str:
        """The name of its column: ``-ELBO``, ``IW-NLL(16)`` or ``FIVO-NLL(16)``."""
        titles = {
            "neg_elbo": "-ELBO",
            "iw_nll": f"IW-NLL({self.samples})",
            "fivo_nll": f"FIVO-NLL({self.particles})",
        }
        return titles[self.key]

    @property
    def saved_as(self) -> str:
        """Its name in the best checkpoint, where bounds of another K are other bounds."""
        return self.key if self.key == "neg_elbo" else self.title

    def measured(
        self,
        model: SequenceModel,
        split: Split,
        *,
        seed: int,
        batch_tokens: int,
        device: torch.device,
        ranks: Ranks,
    ) -> dict[str, Any]:
        """rec, KL, -ELBO and the bound that chooses, of the validation split, nats per sequence."""
        scores = score(
            model,
            split,
            seed=seed,
            samples=self.samples,
            particles=self.particles,
            batch_tokens=batch_tokens,
            device=device,
            codes=False,
            ranks=ranks,
        )
        return self.metrics(summary(scores))

    def metrics(self, results: SplitResults) -> dict[str, Any]:
        """The line of metrics of the validation split; what chooses is named with its K."""
        found = {name: getattr(results, name) for name in ("rec", "kl", "neg_elbo", "ppl")}
        if self.key != "neg_elbo":
            number = f"{self.key.removesuffix('_nll')}_samples"
            found |= {name: getattr(results, name) for name in (self.key, number)}
        return found


def criterion(config: Trainer, model: SequenceModel) -> Criterion:
    """The trained bound, with as many samples or particles as training has.

    With one sample, or of a model without a latent (whose NLL is exact), all bounds are -ELBO.
    """
    if config.bound == "elbo" or config.samples == 1 or not model.latents:
        return Criterion()
    if config.bound == "iwae":
        return Criterion("iw_nll", samples=config.samples)
    return Criterion("fivo_nll", particles=config.samples)
