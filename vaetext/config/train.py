"""The configuration of ``vaetext train``, as it is saved in a run folder."""

from dataclasses import dataclass

from omegaconf import MISSING

from vaetext.config.data import Data
from vaetext.config.model import Latent, Model
from vaetext.config.options import MAX_SEED, Checked, option
from vaetext.config.trainer import Trainer


@dataclass
class TrainConfig(Checked):
    """One run: a model, a data set, a trainer and a seed."""

    model: Model = option(MISSING, "what is trained")
    data: Data = option(MISSING, "what it is trained on")
    trainer: Trainer = option(MISSING, "how it is trained")
    seed: int = option(0, "seed of initial weights, batches and noise", min=0, max=MAX_SEED)
    outputs: str = option("outputs", "folder that run folders are made in")
    sweep: str = option(
        "${oc.env:VAETEXT_SWEEP,sweep}",
        "name of a multirun's folder; by default made from its overrides",
    )
    debug: bool = option(False, "errors show where they came from")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.outputs:
            raise ValueError(
                "outputs='' names no folder; leave it out, or set outputs=. for this one"
            )
        if not (isinstance(self.model, Latent) and isinstance(self.trainer, Trainer)):
            return
        if (
            self.model.prior != "standard"
            and self.trainer.free_bits
            and self.trainer.free_bits_per == "dimension"
        ):
            raise ValueError(
                f"trainer.free_bits_per=dimension: the KL under model.prior={self.model.prior} is sampled jointly and has no dimensions;"
                " use trainer.free_bits_per=latent"
            )
