"""The training loss: minus a weighted bound, with free bits."""

from collections.abc import Sequence

from torch import Tensor

from vaetext.config.trainer import Trainer
from vaetext.distributions.evidence import Code, Evidence


def training_loss(
    evidence: Evidence, config: Trainer, kl_weight: float | Sequence[float]
) -> Tensor:
    """-E[log p(x|z)] - aux + sum over latents of kl_weight * KL, each KL floored by free bits.

    The loss is in nats, a mean over samples and sequences.

    Args:
        evidence: of one batch.
        config: free bits.
        kl_weight: the KL weight of every latent, or one for each.

    Raises:
        ValueError: free bits per dimension, and a latent whose KL has no dimensions.
    """
    kl = [floored_kl(name, code, config) for name, code in evidence.latents.items()]
    weights = [kl_weight] * len(kl) if isinstance(kl_weight, float) else kl_weight
    aux = [log_p.mean() for log_p in evidence.aux.values()]
    return (
        -evidence.log_px.mean()
        - sum(aux)
        + sum(weight * each for weight, each in zip(weights, kl, strict=True))
    )


def floored_kl(name: str, code: Code, config: Trainer) -> Tensor:
    """max(mean KL, free_bits) of one latent, or of each of its dimensions, summed over them.

    The mean is over samples and sequences. A mean under its floor costs the floor and has no
    gradient (Kingma et al. 2016).

    Args:
        name: of the latent, for messages.
        code: of one batch.
        config: free bits.

    Raises:
        ValueError: free bits per dimension, and a KL that has no dimensions.
    """
    if config.free_bits == 0:
        return code.total_kl.mean()
    if config.free_bits_per == "latent":
        return code.total_kl.mean().clamp(min=config.free_bits)
    if "dimension" not in code.axes:
        raise ValueError(
            f"trainer.free_bits_per=dimension: the KL of {name} is sampled jointly and has no "
            "dimensions; use free_bits_per=latent"
        )
    axis = 2 + code.axes.index("dimension")
    per_dimension = code.kl
    if code.kl.dim() > 3:
        per_dimension = code.kl.movedim(axis, -1).flatten(2, -2).sum(2)
    return per_dimension.flatten(0, -2).mean(0).clamp(min=config.free_bits).sum()
