"""Priors of a dense latent vector, and the code of a Gaussian posterior under them."""

from torch import Tensor, nn

from vaetext.distributions.evidence import Code
from vaetext.distributions.gaussian import Gaussian, standard_log_prob
from vaetext.distributions.noise import Noise


class StandardNormal(nn.Module):
    """p(z) = N(0, I) over D dimensions; the KL of a Gaussian posterior is analytic, per dimension."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim

    def draw(self, name: str, noise: Noise) -> Tensor:
        """[K, B, D] draws of p(z)."""
        return noise.normal(name, self.latent_dim)

    def code(self, name: str, posterior: Gaussian, noise: Noise) -> Code:
        """K samples of q(z|x) [B, D] with both log-densities and the KL [K, B, D]."""
        z = posterior.draw(noise.normal(name, self.latent_dim))
        mean, std = posterior.mean.expand_as(z), posterior.std.expand_as(z)
        return Code(z, mean, std, posterior.log_prob(z), standard_log_prob(z), posterior.kl_standard().expand_as(z))
