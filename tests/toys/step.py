"""A small VRNN (Chung et al. 2015), and an SRNN with both posteriors (Fraccaro et al. 2016)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vaetext.config.model import Model
from vaetext.config.options import option
from vaetext.data.domain import Domain
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.gaussian import Gaussian, GaussianHead
from vaetext.distributions.state import State
from vaetext.models.step import StepModel
from vaetext.modules.heads import make_head


@dataclass
class Config(Model):
    """Variational RNN: a latent at every step."""

    hidden_dim: int = option(5, "units of every layer", min=1)
    latent_dim: int = option(2, "dimensions of each z_t", min=1)


@dataclass
class SmoothingConfig(Config):
    """Stochastic RNN: a latent at every step, beside an RNN that does not depend on it."""

    smoothing: bool = option(False, "q(z_t) reads the steps after t too")


class ToyVRNN(StepModel):
    """Prior and likelihood read h_{t-1}; h_t = GRU(h_{t-1}, [x_t; z_t])."""

    Config: type[Config] = Config
    name = "toy-vrnn"

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        hidden = config.hidden_dim
        dim = config.latent_dim
        self.read = domain.embedding(hidden)
        self.read_z = nn.Linear(dim, hidden)
        self.prior = GaussianHead(hidden, dim)
        self.posterior = GaussianHead(2 * hidden, dim)
        self.output = nn.Linear(2 * hidden, hidden)
        self.cell = nn.GRUCell(2 * hidden, hidden)
        self.head = make_head(domain, hidden)

    def initial(self) -> State:
        return {"h": self.read_z.weight.new_zeros(1, 1, self.read_z.out_features)}

    def features(self, x: Tensor, mask: Tensor, state: State) -> State:
        return {"x": self.read(x).tanh()}

    def prior_step(self, state: State) -> Distribution:
        return self.prior(state["h"])

    def posterior_step(
        self, state: State, features: State, prior: Distribution | None
    ) -> Distribution:
        h = state["h"]
        return self.posterior(torch.cat([features["x"].expand_as(h), h], -1))

    def output_step(self, state: State, z: Tensor) -> Tensor:
        return self.output(torch.cat([self.read_z(z).tanh(), state["h"]], -1)).tanh()

    def state_step(self, state: State, z: Tensor, features: State) -> State:
        h = state["h"]
        inputs = torch.cat([features["x"].expand_as(h), self.read_z(z).tanh()], -1)
        return {"h": self.cell(inputs.flatten(0, 1), h.flatten(0, 1)).view(h.shape)}


class ToySRNN(ToyVRNN):
    """d_t a forward RNN of x_<t; q reads a_t, of x_t and d_t, or (smoothing) of the future too."""

    Config = SmoothingConfig
    name = "toy-srnn"
    residual = True

    def __init__(self, config: SmoothingConfig, domain: Domain) -> None:
        super().__init__(config, domain)
        hidden = config.hidden_dim
        dim = config.latent_dim
        del self.cell  # the state is that of the RNN over x
        self.forward_rnn = nn.GRU(hidden, hidden, batch_first=True)
        self.backward_rnn = None
        if config.smoothing:
            self.backward_rnn = nn.GRU(2 * hidden, hidden, batch_first=True)
        self.read_a = nn.Linear(2 * hidden, hidden)
        self.prior = GaussianHead(dim + hidden, dim)
        self.posterior = GaussianHead(dim + hidden, dim)

    def initial(self) -> State:
        h = super().initial()["h"]
        return {"h": h, "z_before": h[..., :1].expand(1, 1, self.read_z.in_features)}

    def features(self, x: Tensor, mask: Tensor, state: State) -> State:
        embedded = self.read(x).tanh()
        flat = embedded.reshape(-1, *embedded.shape[-2:])
        before = (state["h"][:1] if embedded.dim() == 3 else state["h"]).flatten(0, 1)
        after = self.forward_rnn(flat, before[None].contiguous())[0]
        both = torch.cat([torch.cat([before[:, None], after[:, :-1]], 1), flat], -1)
        if self.backward_rnn is None:
            a = self.read_a(both).tanh()
        else:
            a = self._backward(both, mask.reshape(flat.shape[:2]))
        return {"after": after.view(embedded.shape), "a": a.view(embedded.shape)}

    def _backward(self, both: Tensor, mask: Tensor) -> Tensor:
        """Each row is reversed within its own length."""
        places = torch.arange(mask.shape[1])
        turned = torch.where(mask, mask.sum(1, keepdim=True) - 1 - places, places)[..., None]
        assert self.backward_rnn is not None
        out = self.backward_rnn(both.gather(1, turned.expand_as(both)))[0]
        return out.gather(1, turned.expand_as(out))

    def prior_step(self, state: State) -> Distribution:
        return self.prior(torch.cat([state["z_before"], state["h"]], -1))

    def posterior_step(
        self, state: State, features: State, prior: Distribution | None
    ) -> Distribution:
        assert prior is not None
        inputs = torch.cat([state["z_before"], features["a"].expand_as(state["h"])], -1)
        q = self.posterior(inputs)
        return Gaussian(prior.mean + q.mean, q.log_var)

    def state_step(self, state: State, z: Tensor, features: State) -> State:
        return {"h": features["after"].expand_as(state["h"]), "z_before": z}
