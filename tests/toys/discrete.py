"""A VRNN whose latent at every step is one of three values."""

import torch
from torch import Tensor, nn

from toys.step import Config, ToyVRNN
from vaetext.data.domain import Domain
from vaetext.distributions.categorical import Categorical
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.latent import Latent
from vaetext.distributions.state import State

VALUES = 3


class ToyDiscreteVRNN(ToyVRNN):
    """The VRNN with a table of values in place of z_t's linear map."""

    name = "toy-discrete-vrnn"
    latents = (Latent("z", q_given=("z",), p_given=("z",), per_step=True, discrete=True),)

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(config, domain)
        self.read_z = nn.Embedding(VALUES, config.hidden_dim)
        self.prior = nn.Linear(config.hidden_dim, VALUES)
        self.posterior = nn.Linear(2 * config.hidden_dim, VALUES)

    def initial(self) -> State:
        return {"h": self.read_z.weight.new_zeros(1, 1, self.read_z.embedding_dim)}

    def prior_step(self, state: State) -> Distribution:
        return Categorical(self.prior(state["h"]).log_softmax(-1))

    def posterior_step(
        self, state: State, features: State, prior: Distribution | None
    ) -> Distribution:
        h = state["h"]
        logits: Tensor = self.posterior(torch.cat([features["x"].expand_as(h), h], -1))
        return Categorical(logits.log_softmax(-1))
