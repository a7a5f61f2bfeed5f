"""The configuration of ``vaetext train``, as it is saved in a run folder."""

from dataclasses import asdict, dataclass

from omegaconf import MISSING

from vaetext.config.data import Data
from vaetext.config.model import Latent, Model
from vaetext.config.options import MAX_SEED, Checked, option
from vaetext.config.quoting import check_plain
from vaetext.config.trainer import Trainer


@dataclass
class TrainConfig(Checked):
    """Options of ``vaetext train``."""

    model: Model = option(MISSING, "model")
    data: Data = option(MISSING, "data set")
    trainer: Trainer = option(MISSING, "options of training")
    seed: int = option(0, "seed of initial weights, batches and noise", min=0, max=MAX_SEED)
    outputs: str = option("outputs", "folder in which run folders are made")
    sweep: str = option("sweep", "name of a sweep's folder; by default made from its overrides")
    debug: bool = option(False, "show the traceback of an error")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_plain(asdict(self))
        if not self.outputs:
            raise ValueError(
                "outputs='' is not a folder; leave it out, or set outputs=. for the current one"
            )
        if not (isinstance(self.model, Latent) and isinstance(self.trainer, Trainer)):
            return
        if (
            self.model.prior != "standard"
            and self.trainer.free_bits
            and self.trainer.free_bits_per == "dimension"
        ):
            raise ValueError(
                f"trainer.free_bits_per=dimension: with model.prior={self.model.prior} the KL is"
                " one sampled number for all dimensions; set trainer.free_bits_per=latent"
            )
