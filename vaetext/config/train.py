"""The configuration of ``vaetext train``, as it is saved in a run folder."""

from dataclasses import asdict, dataclass

from omegaconf import MISSING

from vaetext.config.data import Data, check_name
from vaetext.config.model import Latent, Model
from vaetext.config.models import MODELS
from vaetext.config.options import MAX_SEED, Checked, check_schema, option
from vaetext.config.plugins import plugin_schemas
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
        if isinstance(self.data, Data):
            check_name(self.data)
        if isinstance(self.model, Model):
            _check_model_name(self.model)
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


def models() -> dict[str, type[Model]]:
    """Model name -> schema: our own, and those of installed packages."""
    return {**plugin_schemas(), **MODELS}


def _check_model_name(model: Model) -> None:
    """Raises ValueError where a model's name is not that of its options, by which it is built."""
    check_schema("model", "model", model, models())
