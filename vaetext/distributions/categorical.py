"""Distributions over a finite number of values: tokens, lengths, components."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vaetext.distributions.distribution import Distribution
from vaetext.distributions.noise import Noise


@dataclass(frozen=True)
class Categorical(Distribution):
    """p(v) over the values v = 0..V-1.

    Attributes:
        log_p: [..., V] log-probabilities, normalised.
    """

    log_p: Tensor

    event = 0

    @property
    def mean(self) -> Tensor:
        """[..., V] probabilities."""
        return self.log_p.exp()

    @property
    def mode(self) -> Tensor:
        return self.log_p.argmax(-1)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats, of values x [...] int64."""
        shape = torch.broadcast_shapes(self.log_p.shape[:-1], x.shape)  # type: ignore[no-untyped-call]
        chosen = x.expand(shape)[..., None]
        return self.log_p.expand(*shape, -1).gather(-1, chosen)[..., 0]

    def sample(self, noise: Noise, *shape: int) -> Tensor:
        """[K, B, *shape] int64: the inverse of the distribution function at one uniform each."""
        shares = self.log_p.exp().double().cumsum(-1)
        threshold = noise.uniform(*shape)[..., None] * shares[..., -1:]
        shares = shares.expand(*threshold.shape[:-1], -1).contiguous()
        chosen = torch.searchsorted(shares, threshold, right=True)[..., 0]
        return chosen.clamp(max=self.log_p.shape[-1] - 1)

    def kl(self, other: Distribution) -> Tensor | None:
        """[...] sum_v p(v) (log p(v) - log p'(v)); None where the other is not categorical."""
        if not isinstance(other, Categorical):
            return None
        difference = (self.log_p - other.log_p).masked_fill(self.log_p == -torch.inf, 0.0)
        return (self.log_p.exp() * difference).sum(-1)

    def restricted(
        self, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
    ) -> "Categorical":
        """Log-probabilities over ``temperature``, then only the likeliest values; in float64.

        First the ``top_k`` likeliest (0: all), then the fewest of these that hold ``top_p`` of
        their probability. The distribution itself, where the options leave it as it is.
        """
        if temperature == 1 and not top_k and top_p == 1:
            return self
        logits = (self.log_p - self.log_p.amax(-1, keepdim=True)).double() / temperature
        if 0 < top_k < logits.shape[-1]:
            logits = _only(logits, logits.topk(top_k).indices)
        if top_p < 1:
            probs, places = logits.softmax(-1).sort(-1, descending=True)
            before = probs.cumsum(-1) - probs
            logits = _only(logits, torch.where(before < top_p, places, places[..., :1]))
        return Categorical(logits.log_softmax(-1))


def _only(logits: Tensor, kept: Tensor) -> Tensor:
    """The logits [..., V], those of all values but ``kept`` [..., any] at -inf."""
    return torch.full_like(logits, -torch.inf).scatter(-1, kept, logits.gather(-1, kept))
