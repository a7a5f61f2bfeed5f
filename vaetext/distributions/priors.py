"""Priors of a dense latent vector, and the code of a Gaussian posterior under each."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from vaetext.config.model import Latent
from vaetext.distributions.evidence import Code, gaussian_code
from vaetext.distributions.gaussian import Gaussian, standard
from vaetext.distributions.noise import Noise


class Prior(nn.Module, ABC):
    """p(z) over a vector of D dimensions (StandardNormal: or a map)."""

    def setup(self, embedded: list[Tensor]) -> None:
        """Looks at embedded training sequences, each [words, E], once before training."""

    @abstractmethod
    def sample(self, name: str, noise: Noise) -> Tensor:
        """[K, B, D] draws of p(z)."""

    @abstractmethod
    def code(self, name: str, posterior: Gaussian, noise: Noise) -> Code:
        """K samples of q(z|x) ([B, D], or [K, B, D] where it depends on other samples) with both densities and the KL."""


class StandardNormal(Prior):
    """p(z) = N(0, I) over a vector [D] or a map [P, D]; the KL is analytic, per dimension (of a map: and position).

    Args:
        latent_dim: D.
        positions: P of a map; None for a vector.
    """

    def __init__(self, latent_dim: int, positions: int | None = None) -> None:
        super().__init__()
        self.shape = (latent_dim,) if positions is None else (positions, latent_dim)

    def sample(self, name: str, noise: Noise) -> Tensor:
        return noise.normal(name, *self.shape)

    def code(self, name: str, posterior: Gaussian, noise: Noise) -> Code:
        return gaussian_code(posterior, standard(posterior.mean), noise.normal(name, *self.shape))


class Mixture(Prior):
    """p(z) = sum_c w_c N(z; mean_c, var_c), the component summed out; the KL is sampled, log q(z|x) - log p(z), and has no axes.

    Source 004, 7.3 adds q(c|x) to the encoder instead; the marginal needs no variable more and its bound is tighter.
    """

    def __init__(self, latent_dim: int, components: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.logits = nn.Parameter(torch.zeros(components))

    @abstractmethod
    def components(self) -> Gaussian:
        """The C components, [C, D]."""

    def log_prob(self, z: Tensor) -> Tensor:
        """[...] log p(z) in nats, by logsumexp over components."""
        return torch.logsumexp(
            self.components().log_prob(z[..., None, :]) + self.logits.log_softmax(0), -1
        )

    def sample(self, name: str, noise: Noise) -> Tensor:
        parts = self.components()
        chosen = (
            noise.uniform(f"{name}.component")[..., None] > self.logits.softmax(0).cumsum(0)[:-1]
        ).sum(-1)
        return Gaussian(parts.mean[chosen], parts.log_var[chosen]).sample(
            noise.normal(name, self.latent_dim)
        )

    def code(self, name: str, posterior: Gaussian, noise: Noise) -> Code:
        z = posterior.sample(noise.normal(name, self.latent_dim))
        log_q, log_p = posterior.log_prob(z), self.log_prob(z)
        return Code(
            z,
            posterior.mean.expand_as(z),
            posterior.std.expand_as(z),
            log_q,
            log_p,
            log_q - log_p,
            (),
        )


class GaussianMixture(Mixture):
    """Means start from N(0, I), so that components differ; variances from 1."""

    def __init__(self, latent_dim: int, components: int) -> None:
        super().__init__(latent_dim, components)
        self.mean = nn.Parameter(torch.randn(components, latent_dim))
        self.log_var = nn.Parameter(torch.zeros(components, latent_dim))

    def components(self) -> Gaussian:
        return Gaussian(self.mean, self.log_var)


class VampPrior(Mixture):
    """p(z) = sum_c w_c q(z|u_c) with learned pseudo-inputs u_c in embedding space (Tomczak and Welling 2018).

    Args:
        posterior: embedded inputs [C, L, E] -> q(z|u).
        length: L, steps of each pseudo-input.
        embedding_dim: E.
    """

    def __init__(
        self,
        latent_dim: int,
        components: int,
        length: int,
        embedding_dim: int,
        posterior: Callable[[Tensor], Gaussian],
    ) -> None:
        super().__init__(latent_dim, components)
        self.inputs = nn.Parameter(torch.randn(components, length, embedding_dim))
        self._posterior = posterior

    def components(self) -> Gaussian:
        return self._posterior(self.inputs)

    @torch.no_grad()
    def setup(self, embedded: list[Tensor]) -> None:
        """Starts the pseudo-inputs from embedded training sequences, each [words, E], spread over all that are given.

        A sequence is cut to L steps, or repeated to fill them.

        Raises:
            ValueError: there is none that has a word.
        """
        found = [each for each in embedded if len(each)]
        if not found:
            raise ValueError(
                "model.prior=vamp starts from training sequences and got none; use model.prior=gmm"
            )
        components, steps = self.inputs.shape[:2]
        chosen = [found[number * len(found) // components] for number in range(components)]
        self.inputs.copy_(
            torch.stack(
                [each[torch.arange(steps, device=each.device) % len(each)] for each in chosen]
            )
        )


def make_prior(
    config: Latent,
    embedding_dim: int,
    posterior: Callable[[Tensor], Gaussian],
    positions: int | None = None,
) -> Prior:
    """The prior that ``model.prior`` names; of a map of so many ``positions`` it is standard."""
    if config.prior == "gmm":
        return GaussianMixture(config.latent_dim, config.components)
    if config.prior == "vamp":
        return VampPrior(
            config.latent_dim, config.components, config.pseudo_length, embedding_dim, posterior
        )
    return StandardNormal(config.latent_dim, positions)
