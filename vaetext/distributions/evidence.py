"""What a model says about a batch, never a loss: log p(x|z), and each latent's code and KL."""

from dataclasses import dataclass, field

from torch import Tensor

from vaetext.distributions.gaussian import Gaussian


@dataclass(frozen=True)
class Code:
    """K posterior samples of one latent for B sequences; log-densities in nats.

    Attributes:
        z: [K, B, ...] the samples.
        mean: like z, E_q[z|x]: the deterministic code; where q hangs on other latents' samples, the mean given those.
        std: like z, the deviations of a Gaussian q(z|x); None for another law (then mutual information is not reported).
        log_q: [K, B] log q(z|x) at the sample.
        log_p: [K, B] log p(z) at the sample.
        kl: [K, B, *axes], analytic where it exists, masked; summed over its axes it is KL(q || p).
        axes: what the axes of ``kl`` after K, B are: "dimension", "step", "position", "layer"; none for a joint, sampled KL.
        prior_mean: like z, E_p[z] given the latents that stand above it; None where none does.
    """

    z: Tensor
    mean: Tensor
    std: Tensor | None
    log_q: Tensor
    log_p: Tensor
    kl: Tensor
    axes: tuple[str, ...] = ("dimension",)
    prior_mean: Tensor | None = None

    @property
    def total_kl(self) -> Tensor:
        """[K, B] nats."""
        return self.kl.flatten(2).sum(2) if self.axes else self.kl

    @property
    def log_ratio(self) -> Tensor:
        """[K, B] log q(z|x) - log p(z) at the sample."""
        return self.log_q - self.log_p


def gaussian_code(
    q: Gaussian, p: Gaussian, normal: Tensor, hangs: bool = False, descends: bool = False
) -> Code:
    """Samples of a Gaussian q(z|x), a vector or a map, with its densities and the analytic KL(q || p) of each dimension (and position).

    Args:
        q: [B, D] or [B, P, D]; [K, B, ...] where it differs from sample to sample.
        p: the prior, of any shape that broadcasts.
        normal: [K, B, D] or [K, B, P, D] draws of N(0, I), one for each sample.
        hangs: q is given samples of other latents, and so no law of z alone.
        descends: p is too.
    """
    z = q.sample(normal)
    mean, std, kl, above = (each.expand_as(z) for each in (q.mean, q.std, q.kl(p), p.mean))
    log_q, log_p = (law.log_prob(z).reshape(*z.shape[:2], -1).sum(-1) for law in (q, p))
    return Code(
        z,
        mean,
        None if hangs else std,
        log_q,
        log_p,
        kl,
        ("position", "dimension")[4 - z.dim() :],
        above if descends else None,
    )


@dataclass(frozen=True)
class Evidence:
    """The terms of every bound, at weight 1.

    Attributes:
        log_px: [K, B] log p(x|z), nats per sequence with EOS.
        latents: name -> Code.
        aux: name -> [K, B] log-likelihoods, weighted as the model wants them, that are trained on and never reported.
    """

    log_px: Tensor
    latents: dict[str, Code] = field(default_factory=dict)
    aux: dict[str, Tensor] = field(default_factory=dict)

    @property
    def elbo(self) -> Tensor:
        """[K, B] log p(x|z) - sum of KL at weight 1, nats per sequence."""
        return self.log_px - sum(code.total_kl for code in self.latents.values())

    @property
    def log_weight(self) -> Tensor:
        """[K, B] log p(x, z) - log q(z|x) at the sample."""
        return self.log_px - sum(code.log_ratio for code in self.latents.values())
