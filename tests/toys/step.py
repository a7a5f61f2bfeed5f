"""A VRNN (Chung et al. 2015) and an SRNN with both posteriors (Fraccaro et al. 2016), small."""

import torch
from torch import Tensor, nn

from vaetext.data.domain import Domain
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.gaussian import Gaussian, GaussianHead
from vaetext.distributions.state import State
from vaetext.models.step import StepModel
from vaetext.modules.heads import make_head

HIDDEN = 5
DIM = 2


class ToyVRNN(StepModel):
    """Prior and likelihood read h_{t-1}; h_t = GRU(h_{t-1}, [x_t; z_t])."""

    name = "toy-vrnn"

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain)
        self.read = domain.embedding(HIDDEN)
        self.read_z = nn.Linear(DIM, HIDDEN)
        self.prior = GaussianHead(HIDDEN, DIM)
        self.posterior = GaussianHead(2 * HIDDEN, DIM)
        self.output = nn.Linear(2 * HIDDEN, HIDDEN)
        self.cell = nn.GRUCell(2 * HIDDEN, HIDDEN)
        self.head = make_head(domain, HIDDEN)

    def initial(self) -> State:
        return {"h": self.read_z.weight.new_zeros(1, 1, HIDDEN)}

    def features(self, x: Tensor, mask: Tensor, state: State) -> State:
        return {"x": self.read(x).tanh()}

    def prior_step(self, state: State) -> Distribution:
        return self.prior(state["h"])

    def posterior_step(self, state: State, features: State, prior: Distribution) -> Distribution:
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

    def __init__(self, domain: Domain, smoothing: bool = False) -> None:
        super().__init__(domain)
        del self.cell  # the state is that of the RNN over x
        self.forward_rnn = nn.GRU(HIDDEN, HIDDEN, batch_first=True)
        self.backward_rnn = nn.GRU(2 * HIDDEN, HIDDEN, batch_first=True) if smoothing else None
        self.read_a = nn.Linear(2 * HIDDEN, HIDDEN)
        self.prior = GaussianHead(DIM + HIDDEN, DIM)
        self.posterior = GaussianHead(DIM + HIDDEN, DIM)

    def initial(self) -> State:
        h = super().initial()["h"]
        return {"h": h, "z_before": h[..., :DIM]}

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
        """Each row is turned round within its own length."""
        places = torch.arange(mask.shape[1])
        turned = torch.where(mask, mask.sum(1, keepdim=True) - 1 - places, places)[..., None]
        assert self.backward_rnn is not None
        out = self.backward_rnn(both.gather(1, turned.expand_as(both)))[0]
        return out.gather(1, turned.expand_as(out))

    def prior_step(self, state: State) -> Distribution:
        return self.prior(torch.cat([state["z_before"], state["h"]], -1))

    def posterior_step(self, state: State, features: State, prior: Distribution) -> Distribution:
        inputs = torch.cat([state["z_before"], features["a"].expand_as(state["h"])], -1)
        q = self.posterior(inputs)
        return Gaussian(prior.mean + q.mean, q.log_var)

    def state_step(self, state: State, z: Tensor, features: State) -> State:
        return {"h": features["after"].expand_as(state["h"]), "z_before": z}
