"""The RNN without a latent: the baseline of vrnn, with its feature nets."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vaetext.config.models.rnn import RNN as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.latent import LatentSample
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State, choose, expand
from vaetext.models.base import SequenceModel
from vaetext.modules.dropout import Dropout
from vaetext.modules.encoder import steps_of
from vaetext.modules.heads import make_head
from vaetext.modules.nets import InputNet, Net
from vaetext.modules.recurrent import Recurrent


class RNN(SequenceModel):
    """log p(x) = sum_t log p(x_t | h_{t-1}), exact, with h_t = RNN(phi_x(x_t), h_{t-1}), h_0 = 0.

    (The baselines of Chung et al. 2015; Arthi 2019, "RNN-Gauss" and "RNN-GMM".) phi_x, the net
    before the head and the sizes are those of vrnn, which differs in z alone. The state has one
    leaf, ``rnn``: h, or h and c, [K, B, 1 or 2, H].
    """

    reads_inputs = False
    carries_state = True

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        units = config.feature_dim
        self.read_x = InputNet(domain, units, config.feature_layers, config.dropout)
        self.rnn = Recurrent(config.cell, units, config.hidden_dim)
        self.output = Net([config.hidden_dim], units, config.feature_layers)
        self.dropout = Dropout(config.dropout)
        self.head = make_head(domain, units, config.head)

    def encode(self, batch: Batch, carried: State | None = None) -> State:
        """The state before the batch."""
        state = expand(self._begin(), 1, len(batch))
        if carried is None:
            return state
        return choose(batch.begins[None], state, {"rnn": carried["rnn"][:1]})

    def sample(
        self, encoded: Any, noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        return {}

    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {}

    def evidence(
        self, batch: Batch, encoded: State, noise: Noise, enumerate: bool = False
    ) -> Evidence:
        """Computed once, as all samples are equal."""
        outputs, state = self._run(self.read_x(batch.x), encoded, batch.mask)
        before = torch.cat([encoded["rnn"][0, :, :1], outputs[:, :-1]], 1)
        log_px = self.head.log_prob(self._read(before)[None], batch)
        state = choose((batch.lengths > 0)[None], state, encoded)
        samples = noise.samples
        return Evidence(log_px.expand(samples, -1), state=expand(state, samples, len(batch)))

    def log_px(self, batch: Batch, z: Mapping[str, Tensor], noise: Noise) -> Tensor:
        return self.evidence(batch, self.encode(batch), noise).log_px

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        return expand(self._begin(), noise.samples, noise.rows)

    def emit(self, state: State, noise: Noise) -> tuple[Distribution, State]:
        return self.head(self._read(state["rnn"][:, :, 0])), state

    def advance(self, state: State, x: Tensor) -> State:
        read = self.read_x(x).flatten(0, 1)[:, None]
        return self._run(read, state, torch.ones_like(read[..., 0], dtype=torch.bool))[1]

    def _begin(self) -> State:
        (start,) = self.rnn.initial(1, next(self.parameters()))
        return {"rnn": start.transpose(0, 1)[None]}

    def _read(self, h: Tensor) -> Tensor:
        """[..., units] what the head reads."""
        return self.dropout(self.output(self.output.read(0, h)))  # type: ignore[no-any-return]

    def _run(self, read: Tensor, state: State, mask: Tensor) -> tuple[Tensor, State]:
        """h_1..h_T [K * B, T, H] of phi_x [K * B, T, units], and the state after the last step."""
        shape = state["rnn"].shape[:2]
        before = state["rnn"].flatten(0, 1).transpose(0, 1).contiguous()
        outputs, (end,) = self.rnn(read, [before], mask, steps_of(mask))
        return outputs, {"rnn": end.transpose(0, 1).unflatten(0, shape)}
