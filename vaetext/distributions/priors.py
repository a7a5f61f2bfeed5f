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
    """p(z) of a latent z, a vector of D dimensions (for StandardNormal: or a map)."""

    def setup(self, embedded: list[Tensor]) -> None:
        """Called once before training with embedded training sequences, each [words, E]."""

    @abstractmethod
    def sample(self, name: str, noise: Noise) -> Tensor:
        """[K, B, D] samples of p(z) for the latent ``name``."""

    @abstractmethod
    def code(self, name: str, posterior: Gaussian, noise: Noise) -> Code:
        """K samples of q(z|x) with log q, log p and the KL, in nats.

        Args:
            name: of the latent; it keys the noise.
            posterior: q(z|x), [B, D], or [K, B, D] where it is conditioned on other samples.
            noise: for K samples of B sequences.
        """


class StandardNormal(Prior):
    """p(z) = N(0, I) of a vector [D] or a map [P, D]; the KL is analytic, of each dimension.

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
    """p(z) = sum_c w_c N(z; mean_c, var_c), a mixture of C Gaussians with learned weights w.

    The KL is sampled, log q(z|x) - log p(z), and has no axes. Petersen (section 7.3) adds q(c|x)
    to the encoder; here the component c is summed out, which needs no further variable and gives
    a tighter bound.

    Args:
        latent_dim: D.
        components: C.
    """

    def __init__(self, latent_dim: int, components: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.logits = nn.Parameter(torch.zeros(components))

    @abstractmethod
    def components(self) -> Gaussian:
        """The components' means and log-variances, [C, D]."""

    def log_prob(self, z: Tensor) -> Tensor:
        """[...] log p(z) in nats of z [..., D], by logsumexp over the components."""
        of_component = self.components().log_prob(z[..., None, :])
        return torch.logsumexp(of_component + self.logits.log_softmax(0), -1)

    def sample(self, name: str, noise: Noise) -> Tensor:
        components = self.components()
        thresholds = self.logits.softmax(0).cumsum(0)[:-1]
        chosen = (noise.uniform(f"{name}.component")[..., None] > thresholds).sum(-1)
        component = Gaussian(components.mean[chosen], components.log_var[chosen])
        return component.sample(noise.normal(name, self.latent_dim))

    def code(self, name: str, posterior: Gaussian, noise: Noise) -> Code:
        z = posterior.sample(noise.normal(name, self.latent_dim))
        log_q = posterior.log_prob(z)
        log_p = self.log_prob(z)
        return Code(
            z,
            mean=posterior.mean.expand_as(z),
            std=posterior.std.expand_as(z),
            log_q=log_q,
            log_p=log_p,
            kl=log_q - log_p,
            axes=(),
        )


class GaussianMixture(Mixture):
    """A mixture with learned means and variances.

    Means are initialised from N(0, I), so that the components differ; variances are initialised
    to 1.
    """

    def __init__(self, latent_dim: int, components: int) -> None:
        super().__init__(latent_dim, components)
        self.mean = nn.Parameter(torch.randn(components, latent_dim))
        self.log_var = nn.Parameter(torch.zeros(components, latent_dim))

    def components(self) -> Gaussian:
        return Gaussian(self.mean, self.log_var)


class VampPrior(Mixture):
    """p(z) = sum_c w_c q(z|u_c) with learned pseudo-inputs u_c (Tomczak and Welling 2018).

    The pseudo-inputs are sequences in the space of embeddings; the weights w are learned too.

    Args:
        latent_dim: D.
        components: C.
        length: L, steps of each pseudo-input.
        embedding_dim: E.
        posterior: embedded inputs [C, L, E] -> q(z|u).
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
        """Initialises the pseudo-inputs from training sequences, each [words, E].

        C sequences are taken at equal distances from those that have a word. Each is cut to L
        steps, or repeated to fill them.

        Raises:
            ValueError: no sequence has a word.
        """
        found = [words for words in embedded if len(words)]
        if not found:
            raise ValueError(
                "model.prior=vamp is initialised from training sequences and there are none; "
                "use model.prior=gmm"
            )
        components, steps = self.inputs.shape[:2]
        chosen = [found[number * len(found) // components] for number in range(components)]
        self.inputs.copy_(torch.stack([_resized(words, steps) for words in chosen]))


def _resized(words: Tensor, steps: int) -> Tensor:
    """[steps, E]: the words [words, E], cut or repeated."""
    return words[torch.arange(steps, device=words.device) % len(words)]


def make_prior(
    config: Latent,
    embedding_dim: int,
    posterior: Callable[[Tensor], Gaussian],
    positions: int | None = None,
) -> Prior:
    """The prior that ``model.prior`` names; that of a map is always N(0, I).

    Args:
        config: the prior and its sizes.
        embedding_dim: E.
        posterior: embedded inputs [C, L, E] -> q(z|u), for a VampPrior.
        positions: P of a map; None for a vector.
    """
    if config.prior == "gmm":
        return GaussianMixture(config.latent_dim, config.components)
    if config.prior == "vamp":
        return VampPrior(
            config.latent_dim, config.components, config.pseudo_length, embedding_dim, posterior
        )
    return StandardNormal(config.latent_dim, positions)
