"""A linear-Gaussian state space model, whose log p(x) a Kalman filter gives exactly."""

import torch
from torch import Tensor, nn

from vaetext.data.domain import Real
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.state import State
from vaetext.models.step import StepModel
from vaetext.modules.heads import Head

TRANSITION = torch.tensor([[0.8, 0.2], [-0.3, 0.7]], dtype=torch.float64)
EMISSION = torch.tensor([[1.0, 0.5], [0.0, 1.0]], dtype=torch.float64)
LOG_Q = torch.tensor([0.5, 0.8], dtype=torch.float64).log()
LOG_R = torch.tensor([0.4, 0.6], dtype=torch.float64).log()


class EmissionHead(Head):
    """N(h, R)."""

    def forward(self, h: Tensor, last: bool = False, weight: Tensor | None = None) -> Distribution:
        return Gaussian(h, LOG_R.expand_as(h))


class LinearGaussian(StepModel):
    """z_t ~ N(A z_{t-1}, Q), x_t ~ N(C z_t, R).

    q(z_t | z_{t-1}, x_t) = N(A z_{t-1} + G (x_t - C A z_{t-1}), Q / e^0.3).
    """

    name = "linear"
    residual = True

    def __init__(self) -> None:
        super().__init__(Real(2, 5))
        self.gain = nn.Parameter(0.5 * torch.linalg.pinv(EMISSION))
        self.head = EmissionHead()

    def initial(self) -> State:
        return {"z": torch.zeros(1, 1, 2, dtype=torch.float64)}

    def features(self, x: Tensor, mask: Tensor, state: State) -> State:
        return {"x": x}

    def prior_step(self, state: State) -> Distribution:
        return Gaussian(state["z"] @ TRANSITION.T, LOG_Q.expand_as(state["z"]))

    def posterior_step(
        self, state: State, features: State, prior: Distribution | None
    ) -> Distribution:
        assert prior is not None
        surprise = features["x"] - prior.mean @ EMISSION.T
        return Gaussian(prior.mean + surprise @ self.gain.T, LOG_Q.expand_as(state["z"]) - 0.3)

    def output_step(self, state: State, z: Tensor) -> Tensor:
        return z @ EMISSION.T

    def state_step(self, state: State, z: Tensor, features: State) -> State:
        return {"z": z}


def kalman(x: Tensor) -> Tensor:
    """[B] the exact log p(x) of x [B, T, 2], all of length T."""
    q, r = torch.diag(LOG_Q.exp()), torch.diag(LOG_R.exp())
    found = []
    for sequence in x:
        mean, cov = torch.zeros(2, dtype=torch.float64), torch.zeros(2, 2, dtype=torch.float64)
        total = torch.zeros((), dtype=torch.float64)
        for x_t in sequence:
            mean = TRANSITION @ mean
            cov = TRANSITION @ cov @ TRANSITION.T + q
            innovation = EMISSION @ cov @ EMISSION.T + r
            normal = torch.distributions.MultivariateNormal(EMISSION @ mean, innovation)
            total = total + normal.log_prob(x_t)
            gain = cov @ EMISSION.T @ torch.linalg.inv(innovation)
            mean = mean + gain @ (x_t - EMISSION @ mean)
            cov = cov - gain @ EMISSION @ cov
        found.append(total)
    return torch.stack(found)
