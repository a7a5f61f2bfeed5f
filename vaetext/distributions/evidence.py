"""What a model computes for a batch: log p(x|z), and samples and KL of each latent; no loss."""

from dataclasses import dataclass, field

from torch import Tensor

from vaetext.distributions.gaussian import Gaussian


@dataclass(frozen=True)
class Code:
    """K posterior samples of one latent for B sequences; log-densities in nats.

    Attributes:
        z: [K, B, ...] the samples.
        mean: like z, E_q[z|x], the deterministic code. Where q is conditioned on samples of other
            latents, the mean given those samples.
        std: like z, the standard deviations of a Gaussian q(z|x); None for any other distribution,
            whose mutual information is then not reported.
        log_q: [K, B] log q(z|x) at the sample.
        log_p: [K, B] log p(z) at the sample.
        kl: [K, B, *axes], analytic where possible, zero where masked; its sum over ``axes`` is
            KL(q || p).
        axes: the axes of ``kl`` after K and B: "dimension", "step", "position", "layer"; empty for
            a sampled KL, which has none.
        prior_mean: like z, E_p[z] given the latents that p is conditioned on; None where p is
            conditioned on none.
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
        """KL(q || p), [K, B] nats per sequence."""
        return self.kl.flatten(2).sum(2) if self.axes else self.kl

    @property
    def log_ratio(self) -> Tensor:
        """[K, B] log q(z|x) - log p(z) at the sample."""
        return self.log_q - self.log_p


def gaussian_code(
    q: Gaussian,
    p: Gaussian,
    normal: Tensor,
    q_conditioned: bool = False,
    p_conditioned: bool = False,
) -> Code:
    """Samples of a Gaussian q(z|x), a vector or a map, with both densities and the analytic KL.

    The KL is given for each dimension and, of a map, each position.

    Args:
        q: [B, D] or [B, P, D]; [K, B, ...] where it differs from sample to sample.
        p: the prior, of any shape that broadcasts.
        normal: [K, B, D] or [K, B, P, D] samples of N(0, I), one for each sample of z.
        q_conditioned: whether q is conditioned on samples of other latents, so that it is not the
            distribution of z given x alone.
        p_conditioned: whether p is, too.
    """
    z = q.sample(normal)
    kl = q.kl(p).expand_as(z)
    return Code(
        z,
        mean=q.mean.expand_as(z),
        std=None if q_conditioned else q.std.expand_as(z),
        log_q=_log_density(q, z),
        log_p=_log_density(p, z),
        kl=kl,
        axes=("position", "dimension")[4 - z.dim() :],
        prior_mean=p.mean.expand_as(z) if p_conditioned else None,
    )


def _log_density(distribution: Gaussian, z: Tensor) -> Tensor:
    """[K, B] log-density of a vector or a map z [K, B, ...]."""
    return distribution.log_prob(z).reshape(*z.shape[:2], -1).sum(-1)


@dataclass(frozen=True)
class Evidence:
    """The terms of every bound on log p(x), at weight 1.

    Attributes:
        log_px: [K, B] log p(x|z), nats per sequence, EOS counted.
        latents: latent name -> Code.
        aux: name -> [K, B] log-likelihoods that are trained on and never reported, already
            multiplied by the weight that the model gives them.
    """

    log_px: Tensor
    latents: dict[str, Code] = field(default_factory=dict)
    aux: dict[str, Tensor] = field(default_factory=dict)

    @property
    def elbo(self) -> Tensor:
        """[K, B] log p(x|z) - sum of the KLs, nats per sequence."""
        return self.log_px - sum(code.total_kl for code in self.latents.values())

    @property
    def log_weight(self) -> Tensor:
        """[K, B] log p(x, z) - log q(z|x) at the sample, nats per sequence."""
        return self.log_px - sum(code.log_ratio for code in self.latents.values())
