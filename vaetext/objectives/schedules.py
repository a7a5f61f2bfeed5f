"""The KL weight and the learning rate over training, as functions of the epochs completed.

The number of epochs is a float: half-way through the second epoch it is 1.5.
"""

import math
from collections.abc import Sequence

from vaetext.config.trainer import Trainer


def kl_weight(config: Trainer, epochs: float, latent: str = "") -> float:
    """The KL weight of a latent after ``epochs`` epochs, by ``trainer.beta_schedule``.

    With u = epochs / beta_epochs (where that is 0, beta_share of trainer.epochs), and beta_max that
    of the latent:

    - constant: beta_max.
    - linear: min(beta_max, beta_start + u * beta_max) (Chien and Wang, the authors' code).
    - sigmoid: beta_max / (1 + exp(-12 (u - 1/2))) until u = 1, then beta_max
      (Bowman et al. 2016).
    - cyclical: linear in the first ``beta_ramp`` of each cycle of that length, then beta_max
      (Fu et al. 2019).
    """
    beta_max = config.of_latent("beta_max", latent)
    u = epochs / config.ramp_epochs
    if config.beta_schedule == "constant":
        return beta_max
    if config.beta_schedule == "sigmoid":
        return beta_max / (1 + math.exp(-12 * (u - 0.5))) if u < 1 else beta_max
    if config.beta_schedule == "cyclical":
        # rounded, since 0.3 / 0.1 = 2.9999999999999996 begins a cycle
        u = (round(u, 9) % 1.0) / config.beta_ramp
    return min(beta_max, config.beta_start + u * beta_max)


def kl_weights(config: Trainer, epochs: float, latents: Sequence[str]) -> dict[str, float]:
    """The KL weight of each latent, by name: the n-th (from 0) follows n * beta_delay epochs later.

    Until then it has the weight of epoch 0. The first latent of a ladder is z_1, next to the
    data, so the KL of lower layers is weighted earlier. A latent's own beta_delay in
    ``trainer.latents`` is its whole delay.

    Args:
        config: the schedule.
        epochs: completed.
        latents: their names, in order.
    """
    delays = _delays(config, latents)
    return {name: kl_weight(config, max(0.0, epochs - delays[name]), name) for name in latents}


def free_bits(
    config: Trainer, epochs: float, latents: Sequence[str], share: float = 1.0
) -> dict[str, float]:
    """The nats of each latent's KL that are free, by name.

    They stay, or fall linearly to 0 in free_bits_epochs (where that is 0, free_bits_share of
    trainer.epochs).

    Args:
        config: the schedule.
        epochs: completed.
        latents: their names.
        share: of a sequence that a row is: of a segment, its steps over those of a whole one. The
            floor of a step is the same there.
    """
    share = 1.0 if config.free_bits_per == "step" else share
    if config.fall_epochs:
        share *= max(0.0, 1 - epochs / config.fall_epochs)
    return {name: share * config.of_latent("free_bits", name) for name in latents}


def ramp_end(config: Trainer, latents: Sequence[str]) -> float:
    """Epochs after which no KL weight rises and no free bits fall any more."""
    floored = any(config.of_latent("free_bits", name) for name in latents)
    return max(rise_end(config, latents), config.fall_epochs if floored else 0.0)


def rise_end(config: Trainer, latents: Sequence[str]) -> float:
    """Epochs after which no KL weight rises any more, in a run of ``trainer.epochs``.

    Each latent's rise ends its delay later; a cyclical weight's last rise is that of the last
    cycle. It may be more than ``trainer.epochs``: the run then ends below beta_max. 0 without a
    latent, or with constant weights.
    """
    delays = _delays(config, latents)
    ends = [_end_of(config, delays[name], name) for name in latents]
    return round(max(ends, default=0.0), 9)  # since 0.1 * 30 is more than 3


def _end_of(config: Trainer, delay: float, latent: str) -> float:
    """Epochs after which the weight of one latent rises no more."""
    beta_max = config.of_latent("beta_max", latent)
    if config.beta_schedule == "constant" or not beta_max:
        return 0.0
    if config.beta_schedule == "sigmoid":
        return delay + config.ramp_epochs
    length = config.ramp_epochs * (1 - config.beta_start / beta_max)
    if length <= 0:
        return 0.0
    if config.beta_schedule == "linear":
        return delay + length
    cycles = math.ceil(round((config.epochs - delay) / config.ramp_epochs, 9))  # that begin
    return delay + max(cycles - 1, 0) * config.ramp_epochs + config.beta_ramp * length


def _delays(config: Trainer, latents: Sequence[str]) -> dict[str, float]:
    """Epochs by which the KL weight of each latent is delayed."""
    delays = {name: n * config.beta_delay for n, name in enumerate(latents)}
    for name, own in config.latents.items():
        delays[name] = own.get("beta_delay", delays.get(name, 0.0))
    return delays


def learning_rate(config: Trainer, epochs: float, step: int, reductions: int) -> float:
    """The learning rate of an optimizer step, by ``trainer.schedule``.

    Each is multiplied by min(1, (step + 1) / warmup_steps):

    - constant: lr.
    - halving: lr * lr_factor^n, n the epochs of ``halve_at`` that are reached.
    - plateau: lr * lr_factor^reductions.
    - cosine: from lr to 0 over all epochs (Loshchilov and Hutter 2017).

    Args:
        config: the schedule.
        epochs: completed before the step.
        step: its number, from 0.
        reductions: how often the plateau schedule has reduced the rate.
    """
    rate = config.lr * min(1.0, (step + 1) / max(config.warmup_steps, 1))
    if config.schedule == "halving":
        return rate * config.lr_factor ** sum(epochs >= epoch for epoch in config.halve_at)
    if config.schedule == "plateau":
        return rate * config.lr_factor**reductions
    if config.schedule == "cosine":
        return rate * 0.5 * (1 + math.cos(math.pi * min(1.0, epochs / config.epochs)))
    return rate
