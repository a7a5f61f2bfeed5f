"""Models with a latent at every step; a subclass writes only what happens in one step."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.latent import Latent, LatentSample, is_blank
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State, choose, expand
from vaetext.models.base import SequenceModel
from vaetext.models.particles import Particles
from vaetext.models.spans import Draw, Drawn, Encoded, Span
from vaetext.modules.heads import Head

ROWS = 2**11  # samples times sequences times steps whose prior and output are computed at once


class StepModel(SequenceModel):
    """p(x, z) = prod_t p(x_t | z_<=t, x_<t) p(z_t | z_<t, x_<t), with q(z_t | z_<t, x) in turn.

    A subclass writes the six methods from ``initial`` to ``state_step`` and sets ``head``. Bound,
    importance sampling, interventions, generation and the particle filter are here. State leaves
    are [K, B, ...]; the state also holds ``clock``, each sequence's step, so that segments of a
    sequence draw what the whole sequence would.

    Only what leads from z_t to z_{t+1} runs step by step: ``features`` sees a whole segment at
    once, and ``prior_step`` and ``output_step`` see many steps at once wherever no draw waits for
    them, as one more axis [K, B, S, ...] of state and z.

    Attributes:
        residual: whether ``posterior_step`` reads the prior, which is then computed in every step.
    """

    latents = (Latent("z", q_given=("z",), p_given=("z",), per_step=True),)
    reads_inputs = False
    carries_state = True
    residual = False
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
        """p(z_t | z_<t, x_<t), parameters [K, B, D] or [K, B, S, D], or ones that broadcast."""

    @abstractmethod
    def posterior_step(
        self, state: State, features: State, prior: Distribution | None
    ) -> Distribution:
        """q(z_t | z_<t, x), parameters as of the prior.

        Args:
            state: before the step.
            features: of step t, leaves [B, *].
            prior: of z_t where ``residual`` is true, else None.
        """

    def latent_features(self, z: Tensor) -> Tensor:
        """[..., *] what both ``output_step`` and ``state_step`` read of z [..., D]."""
        return z

    @abstractmethod
    def output_step(self, state: State, z: Tensor) -> Tensor:
        """[K, B, H] or [K, B, S, H] what the head reads for p(x_t | z_<=t, x_<t).

        Args:
            state: before the step.
            z: ``latent_features`` of z_t.
        """

    @abstractmethod
    def state_step(self, state: State, z: Tensor, features: State) -> State:
        """The leaves of the state that step t changes.

        Args:
            state: before the step.
            z: ``latent_features`` of z_t.
            features: of x_t, leaves [B, *].
        """

    def auxiliary(self, span: Span) -> dict[str, Tensor]:
        """name -> [K, B] weighted log-likelihoods that are trained on too, part of no bound."""
        return {}

    def encode(self, batch: Batch, carried: State | None = None) -> Encoded:
        state = expand(self._begin(), 1, len(batch))
        if carried is not None:
            fresh = expand(state, len(carried["clock"]), len(batch))
            state = choose(batch.begins.expand(len(carried["clock"]), -1), fresh, carried)
        return Encoded(batch, self.features(batch.x, batch.mask, state), state)

    def sample(
        self, encoded: Any, noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        spans = self._run(encoded, self._from_posterior(noise), noise.samples)
        return {"z": LatentSample.cat([self._sampled(span) for span in spans], 2)}

    def evidence(
        self, batch: Batch, encoded: Any, noise: Noise, enumerate: bool = False
    ) -> Evidence:
        return self._evidence(encoded, self._from_posterior(noise), noise.samples)

    def log_px(self, batch: Batch, z: Mapping[str, Tensor], noise: Noise) -> Tensor:
        given = z["z"].unbind(2) if "z" in z else None

        def draw(t: int, state: State, now: State) -> Drawn:
            if given is not None:
                return Drawn(given[t])
            return Drawn(self.prior_step(state).sample(noise.at("z", state["clock"])))

        samples = len(z["z"]) if "z" in z else noise.samples
        parts = [self._log_px(span) for span in self._run(self.encode(batch), draw, samples)]
        return sum(parts[1:], parts[0])

    def filter(self, batch: Batch, encoded: Any, noise: Noise, threshold: float = 0.5) -> Evidence:
        """FIVO's estimate of log p(x) with K particles (Maddison et al. 2017).

        Where the effective sample size falls under ``threshold`` * K the particles are resampled,
        systematically; no gradient passes through the choice of ancestors. The columns log p(x|z)
        and KL are averages over particles, weighted as they were before each step.
        """
        particles = Particles(encoded, noise, threshold)
        draw = self._from_posterior(noise)
        state = expand(encoded.state, noise.samples, len(batch))
        for t, now in enumerate(encoded.steps()):
            drawn = draw(t, state, now)
            read = self.latent_features(drawn.z)
            p_x = self.head(self.output_step(state, read))
            p = self.prior_step(state) if drawn.p is None else drawn.p
            state = self._next(state, read, now, encoded.real(t))
            state = particles.weigh(state, p_x.log_prob(batch.x[:, t]), drawn.z, drawn.q, p)
        return particles.evidence(state)

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
        read = self.latent_features(z)
        return self.head(self.output_step(state, read)), {**state, "z_now": read}

    def advance(self, state: State, x: Tensor) -> State:
        mask = torch.ones(*x.shape[:2], 1, dtype=torch.bool, device=x.device)
        features = self.features(x[:, :, None], mask, state)
        now = {name: leaf[:, :, 0] for name, leaf in features.items()}
        moved = self.state_step(state, state["z_now"], now)
        return {**state, **moved, "clock": state["clock"] + 1}

    def _begin(self) -> State:
        state = self.initial()
        like = next(iter(state.values()))
        clock = torch.zeros(1, 1, dtype=torch.int64, device=like.device)
        return {**state, "clock": clock, "log_w": like.new_zeros(1, 1)}

    def _from_posterior(self, noise: Noise) -> Draw:
        def draw(t: int, state: State, now: State) -> Drawn:
            p = self.prior_step(state) if self.residual else None
            q = self.posterior_step(state, now, p)
            return Drawn(q.sample(noise.at("z", state["clock"])), q, p)

        return draw

    def _next(self, state: State, read: Tensor, now: State, real: Tensor | None) -> State:
        """The state after a step, unchanged where ``real`` [B] is false; None: real everywhere."""
        moved = {**state, **self.state_step(state, read, now), "clock": state["clock"] + 1}
        return moved if real is None else choose(real.expand(*state["clock"].shape), moved, state)

    def _run(self, encoded: Encoded, draw: Draw, samples: int) -> Iterator[Span]:
        """One loop for the bound, importance sampling and interventions, a span at a time.

        What is computed of a span can be summed and forgotten before the next is run.
        """
        batch = encoded.batch
        state = expand(encoded.state, samples, len(batch))
        steps = encoded.steps()
        size = max(1, ROWS // (samples * len(batch)))
        for begin in range(0, len(steps), size):
            states = []
            drawn = []
            read = []
            for t, now in enumerate(steps[begin : begin + size], begin):
                states.append(state)
                drawn.append(draw(t, state, now))
                read.append(self.latent_features(drawn[-1].z))
                state = self._next(state, read[-1], now, encoded.real(t))
            yield Span.of(encoded, begin, states, drawn, read, state)

    def _evidence(self, encoded: Encoded, draw: Draw, count: int) -> Evidence:
        samples = []
        log_px = []
        aux = []
        for span in self._run(encoded, draw, count):
            samples.append(self._sampled(span))
            log_px.append(self._log_px(span))
            aux.append(self.auxiliary(span))
        latents = {"z": LatentSample.cat(samples, 2)}
        sums = {name: sum([each[name] for each in aux[1:]], aux[0][name]) for name in aux[0]}
        return Evidence(sum(log_px[1:], log_px[0]), latents, sums, state=span.state)

    def _log_px(self, span: Span) -> Tensor:
        """[K, B] log p(x|z) of the steps of a span."""
        return self.head.log_prob(self.output_step(span.states, span.read), span.batch)

    def _sampled(self, span: Span) -> LatentSample:
        assert span.q is not None
        p = self.prior_step(span.states) if span.p is None else span.p
        p = p.expand(*span.states["clock"].shape)
        return LatentSample(span.z, span.q, p, span.batch.mask[None], ("step",))
