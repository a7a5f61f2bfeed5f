"""A latent sequence of unknown length: a discrete l, and z_1..z_l given it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from vaetext.config.model import Model
from vaetext.config.options import option
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.categorical import Categorical
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.gaussian import GaussianHead, standard
from vaetext.distributions.latent import Latent, LatentSample
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State
from vaetext.models.base import SequenceModel
from vaetext.models.diagnostics import Diagnostic, Page, Panel, Series
from vaetext.modules.heads import make_head


@dataclass
class Config(Model):
    """VAE with a latent sequence of unknown length."""

    hidden_dim: int = option(4, "units of every layer", min=1)
    latent_dim: int = option(2, "dimensions of each z_i", min=1)
    most: int = option(3, "largest length", min=1)


class ToyLength(SequenceModel):
    """A discrete length l, then z_1..z_l; a GRU decoder reads them all.

    p(l) is a truncated geometric distribution (value v is length v + 1), and the posterior is
    q(l|x) prod_i q(z_i | z_<i, l, x).
    """

    Config = Config
    name = "toy-length"
    latents = (
        Latent("length", discrete=True),
        Latent("z", q_given=("length", "z"), p_given=("length",)),
    )

    def __init__(self, config: Config, domain: Domain) -> None:
        super().__init__(domain)
        hidden = config.hidden_dim
        dim = config.latent_dim
        most = config.most
        self.dim = dim
        self.most = most
        self.embedding = domain.embedding(hidden)
        self.rnn = nn.GRU(hidden, hidden, batch_first=True)
        self.length = nn.Linear(hidden, most)
        self.of_length = nn.Embedding(most, hidden)
        self.step = nn.Linear(dim + hidden, hidden)
        self.posterior = GaussianHead(hidden, dim)
        self.to_state = nn.Linear(most * dim, hidden)
        self.input = domain.embedding(hidden, start=True)
        self.decoder = nn.GRU(hidden, hidden, batch_first=True)
        self.head = make_head(domain, hidden)

    def prior_length(self, like: Tensor) -> Categorical:
        powers = torch.arange(1, self.most + 1, device=like.device, dtype=like.dtype)
        return Categorical((powers * math.log(0.8)).log_softmax(-1))

    def encode(self, batch: Batch, carried: State | None = None) -> Tensor:
        outputs = self.rnn(self.embedding(batch.x))[0]
        return outputs[torch.arange(len(batch)), batch.lengths - 1]

    def mask(self, length: Tensor) -> Tensor:
        return torch.arange(self.most) <= length[..., None]

    def sample(
        self, encoded: Tensor, noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        q_length = Categorical(self.length(encoded).log_softmax(-1))
        if enumerate:
            noise = noise.expand(self.most)
            values = torch.arange(self.most).repeat(noise.samples // self.most)
            length = values[:, None].expand(-1, len(encoded))
        else:
            length = q_length.sample(noise.at("length"))
        state = encoded + self.of_length(length)
        z = state.new_zeros(noise.samples, len(encoded), self.dim)
        drawn, posteriors = [], []
        for i in range(self.most):
            state = self.step(torch.cat([z, state], -1)).tanh()
            posteriors.append(self.posterior(state))
            z = posteriors[-1].sample(noise.at("z", i))
            drawn.append(z)
        q = type(posteriors[0]).stack(posteriors, 2)
        p = standard(state, self.dim)
        z_sample = LatentSample(torch.stack(drawn, 2), q, p, self.mask(length), ("position",))
        return {"length": LatentSample(length, q_length, self.prior_length(state)), "z": z_sample}

    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        z = dict(given)
        if "length" not in z:
            z["length"] = self.prior_length(self.step.weight).sample(noise.at("length"))
        if "z" not in z:
            z["z"] = noise.at("z").normal(self.most, self.dim)
        return z

    def first(self, z: Mapping[str, Tensor]) -> Tensor:
        kept = z["z"] * self.mask(z["length"])[..., None]
        return self.to_state(kept.flatten(2)).tanh()

    def log_px(self, batch: Batch, z: Mapping[str, Tensor], noise: Noise) -> Tensor:
        h = self.first(self.sample_prior(noise, z))
        inputs = self.input(batch.inputs).expand(len(h), -1, -1, -1).flatten(0, 1)
        outputs = self.decoder(inputs, h.flatten(0, 1)[None].contiguous())[0]
        return self.head.log_prob(outputs.unflatten(0, h.shape[:2]), batch)

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        h = self.first(z)
        return {"h": h, "x": self.domain.start(h, *h.shape[:2])}

    def emit(self, state: State, noise: Noise) -> tuple[Distribution, State]:
        h = state["h"]
        inputs = self.input(state["x"]).flatten(0, 1)[:, None]
        now = self.decoder(inputs, h.flatten(0, 1)[None].contiguous())[1][0].view(h.shape)
        return self.head(now), {**state, "h": now}

    def advance(self, state: State, x: Tensor) -> State:
        return {**state, "x": x}

    def diagnostics(self) -> list[Diagnostic]:
        return [Lengths(self.most)]


class Lengths(Diagnostic):
    """How often each length is inferred."""

    def __init__(self, most: int) -> None:
        self.counts = torch.zeros(most, dtype=torch.int64)

    def update(self, model: ToyLength, batch: Batch, evidence: Evidence) -> None:
        (length,) = evidence.latents["length"].z
        self.counts += torch.bincount(length, minlength=len(self.counts))

    def numbers(self) -> dict[str, float]:
        mean = (self.counts * torch.arange(1, len(self.counts) + 1)).sum() / self.counts.sum()
        return {"mean length": mean.item()}

    def pages(self) -> list[Page]:
        lines = [f"{n} {count}\n" for n, count in enumerate(self.counts.tolist(), 1)]
        counts = Series("sequences", np.arange(1, len(lines) + 1), self.counts.numpy(), "bars")
        panel = Panel("inferred lengths", "length", "sequences", [counts])
        return [Page("lengths.txt", "".join(lines)), Page("plots/lengths.png", [panel])]
