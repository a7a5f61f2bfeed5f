"""Priors p(z) of a latent vector, or of a map."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from vaetext.config.model import Latent as Config
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.latent import LatentSample
from vaetext.distributions.mixture import GaussianMixture
from vaetext.distributions.noise import Noise


class Prior(nn.Module, ABC):
    """p(z) of a latent z; calling it gives the distribution.

    Args:
        latent_dim: D.
        positions: P of a map [P, D]; None for a vector [D].
    """

    def __init__(self, latent_dim: int, positions: int | None = None) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.positions = () if positions is None else (positions,)

    @abstractmethod
    def forward(self) -> Distribution:
        """p(z) of a vector, or of each position of a map."""

    def setup(self, embedded: Iterable[Tensor]) -> None:
        """Called once before training with embedded training sequences, each [words, E]."""

    def sample(self, noise: Noise) -> Tensor:
        """[K, B, D] or [K, B, P, D] samples of p(z)."""
        prior: Distribution = self()
        return prior.sample(noise, *self.positions)

    def posterior_sample(self, q: Distribution, noise: Noise) -> LatentSample:
        """K samples of a posterior q(z|x), beside this prior."""
        z = q.sample(noise, *self.positions)
        return LatentSample(z, q, self(), positions=("position",) * len(self.positions))


class StandardNormal(Prior):
    """p(z) = N(0, I)."""

    zeros: Tensor

    def __init__(self, latent_dim: int, positions: int | None = None) -> None:
        super().__init__(latent_dim, positions)
        self.register_buffer("zeros", torch.zeros(latent_dim), persistent=False)

    def forward(self) -> Gaussian:
        return Gaussian(self.zeros, self.zeros)


class MixturePrior(Prior):
    """p(z) = sum_c w_c N(z; mean_c, var_c), a mixture of C Gaussians with learned weights w.

    The KL is sampled, log q(z|x) - log p(z). Petersen (section 7.3) adds q(c|x) to the encoder;
    here the component c is summed out, which needs no further variable and gives a tighter bound.

    Args:
        latent_dim: D.
        components: C.
    """

    def __init__(self, latent_dim: int, components: int) -> None:
        super().__init__(latent_dim)
        self.logits = nn.Parameter(torch.zeros(components))

    @abstractmethod
    def components(self) -> Gaussian:
        """The components' means and log-variances, [C, D]."""

    def forward(self) -> GaussianMixture:
        components = self.components()
        return GaussianMixture(self.logits.log_softmax(0), components.mean, components.log_var)


class LearnedMixture(MixturePrior):
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


class VampPrior(MixturePrior):
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
    def setup(self, embedded: Iterable[Tensor]) -> None:
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


def check_pseudo_length(config: Config, longest: int) -> None:
    """Raises ValueError where the pseudo-inputs of a VampPrior are longer than any sequence."""
    if config.prior == "vamp" and config.pseudo_length > longest:
        raise ValueError(
            f"model.pseudo_length={config.pseudo_length}: a sequence has at most {longest} steps;"
            " set it to that or less"
        )


def make_prior(
    config: Config,
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
        return LearnedMixture(config.latent_dim, config.components)
    if config.prior == "vamp":
        return VampPrior(
            config.latent_dim, config.components, config.pseudo_length, embedding_dim, posterior
        )
    return StandardNormal(config.latent_dim, positions)
