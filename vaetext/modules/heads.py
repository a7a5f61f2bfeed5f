"""Output layers: features h of a step -> the distribution of x_t."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, softplus

from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.bernoulli import Bernoulli
from vaetext.distributions.categorical import Categorical
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.mixture import GaussianMixture
from vaetext.modules.softmax import certain, sequence_log_prob

LEAST_DEVIATION = 1e-4


class Head(nn.Module, ABC):
    """h [..., H] -> p(x_t|h).

    Args:
        domain: what x is made of.
        features: H.
    """

    @abstractmethod
    def forward(self, h: Tensor, last: bool = False, weight: Tensor | None = None) -> Distribution:
        """The distribution of x_t.

        Args:
            h: [..., H].
            last: x_t is at the last position that there is, where a token must be EOS.
            weight: [V, H] that a softmax shares with an embedding.
        """

    def log_prob(
        self, h: Tensor, batch: Batch, limit: int | None = None, weight: Tensor | None = None
    ) -> Tensor:
        """[K, B] log p(x|h) of features h [K, B, T, H], nats per sequence.

        Args:
            h: features of each step.
            batch: B sequences, padded to T.
            limit: N, most tokens of a sequence: EOS is certain there. None: no limit.
            weight: as in ``forward``.
        """
        log_prob: Tensor = self(h).log_prob(batch.x)
        return (log_prob * batch.mask).sum(-1)


class SoftmaxHead(Head):
    """p(x_t = v|h) = softmax(W h + b)_v over V tokens, EOS counted.

    Args:
        tied: the weights W are those of an embedding, and given with every call.
    """

    def __init__(self, domain: Domain, features: int, tied: bool = False) -> None:
        super().__init__()
        assert domain.eos is not None
        self.eos = domain.eos
        self.weight = None if tied else nn.Parameter(torch.empty(domain.size, features))
        self.bias = nn.Parameter(torch.zeros(domain.size))
        if self.weight is not None:
            nn.init.uniform_(self.weight, -(features**-0.5), features**-0.5)

    def forward(self, h: Tensor, last: bool = False, weight: Tensor | None = None) -> Distribution:
        logits = linear(h, self._weight(weight), self.bias)
        log_p = certain(logits, self.eos) if last else logits.log_softmax(-1)
        return Categorical(log_p)

    def log_prob(
        self, h: Tensor, batch: Batch, limit: int | None = None, weight: Tensor | None = None
    ) -> Tensor:
        """The softmax is computed at real positions alone."""
        return sequence_log_prob(batch, h, self._weight(weight), self.bias, limit)

    def _weight(self, given: Tensor | None) -> Tensor:
        weight = given if self.weight is None else self.weight
        assert weight is not None
        return weight


class FrameHead(Head):
    """A head of one linear map, computed in full precision: bf16 would round a mean too far.

    Args:
        numbers: outputs of the linear map.
    """

    def __init__(self, domain: Domain, features: int, tied: bool, numbers: int) -> None:
        super().__init__()
        if tied:
            raise ValueError(
                "model.tied=true: only the embedding of tokens can be shared with an output layer;"
                " set model.tied=false"
            )
        self.size = domain.size
        self.linear = nn.Linear(features, numbers)

    def forward(self, h: Tensor, last: bool = False, weight: Tensor | None = None) -> Distribution:
        with torch.autocast(h.device.type, enabled=False):
            return self.distribution(self.linear(h.to(self.linear.weight.dtype)))

    @abstractmethod
    def distribution(self, numbers: Tensor) -> Distribution:
        """The distribution with the parameters ``numbers`` [..., numbers]."""


class GaussianFrameHead(FrameHead):
    """N(mean, diag(std^2)), std = softplus + 1e-4 (the floor is ours)."""

    def __init__(self, domain: Domain, features: int, tied: bool = False) -> None:
        super().__init__(domain, features, tied, 2 * domain.size)

    def distribution(self, numbers: Tensor) -> Distribution:
        mean, spread = numbers.chunk(2, -1)
        return Gaussian(mean, log_variance(spread))


class MixtureFrameHead(FrameHead):
    """A mixture of 20 diagonal Gaussians (Chung et al. 2015), std = softplus + 1e-4."""

    components = 20

    def __init__(self, domain: Domain, features: int, tied: bool = False) -> None:
        super().__init__(domain, features, tied, self.components * (1 + 2 * domain.size))

    def distribution(self, numbers: Tensor) -> Distribution:
        logits, others = numbers.tensor_split([self.components], -1)
        means, spreads = others.reshape(*others.shape[:-1], 2, self.components, self.size).unbind(
            -3
        )
        return GaussianMixture(logits.log_softmax(-1), means, log_variance(spreads))


class BernoulliHead(FrameHead):
    """F independent binary values, logits linear in h."""

    def __init__(self, domain: Domain, features: int, tied: bool = False) -> None:
        super().__init__(domain, features, tied, domain.size)

    def distribution(self, numbers: Tensor) -> Distribution:
        return Bernoulli(numbers)


def log_variance(spread: Tensor) -> Tensor:
    """log of (softplus(spread) + 1e-4)^2."""
    return 2 * (softplus(spread) + LEAST_DEVIATION).log()


HEADS: dict[str, type[Head]] = {
    "softmax": SoftmaxHead,
    "gaussian": GaussianFrameHead,
    "gmm": MixtureFrameHead,
    "bernoulli": BernoulliHead,
}


def make_head(domain: Domain, features: int, name: str | None = None, tied: bool = False) -> Head:
    """The head that ``model.head`` names, or the domain's default.

    Raises:
        ValueError: no such head, one that does not fit the data, or one that cannot be tied.
    """
    name = name or domain.heads[0]
    if name not in domain.heads:
        fitting = ", ".join(domain.heads)
        raise ValueError(
            f"model.head={name}: {domain.kind} data take {fitting}; set model.head=null for the"
            f" default, {domain.heads[0]}"
        )
    return HEADS[name](domain, features, tied=tied)  # type: ignore[call-arg]
