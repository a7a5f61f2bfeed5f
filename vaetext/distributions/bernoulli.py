"""Independent binary values: the notes of a piano roll, the pixels of a row."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import logsigmoid

from vaetext.distributions.distribution import Distribution
from vaetext.distributions.noise import Noise


@dataclass(frozen=True)
class Bernoulli(Distribution):
    """p(x) = prod_f sigmoid(logit_f)^x_f (1 - sigmoid(logit_f))^(1 - x_f) over the last axis F.

    Attributes:
        logits: [..., F].
    """

    logits: Tensor

    @property
    def mean(self) -> Tensor:
        return self.logits.sigmoid()

    @property
    def mode(self) -> Tensor:
        return (self.logits > 0).to(self.logits.dtype)

    def log_prob(self, x: Tensor) -> Tensor:
        """[...] log p(x) in nats, summed over F, of x in {0, 1}."""
        return (x * self.logits + logsigmoid(-self.logits)).sum(-1)

    def sample(self, noise: Noise, *shape: int) -> Tensor:
        """[K, B, *shape, F] zeros and ones."""
        drawn = noise.uniform(*shape, self.logits.shape[-1]) < self.mean
        return drawn.to(self.logits.dtype)

    def kl(self, other: Distribution) -> Tensor | None:
        """[..., F] nats of each value; None where the other is not Bernoulli."""
        if not isinstance(other, Bernoulli):
            return None
        on = logsigmoid(self.logits) - logsigmoid(other.logits)
        off = logsigmoid(-self.logits) - logsigmoid(-other.logits)
        return self.mean * on + (1 - self.mean) * off

    def restricted(
        self, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
    ) -> "Bernoulli":
        """Logits divided by ``temperature``.

        Raises:
            ValueError: top_k or top_p, which choose among tokens.
        """
        super().restricted(1.0, top_k, top_p)
        return Bernoulli(self.logits / temperature)
