"""What every distribution offers: density, samples, mean, mode, and the KL in closed form."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from vaetext.distributions.noise import Noise


class Distribution(ABC):
    """A small frozen dataclass of tensors that broadcast against samples [K, B, ...].

    Attributes:
        parameter_axes: trailing axes of each parameter that belong to one value.
        event: trailing axes of a value that ``log_prob`` sums over: 1 for vectors, 0 for tokens.
        mean: E[x], of the shape of a value (of tokens: the probabilities [..., V]).
        mode: the most likely value (of a mixture: its mean).
    """

    parameter_axes: tuple[int, ...] = (1,)
    event = 1
    if TYPE_CHECKING:  # a field of some subclasses, a property of others

        @property
        def mean(self) -> Tensor: ...
        @property
        def mode(self) -> Tensor: ...

    @abstractmethod
    def log_prob(self, x: Tensor) -> Tensor:
        """[...] log p(x) in nats, summed over the event axes of x [..., *event]."""

    @abstractmethod
    def sample(self, noise: Noise, *shape: int) -> Tensor:
        """[K, B, *shape, *event] draws, one for each sample and sequence of ``noise``.

        Args:
            noise: of this variable.
            shape: axes between sequences and event, such as the positions of a map.
        """

    def kl(self, other: "Distribution") -> Tensor | None:
        """KL(self || other) in nats, event axes kept; None where it has no closed form."""
        return None

    def restricted(self, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> Self:
        """The distribution that generation draws from.

        Raises:
            ValueError: an option that this kind of distribution does not have.
        """
        options = {"temperature": (temperature, 1.0), "top_k": (top_k, 0), "top_p": (top_p, 1.0)}
        for name, (value, unused) in options.items():
            if value != unused:
                raise ValueError(
                    f"{name}={value}: a {type(self).__name__} distribution has no such option; set"
                    f" {name}={unused:g}"
                )
        return self

    def map(self, function: Callable[[Tensor], Tensor]) -> Self:
        """The same kind of distribution, ``function`` applied to every parameter."""
        return type(self)(*(function(getattr(self, each.name)) for each in fields(self)))  # type: ignore[arg-type]

    @classmethod
    def stack(cls, parts: Sequence[Self], dim: int) -> Self:
        """Distributions of one kind as one with a new axis."""
        return cls._joined(torch.stack, parts, dim)

    @classmethod
    def cat(cls, parts: Sequence[Self], dim: int) -> Self:
        """Distributions of one kind as one with a longer axis."""
        return cls._joined(torch.cat, parts, dim)

    @classmethod
    def _joined(cls, join: Callable[..., Tensor], parts: Sequence[Self], dim: int) -> Self:
        kind = type(parts[0])
        names = [each.name for each in fields(kind)]  # type: ignore[arg-type]
        named: list[list[Any]] = [[getattr(d, name) for d in parts] for name in names]
        return kind(*(join(tensors, dim) for tensors in named))

    def expand(self, *shape: int) -> Self:
        """The same distribution for each of [*shape] values."""
        tensors = [getattr(self, each.name) for each in fields(self)]  # type: ignore[arg-type]
        expanded = [
            tensor.expand(*shape, *tensor.shape[tensor.dim() - axes :])
            for tensor, axes in zip(tensors, self.parameter_axes, strict=True)
        ]
        return type(self)(*expanded)

    def log_prob_of_all(self, x: Tensor) -> Tensor:
        """[M, N] log p_n(x_m) in nats, summed over positions.

        Args:
            x: values [M, *positions, *event]; the parameters are [N, *positions, ...].
        """
        log_prob = self.log_prob(x[:, None])
        return log_prob.flatten(2).sum(2) if log_prob.dim() > 2 else log_prob
