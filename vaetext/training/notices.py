"""What the log says of a run that ends before its KL weights do, or before its last epoch."""

import logging
from collections.abc import Sequence
from pathlib import Path

from vaetext.config.trainer import Trainer
from vaetext.objectives.schedules import free_bits, kl_weights, rise_end
from vaetext.training.state import State

log = logging.getLogger(__name__)


def warn_of_low_weights(config: Trainer, latents: Sequence[str]) -> None:
    """Warns of weights below their largest at the end, free bits above 0, and bounds of small K."""
    _warn_of_floors(config, latents)
    if latents:
        _warn_of_samples(config)
    end = rise_end(config, latents)
    if end <= config.epochs:
        return
    weights = kl_weights(config, config.epochs - 1e-6, latents)  # just before the end
    log.warning(
        "trainer.epochs=%s: a KL weight rises until epoch %g, so training ends at a weight of %s,"
        " below beta_max; raise trainer.epochs, or set trainer.beta_epochs=0 (it then rises over"
        " trainer.beta_share of the epochs)",
        config.epochs,
        round(end, 3),
        ", ".join(f"{weight:.3g} ({name})" for name, weight in weights.items()),
    )


def _warn_of_samples(config: Trainer) -> None:
    if config.bound != "elbo" and config.samples == 1:
        log.warning(
            "trainer.bound=%s: with trainer.samples=1 it is the ELBO, by which the weights are then"
            " chosen too; set trainer.samples to 2 or more",
            config.bound,
        )
    if config.bound == "fivo" and config.samples == 2:  # of which at least one is effective: half
        log.warning(
            "trainer.bound=fivo: with trainer.samples=2 nothing is ever resampled, so it is the"
            " same as iwae; set trainer.samples to 3 or more"
        )


def _warn_of_floors(config: Trainer, latents: Sequence[str]) -> None:
    floors = free_bits(config, config.epochs, latents)
    if config.fall_epochs <= config.epochs or not any(floors.values()):
        return
    log.warning(
        "trainer.epochs=%s: free bits fall to 0 until epoch %g, so training ends with %s nats free;"
        " raise trainer.epochs, or set trainer.free_bits_epochs=0 and trainer.free_bits_share",
        config.epochs,
        round(config.fall_epochs, 3),
        ", ".join(f"{nats:.3g} ({name})" for name, nats in floors.items()),
    )


def log_early_stop(config: Trainer, state: State, bound: str) -> None:
    """Logs that training stopped before its last epoch, and why.

    Args:
        bound: the title of what decides it.
    """
    if state.epoch >= config.epochs:
        return
    log.info(
        "stopped early after epoch %s: valid %s has not improved for %s epochs"
        " (trainer.patience=%s); the lowest was %.3f, after epoch %s",
        state.epoch - 1,
        bound,
        state.stale,
        config.patience,
        state.best,
        state.best_epoch,
    )


def broken(what: str, last: Path) -> ValueError:
    """The error of a run that cannot go on.

    Args:
        what: has happened.
        last: path of the last checkpoint.
    """
    kept = f"{last} keeps the last good state" if last.is_file() else "before its first checkpoint"
    return ValueError(
        f"{what}: training stopped, {kept}; try a smaller trainer.lr, or trainer.clip"
    )
