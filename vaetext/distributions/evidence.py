"""What a model says about a batch, never a loss: log p(x|z), and every latent's sample."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vaetext.distributions.latent import LatentSample
from vaetext.distributions.state import State


@dataclass(frozen=True)
class Evidence:
    """The terms of every bound on log p(x), at weight 1.

    Attributes:
        log_px: [K, B] log p(x|z), nats per sequence, EOS counted.
        latents: name -> K samples of its posterior.
        aux: name -> [K, B] log-likelihoods in nats per sequence, weighted as the model wants
            them, that are trained on and never part of a bound.
        log_share: [K, B] log of each sample's share in an average over K, where a discrete latent
            was enumerated: log q(l|x) - log m for m samples of each value. None: 1 / K each.
        state: of the model after the last step, from which the next segment continues.
        estimate: [B] log p^(x) of a particle filter, in place of the average of weights.
    """

    log_px: Tensor
    latents: Mapping[str, LatentSample] = field(default_factory=dict)
    aux: Mapping[str, Tensor] = field(default_factory=dict)
    log_share: Tensor | None = None
    state: State | None = None
    estimate: Tensor | None = None

    def first(self) -> "Evidence":
        """The first sample alone, of evidence that was neither enumerated nor filtered."""
        return Evidence(
            log_px=self.log_px[:1],
            latents={name: each.first() for name, each in self.latents.items()},
            aux={name: each[:1] for name, each in self.aux.items()},
        )

    def average(self, term: Tensor) -> Tensor:
        """[B, ...] the average over the K samples of a term [K, B, ...]."""
        if self.log_share is None:
            return term.mean(0)
        share = self.log_share.exp()
        return (share.reshape(*share.shape, *[1] * (term.dim() - 2)) * term).sum(0)

    @property
    def elbo(self) -> Tensor:
        """[K, B] log p(x|z) - sum of KL, nats per sequence."""
        return self.log_px - sum(each.total_kl for each in self.latents.values())

    @property
    def log_weight(self) -> Tensor:
        """[K, B] log p(x, z) - log q(z|x) at the sample, nats per sequence."""
        return self.log_px - sum(each.log_q - each.log_p for each in self.latents.values())

    @property
    def log_likelihood(self) -> Tensor:
        """[B] an estimate of log p(x) in nats, from below in expectation (Burda et al. 2016).

        log (1/K) sum_k w_k; of enumerated samples, log sum_k share_k w_k; of a filter, its
        estimate.
        """
        if self.estimate is not None:
            return self.estimate
        share = -math.log(len(self.log_px)) if self.log_share is None else self.log_share
        return torch.logsumexp(self.log_weight + share, 0)
