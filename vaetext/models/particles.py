"""The weights of a particle filter (Maddison et al. 2017)."""

import math

import torch
from torch import Tensor

from vaetext.distributions.distribution import Distribution
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.latent import LatentSample, SummedSample
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State, gather
from vaetext.models.spans import Encoded
from vaetext.parallel.share import largest


class Particles:
    """The weights of a particle filter over one segment, and its columns.

    Attributes:
        log_w: [K, B] log-weights since the last resampling.
        total: [B] log p^ of what was resampled.
    """

    def __init__(self, encoded: Encoded, noise: Noise, threshold: float) -> None:
        self.batch = encoded.batch
        self.noise = noise
        self.least = threshold * noise.samples
        self.log_w = encoded.state["log_w"].expand(noise.samples, len(encoded.batch))
        self.total = self.log_w.new_zeros(len(encoded.batch))
        self.log_px = torch.zeros_like(self.log_w)
        self.kl: list[Tensor] = []
        self.log_q = torch.zeros_like(self.log_w)
        self.log_p = torch.zeros_like(self.log_w)

    @property
    def last(self) -> Tensor:
        """[B] log of the mean weight."""
        return torch.logsumexp(self.log_w, 0) - math.log(len(self.log_w))

    def evidence(self, state: State) -> Evidence:
        """What the filter has found, and the state of the particles after the segment."""
        state = {**state, "log_w": self.log_w - self.last}
        sample = SummedSample(
            *self.newest,
            positions=("step",),
            sum_q=self.log_q,
            sum_p=self.log_p,
            step_kl=torch.stack(self.kl, 2),
        )
        return Evidence(self.log_px, {"z": sample}, state=state, estimate=self.total + self.last)

    def weigh(
        self, state: State, log_px: Tensor, z: Tensor, q: Distribution | None, p: Distribution
    ) -> State:
        """Multiplies the weights by those of a step; resamples where too few particles are left.

        Args:
            state: after the step.
            log_px: [K, B] log p(x_t | z_<=t, x_<t).
            z: [K, B, D].
            q: its posterior.
            p: its prior.
        """
        assert q is not None
        real = self.batch.mask[:, len(self.kl)]
        sample = LatentSample(z, q, p)
        before = self.log_w.detach()
        self.log_w = self.log_w + (log_px + sample.log_p - sample.log_q) * real
        self.newest = (z, q, p)
        with torch.no_grad():
            self._add(before.softmax(0) * len(before) * real, log_px, sample)
            weight = self.log_w.softmax(0)
            poor = real & (1 / (weight**2).sum(0) < self.least)
        return self._resample(state, weight, poor) if largest(int(poor.any())) else state

    def _add(self, share: Tensor, log_px: Tensor, sample: LatentSample) -> None:
        """Adds a step to the columns, each particle with its share [K, B]."""
        self.log_px = self.log_px + share * log_px
        self.log_q = self.log_q + share * sample.log_q
        self.log_p = self.log_p + share * sample.log_p
        self.kl.append(share * sample.total_kl)

    def _resample(self, state: State, weight: Tensor, poor: Tensor) -> State:
        """Resamples the particles by their weights [K, B] where ``poor`` [B]."""
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
