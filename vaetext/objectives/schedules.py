"""What changes over training: the KL weight and the learning rate, as pure functions of the epochs done, those in part too."""

import math

from vaetext.config.trainer import Trainer


def kl_weight(config: Trainer, epochs: float) -> float:
    """The KL weight once ``epochs`` epochs are done.

    With u = epochs / beta_epochs: constant, beta_max; linear, min(beta_max, beta_start + u * beta_max) (source 000,
    authors' code); sigmoid, beta_max / (1 + exp(-12 (u - 1/2))) until u = 1 (Bowman et al. 2016); cyclical, linear in the first
    ``beta_ramp`` of each cycle of ``beta_epochs``, then beta_max (Fu et al. 2019).
    """
    u = epochs / config.beta_epochs
    if config.beta_schedule == "constant":
        return config.beta_max
    if config.beta_schedule == "sigmoid":
        return config.beta_max / (1 + math.exp(-12 * (u - 0.5))) if u < 1 else config.beta_max
    if config.beta_schedule == "cyclical":
        u = (
            round(u, 9) % 1.0
        ) / config.beta_ramp  # 0.3 / 0.1 begins a cycle, 2.9999999999999996 as it is
    return min(config.beta_max, config.beta_start + u * config.beta_max)


def kl_weights(config: Trainer, epochs: float, latents: int) -> list[float]:
    """The KL weight of each latent: the n-th (from 0) is where ``beta`` was n * beta_delay epochs before, its start until then.

    In a ladder, whose z_1 comes first, KL is paid for from the data up: what is cheaper in a latent not yet paid for moves there.
    """
    return [kl_weight(config, max(0.0, epochs - n * config.beta_delay)) for n in range(latents)]


def learning_rate(config: Trainer, epochs: float, step: int, reductions: int) -> float:
    """The learning rate of optimizer step ``step`` (from 0), ``epochs`` epochs done, after ``reductions`` cuts of the plateau schedule.

    halving: lr * lr_factor^(milestones passed, epochs from 0); plateau: lr * lr_factor^reductions; cosine: from lr to 0 over all
    epochs; each times min(1, (step + 1) / warmup_steps).
    """
    rate = config.lr * min(1.0, (step + 1) / max(config.warmup_steps, 1))
    if config.schedule == "halving":
        return rate * config.lr_factor ** sum(epochs >= epoch for epoch in config.halve_at)
    if config.schedule == "plateau":
        return rate * config.lr_factor**reductions
    if config.schedule == "cosine":
        return rate * 0.5 * (1 + math.cos(math.pi * min(1.0, epochs / config.epochs)))
    return rate
