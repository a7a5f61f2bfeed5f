"""The configuration of ``vaetext train``, as it is saved in a run folder."""

from dataclasses import dataclass

from omegaconf import MISSING

from vaetext.config.data import Data
from vaetext.config.knobs import MAX_SEED, Checked, knob
from vaetext.config.model import Latent, Model
from vaetext.config.trainer import Trainer


@dataclass
class TrainConfig(Checked):
    """One run: a model, a data set, a trainer and a seed."""

    model: Model = knob(MISSING, "what is trained")
    data: Data = knob(MISSING, "what it is trained on")
    trainer: Trainer = knob(MISSING, "how it is trained")
    seed: int = knob(0, "seed of initial weights, batches and noise", min=0, max=MAX_SEED)
    outputs: str = knob("outputs", "folder that run folders are made in")
    sweep: str = knob("${oc.env:VAETEXT_SWEEP,sweep}", "name of a multirun's folder; by default made from its overrides")
    debug: bool = knob(False, "errors show where they came from")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.outputs:
            raise ValueError("outputs='' names no folder; leave it out, or set outputs=. for this one")
        if not (isinstance(self.model, Latent) and isinstance(self.trainer, Trainer)):
            return
        if self.model.prior != "standard" and self.trainer.free_bits and self.trainer.free_bits_per == "dimension":
            raise ValueError(
                f"trainer.free_bits_per=dimension: the KL under model.prior={self.model.prior} is sampled jointly and has no dimensions;"
                " use trainer.free_bits_per=latent"
            )
