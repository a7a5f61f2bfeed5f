"""A distribution of short token sequences that can be enumerated."""

from collections.abc import Mapping

import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.distributions.categorical import Categorical
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.latent import Latent, LatentSample
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State
from vaetext.models.base import SequenceModel

EOS = 1
SIZE = 4
TABLES = [  # [table, previous token or BOS, next token]
    [
        [0.1, 0.0, 0.5, 0.4],
        [0.25] * 4,
        [0.2, 0.2, 0.35, 0.25],
        [0.05, 0.9, 0.02, 0.03],
        [0.2, 0.05, 0.4, 0.35],
    ],
    [
        [0.2, 0.5, 0.2, 0.1],
        [0.25] * 4,
        [0.6, 0.1, 0.1, 0.2],
        [0.1, 0.1, 0.7, 0.1],
        [0.45, 0.15, 0.3, 0.1],
    ],
]


class Chain(SequenceModel):
    """A Markov chain whose table z chooses; every 3 swaps it, so the state must follow its row."""

    latents = (Latent("z", discrete=True),)

    def __init__(self) -> None:
        super().__init__(Symbols(SIZE, EOS, 0, 9))
        self.tables = torch.nn.Parameter(torch.tensor(TABLES, dtype=torch.float64).log())

    def encode(self, batch: Batch, carried: State | None = None) -> Categorical:
        """q(z|x), far from the posterior."""
        return Categorical(torch.tensor([0.7, 0.3]).log().expand(len(batch), 2))

    def sample(
        self, encoded: Categorical, noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        prior = Categorical(torch.tensor([0.5, 0.5]).log().expand_as(encoded.log_p))
        return {"z": LatentSample(encoded.sample(noise.at("z")), encoded, prior)}

    def log_px(self, batch: Batch, z: Mapping[str, Tensor], noise: Noise) -> Tensor:
        raise NotImplementedError

    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"z": (noise.at("z").uniform() > 0.5).long(), **given}

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        assert z["z"].shape == (noise.samples, noise.rows)
        return {"table": z["z"], "x": self.domain.start(self.tables, *z["z"].shape)}

    def emit(self, state: State, noise: Noise) -> tuple[Distribution, State]:
        table = torch.where(state["x"] == 3, 1 - state["table"], state["table"])
        return Categorical(self.tables[table, state["x"]]), {**state, "table": table}

    def advance(self, state: State, x: Tensor) -> State:
        return {**state, "x": x}
