"""Models with a latent at every step; a subclass writes only what happens in one step."""

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.latent import Latent, LatentSample, is_blank
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State, choose, expand, gather
from vaetext.models.base import SequenceModel
from vaetext.modules.heads import Head


@dataclass(frozen=True)
class Encoded:
    """What is known of a segment before any latent is drawn.

    Attributes:
        batch: the segment.
        features: name -> [B, T, *], all that does not depend on z.
        state: before the first step, leaves [K or 1, B, ...].
    """

    batch: Batch
    features: State
    state: State


@dataclass(frozen=True)
class Steps:
    """A pass over a segment.

    Attributes:
        z: [K, B, T, D].
        q: the posteriors of z_t, parameters [K, B, T, D].
        p: its priors, [K, B, T, D].
        hidden: [K, B, T, H] what the head reads.
        state: after the last real step of each sequence, leaves [K, B, ...].
    """

    z: Tensor
    q: Distribution
    p: Distribution
    hidden: Tensor
    state: State


# t, clock, p, q -> z_t
Draw = Callable[[int, Tensor, Distribution, Distribution], Tensor]
# t, state, z_t, q, p, hidden -> state
Weigh = Callable[[int, State, Tensor, Distribution, Distribution, Tensor], State]


class StepModel(SequenceModel):
    """p(x, z) = prod_t p(x_t | z_<=t, x_<t) p(z_t | z_<t, x_<t), with q(z_t | z_<t, x) in turn.

    A subclass writes the six methods from ``initial`` to ``state_step`` and sets ``head``. Bound,
    importance sampling, interventions, generation and the particle filter are here. State leaves
    are [K, B, ...]; the state also holds ``clock``, each sequence's step, so that segments of a
    sequence draw what the whole sequence would.
    """

    latents = (Latent("z", q_given=("z",), p_given=("z",), per_step=True),)
    reads_inputs = False
    carries_state = True
    head: Head

    @abstractmethod
    def initial(self) -> State:
        """The state before the first step, leaves [1, 1, ...]."""

    @abstractmethod
    def features(self, x: Tensor, mask: Tensor, state: State) -> State:
        """name -> [..., T, *] of x [..., T, ...] that follows ``state``: all that is free of z.

        Args:
            x: [B, T, ...] of a whole segment, or [K, B, T, ...] where each sample has its own.
            mask: [..., T] true at real steps.
            state: before the segment.
        """

    @abstractmethod
    def prior_step(self, state: State) -> Distribution:
        """p(z_t | z_<t, x_<t), parameters [K, B, D], or ones that broadcast against that."""

    @abstractmethod
    def posterior_step(self, state: State, features: State, prior: Distribution) -> Distribution:
        """q(z_t | z_<t, x), parameters as of the prior; features of step t, leaves [B, *]."""

    @abstractmethod
    def output_step(self, state: State, z: Tensor) -> Tensor:
        """[K, B, H] what the head reads for p(x_t | z_<=t, x_<t)."""

    @abstractmethod
    def state_step(self, state: State, z: Tensor, features: State) -> State:
        """The leaves of the state that step t changes, given z_t and x_t's features."""

    def encode(self, batch: Batch, carried: State | None = None) -> Encoded:
        state = expand(self._begin(), 1, len(batch))
        if carried is not None:
            fresh = expand(state, len(carried["clock"]), len(batch))
            state = choose(batch.begins.expand(len(carried["clock"]), -1), fresh, carried)
        return Encoded(batch, self.features(batch.x, batch.mask, state), state)

    def sample(
        self, encoded: Any, noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        return self._sampled(encoded, self._posterior(encoded, noise))

    def evidence(
        self, batch: Batch, encoded: Any, noise: Noise, enumerate: bool = False
    ) -> Evidence:
        steps = self._posterior(encoded, noise)
        log_px = self.head.log_prob(steps.hidden, batch)
        return Evidence(log_px, self._sampled(encoded, steps), state=steps.state)

    def log_px(self, batch: Batch, z: Mapping[str, Tensor], noise: Noise) -> Tensor:
        def draw(t: int, clock: Tensor, p: Distribution, q: Distribution) -> Tensor:
            return z["z"][:, :, t] if "z" in z else p.sample(noise.at("z", clock))

        samples = len(z["z"]) if "z" in z else noise.samples
        return self.head.log_prob(self._run(self.encode(batch), draw, samples).hidden, batch)

    def filter(self, batch: Batch, encoded: Any, noise: Noise, threshold: float = 0.5) -> Evidence:
        """FIVO's estimate of log p(x) with K particles (Maddison et al. 2017).

        Where the effective sample size falls under ``threshold`` * K the particles are resampled,
        systematically; no gradient passes through the choice of ancestors. The columns log p(x|z)
        and KL are averages over particles, weighted as they were before each step.
        """
        particles = Particles(self.head, encoded, noise, threshold)
        steps = self._posterior(encoded, noise, particles.weigh)
        share = torch.stack(particles.shares, 2)
        log_px = (share * self.head(steps.hidden).log_prob(batch.x) * batch.mask).sum(-1)
        latents = self._sampled(encoded, steps, share)
        state = {**steps.state, "log_w": particles.log_w - particles.last}
        return Evidence(log_px, latents, state=state, estimate=particles.total + particles.last)

    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return dict(given)

    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        """A given path of z is replayed; where it is blank, and after it, the prior is sampled."""
        state = expand(self._begin(), noise.samples, noise.rows)
        return {**state, "replay": z["z"]} if "z" in z else state

    def emit(self, state: State, noise: Noise) -> tuple[Distribution, State]:
        z = self.prior_step(state).sample(noise.at("z", state["clock"]))
        if "replay" in state and state["replay"].shape[2]:
            given = state["replay"][:, :, 0]
            z = torch.where(is_blank(given), z, given)
            state = {**state, "replay": state["replay"][:, :, 1:]}
        return self.head(self.output_step(state, z)), {**state, "z": z}

    def advance(self, state: State, x: Tensor) -> State:
        mask = torch.ones(*x.shape[:2], 1, dtype=torch.bool, device=x.device)
        features = self.features(x[:, :, None], mask, state)
        now = {name: leaf[:, :, 0] for name, leaf in features.items()}
        moved = self.state_step(state, state["z"], now)
        return {**state, **moved, "clock": state["clock"] + 1}

    def _begin(self) -> State:
        state = self.initial()
        like = next(iter(state.values()))
        clock = torch.zeros(1, 1, dtype=torch.int64, device=like.device)
        return {**state, "clock": clock, "log_w": like.new_zeros(1, 1)}

    def _posterior(self, encoded: Encoded, noise: Noise, weigh: Weigh | None = None) -> Steps:
        def draw(t: int, clock: Tensor, p: Distribution, q: Distribution) -> Tensor:
            return q.sample(noise.at("z", clock))

        return self._run(encoded, draw, noise.samples, weigh)

    def _sampled(
        self, encoded: Encoded, steps: Steps, share: Tensor | None = None
    ) -> dict[str, LatentSample]:
        mask = encoded.batch.mask[None]
        mask = mask if share is None else mask * share
        return {"z": LatentSample(steps.z, steps.q, steps.p, mask, ("step",))}

    def _run(self, encoded: Encoded, draw: Draw, samples: int, weigh: Weigh | None = None) -> Steps:
        """One loop for the bound, importance sampling, interventions and the filter."""
        batch = encoded.batch
        state = expand(encoded.state, samples, len(batch))
        record = []
        for t in range(batch.x.shape[1]):
            now = {name: leaf[:, t] for name, leaf in encoded.features.items()}
            p = self.prior_step(state)
            q = self.posterior_step(state, now, p)
            z = draw(t, state["clock"], p, q)
            hidden = self.output_step(state, z)
            real = batch.mask[:, t].expand(samples, -1)
            moved = {**state, **self.state_step(state, z, now), "clock": state["clock"] + 1}
            state = choose(real, moved, state)
            if weigh is not None:
                state = weigh(t, state, z, q, p, hidden)
            record.append((z, q.expand(*real.shape), p.expand(*real.shape), hidden))
        z_t, q_t, p_t, hidden_t = zip(*record, strict=True)
        q, p = type(q_t[0]).stack(q_t, 2), type(p_t[0]).stack(p_t, 2)
        return Steps(torch.stack(z_t, 2), q, p, torch.stack(hidden_t, 2), state)


class Particles:
    """The weights of a particle filter over one segment.

    Attributes:
        log_w: [K, B] log-weights since the last resampling.
        total: [B] log p^ of what was resampled.
        shares: of each step [K, B] the normalised weights before it, times K.
    """

    def __init__(self, head: Head, encoded: Encoded, noise: Noise, threshold: float) -> None:
        self.head = head
        self.batch = encoded.batch
        self.noise = noise
        self.least = threshold * noise.samples
        self.log_w = encoded.state["log_w"].expand(noise.samples, len(encoded.batch))
        self.total = self.log_w.new_zeros(len(encoded.batch))
        self.shares: list[Tensor] = []

    @property
    def last(self) -> Tensor:
        """[B] log of the mean weight."""
        return torch.logsumexp(self.log_w, 0) - math.log(len(self.log_w))

    def weigh(
        self, t: int, state: State, z: Tensor, q: Distribution, p: Distribution, hidden: Tensor
    ) -> State:
        """Multiplies the weights by those of step t; resamples where too few particles are left."""
        real = self.batch.mask[:, t]
        self.shares.append((self.log_w.softmax(0) * len(self.log_w)).detach())
        step = self.head(hidden).log_prob(self.batch.x[:, t]) + p.log_prob(z) - q.log_prob(z)
        self.log_w = self.log_w + step * real
        weight = self.log_w.detach().softmax(0)
        poor = real & (1 / (weight**2).sum(0) < self.least)
        if not poor.any():
            return state
        self.total = self.total + torch.where(poor, self.last, 0.0)
        self.log_w = torch.where(poor, 0.0, self.log_w)
        return gather(state, self._ancestors(weight, poor, state["clock"]))

    def _ancestors(self, weight: Tensor, poor: Tensor, clock: Tensor) -> Tensor:
        """[K, B] the particle that each one continues: systematic resampling where ``poor``."""
        samples = len(weight)
        own = torch.arange(samples, device=weight.device)[:, None]
        uniform = (self.noise.at("resample", clock).uniform()[0] + own) / samples
        ends = weight.cumsum(0).T.contiguous()
        drawn = torch.searchsorted(ends, uniform.T.contiguous().to(ends.dtype))
        return torch.where(poor, drawn.clamp(max=samples - 1).T, own)
