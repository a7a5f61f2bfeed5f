"""The stochastic RNN: a latent at every step, above an RNN that reads x alone."""

import torch
from torch import Tensor

from vaetext.config.models.srnn import SRNN as Config
from vaetext.data.domain import Domain
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.state import State
from vaetext.models.step import StepModel
from vaetext.modules.dropout import Dropout
from vaetext.modules.heads import make_head
from vaetext.modules.nets import GaussianNet, InputNet, Net
from vaetext.modules.recurrent import Recurrent


class SRNN(StepModel):
    """log p(x) >= sum_t E_q[log p(x_t | z_t, d_t) - KL(q(z_t | z_{t-1}, a_t) || p(z_t | ...))].

    (Fraccaro et al. 2016.) With phi the feature nets, d_1 and z_0 zeros:

    - d_{t+1} = RNN(phi_x(x_t), d_t), which no latent enters;
    - a_t: with ``posterior="smoothing"`` a backward RNN over [d_t; phi_x(x_t)], ..., [d_T;
      phi_x(x_T)]; with "filtering" a feature net of d_t and phi_x(x_t);
    - prior p(z_t | z_{t-1}, d_t) and posterior q(z_t | z_{t-1}, a_t): Gaussians of feature nets;
      with ``residual`` the prior's mean is added to the posterior's ("Res_q");
    - likelihood p(x_t | z_t, d_t): the head over phi_out(z_t, d_t).

    Of a recording that is read in segments, the backward RNN begins again at the end of each: a
    smoothing posterior then sees the future of its segment only. Layers are ReLU, the paper's leaky
    ReLU; standard deviations are softplus + 1e-4; both are our choice.
    """

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        units = config.feature_dim
        hidden = config.hidden_dim
        layers = config.feature_layers
        self.residual = config.residual
        self.latent_dim = config.latent_dim
        self.read_x = InputNet(domain, units, layers, config.dropout)
        self.rnn = Recurrent(config.cell, units, hidden)
        smoothing = config.posterior == "smoothing"
        self.backward_rnn = Recurrent(config.cell, hidden + units, hidden) if smoothing else None
        self.filtering = None if smoothing else Net([hidden, units], hidden, layers)
        self.prior = GaussianNet([config.latent_dim, hidden], units, layers, config.latent_dim)
        self.posterior = GaussianNet([config.latent_dim, hidden], units, layers, config.latent_dim)
        self.output = Net([config.latent_dim, hidden], units, layers)
        self.dropout = Dropout(config.dropout)
        self.head = make_head(domain, units, config.head)

    def initial(self) -> State:
        """``rnn`` is its state [1, 1, 1 or 2, H]; the others are the shares of z_{t-1} and d_t."""
        like = self.prior.linear.weight
        (start,) = self.rnn.initial(1, like)
        return {
            "rnn": start.transpose(0, 1)[None],
            "z": like.new_zeros(1, 1, self.latent_dim),
            **self._shares(start[:1]),
        }

    def features(self, x: Tensor, mask: Tensor, state: State) -> State:
        read = self.read_x(x)
        shape = read.shape[:-1]
        # no latent enters the RNN: samples that share x share its state
        before = (state["rnn"] if read.dim() == 4 else state["rnn"][:1]).flatten(0, 1)
        flat = read.reshape(-1, *read.shape[-2:])
        real = mask.reshape(flat.shape[:2])
        after, (end,) = self.rnn(flat, [before.transpose(0, 1).contiguous()], real)
        d = torch.cat([before[:, :1], after[:, :-1]], 1)
        last = end.transpose(0, 1)[:, None].expand(-1, shape[-1], -1, -1)
        found = {"rnn": last, "posterior": self._read_a(d, flat, real), **self._shares(after)}
        return {name: leaf.reshape(*shape, *leaf.shape[2:]) for name, leaf in found.items()}

    def _read_a(self, d: Tensor, read: Tensor, mask: Tensor) -> Tensor:
        """[B, T, units] the share of a_t in the posterior's first layer."""
        if self.filtering is not None:
            a = self.filtering(self.filtering.read(0, d) + self.filtering.read(1, read))
        else:
            assert self.backward_rnn is not None
            a = self.backward_rnn.backwards(torch.cat([d, read], -1), mask)
        return self.posterior.read(1, a)

    def _shares(self, d: Tensor) -> State:
        """[..., units] the shares of d_t in the first layers of prior and output."""
        return {"prior": self.prior.read(1, d), "output": self.output.read(1, d)}

    def prior_step(self, state: State) -> Distribution:
        return self.prior.distribution(self.prior.read(0, state["z"]) + state["prior"])

    def posterior_step(
        self, state: State, features: State, prior: Distribution | None
    ) -> Distribution:
        read = self.posterior.read(0, state["z"]) + features["posterior"]
        q = self.posterior.distribution(read)
        return q if prior is None else Gaussian(prior.mean + q.mean, q.log_var)

    def output_step(self, state: State, z: Tensor) -> Tensor:
        read = self.output.read(0, z) + state["output"]
        return self.dropout(self.output(read))  # type: ignore[no-any-return]

    def state_step(self, state: State, z: Tensor, features: State) -> State:
        known = ("rnn", "prior", "output")
        return {"z": z, **{name: features[name].expand_as(state[name]) for name in known}}
