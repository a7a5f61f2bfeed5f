"""The variational RNN: a latent at every step, which the recurrent state reads."""

from torch import Tensor

from vaetext.config.models.vrnn import VRNN as Config
from vaetext.data.domain import Domain
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.gaussian import Gaussian, standard
from vaetext.distributions.latent import Latent
from vaetext.distributions.state import State
from vaetext.models.spans import Span
from vaetext.models.step import StepModel
from vaetext.modules.cell import Cell
from vaetext.modules.dropout import Dropout
from vaetext.modules.heads import make_head
from vaetext.modules.nets import GaussianNet, InputNet, Net
from vaetext.modules.recurrent import Recurrent


class VRNN(StepModel):
    """log p(x) >= sum_t E_q[log p(x_t | z_<=t, x_<t) - KL(q(z_t | x_<=t, z_<t) || p(z_t | ...))].

    (Chung et al. 2015; Arthi 2019, whose eq. 11 and 13 print the sum of log-densities as one of
    densities.) With phi the feature nets and h_0 = 0:

    - prior p(z_t | x_<t, z_<t): a Gaussian of phi_prior(h_{t-1}), or N(0, I) with
      ``prior="standard"`` ("VRNN-I");
    - posterior q(z_t | x_<=t, z_<t): a Gaussian of phi_q(phi_x(x_t), h_{t-1}); with ``residual``
      the prior's mean is added to its mean (Fraccaro et al. 2016);
    - likelihood p(x_t | z_<=t, x_<t): the head over phi_out(phi_z(z_t), h_{t-1});
    - h_t = cell([phi_x(x_t); phi_z(z_t)], h_{t-1}).

    With ``z_forcing`` (Goyal et al. 2017) the posterior reads b_t, the state of a backward RNN over
    phi_x(x_T), ..., phi_x(x_t), in place of phi_x(x_t), and z_forcing * log N(b_t; tanh(mu(z_t)),
    sigma(z_t)^2) is trained on too. As in the paper it has no gradient in b_t; the backward RNN,
    which the paper also trains to predict x, learns here from the bound alone. Of a recording that
    is read in segments it sees its segment's future only.

    Standard deviations are softplus + 1e-4; the floor is ours.
    """

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        units = config.feature_dim
        layers = config.feature_layers
        self.residual = config.residual
        self.latent_dim = config.latent_dim
        self.read_x = InputNet(domain, units, layers, config.dropout)
        self.read_z = Net([config.latent_dim], units, layers)
        self.prior: GaussianNet | None = None
        self.z_forcing = config.z_forcing
        if config.z_forcing:
            self.backward_rnn = Recurrent(config.cell, units, units)
            self.forced = GaussianNet([config.latent_dim], units, layers, units)
        self.posterior = GaussianNet([units, config.hidden_dim], units, layers, config.latent_dim)
        self.cell = Cell(config.cell, units, units, config.hidden_dim)
        self.output = Net([units, config.hidden_dim], units, layers)
        self.dropout = Dropout(config.dropout)
        self.head = make_head(domain, units, config.head)
        if config.prior == "learned":
            self.prior = GaussianNet([config.hidden_dim], units, layers, config.latent_dim)
        else:
            self.latents = (Latent("z", q_given=("z",), per_step=True),)

    def initial(self) -> State:
        return self.cell.initial()

    def features(self, x: Tensor, mask: Tensor, state: State) -> State:
        read = self.read_x(x)
        found = {"cell": self.cell.read(read)}
        if not self.z_forcing:
            return {**found, "posterior": self.posterior.read(0, read)}
        flat = read.reshape(-1, *read.shape[-2:])
        b = self.backward_rnn.backwards(flat, mask.reshape(flat.shape[:2])).view(read.shape)
        return {**found, "posterior": self.posterior.read(0, b), "b": b.detach()}

    def prior_step(self, state: State) -> Distribution:
        h = state["h"]
        if self.prior is None:
            return standard(h, self.latent_dim)
        return self.prior.distribution(self.prior.read(0, h))

    def posterior_step(
        self, state: State, features: State, prior: Distribution | None
    ) -> Distribution:
        read = features["posterior"] + self.posterior.read(1, state["h"])
        q = self.posterior.distribution(read)
        return q if prior is None else Gaussian(prior.mean + q.mean, q.log_var)

    def latent_features(self, z: Tensor) -> Tensor:
        return self.read_z(self.read_z.read(0, z))  # type: ignore[no-any-return]

    def output_step(self, state: State, z: Tensor) -> Tensor:
        read = self.output.read(0, z) + self.output.read(1, state["h"])
        return self.dropout(self.output(read))  # type: ignore[no-any-return]

    def state_step(self, state: State, z: Tensor, features: State) -> State:
        return self.cell(features["cell"], z, state)  # type: ignore[no-any-return]

    def auxiliary(self, span: Span) -> dict[str, Tensor]:
        if not self.z_forcing:
            return {}
        p = self.forced.distribution(self.forced.read(0, span.z))
        log_p = Gaussian(p.mean.tanh(), p.log_var).log_prob(span.features["b"])
        return {"z_forcing": self.z_forcing * (log_p * span.batch.mask).sum(-1)}

    def check_filter(self) -> None:
        super().check_filter()
        if self.z_forcing:
            raise ValueError(
                f"model.z_forcing={self.z_forcing}: its auxiliary loss is no part of a particle"
                " filter, as trainer.bound=fivo trains on, and iwae with data.segment; set"
                " model.z_forcing=0, or trainer.bound=elbo"
            )
