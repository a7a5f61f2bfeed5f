"""The training objective of every model: a weighted bound as a loss, and its gradients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from vaetext.config.options import closest
from vaetext.config.trainer import Trainer
from vaetext.data.batch import Batch
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.latent import Latent, LatentSample
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State
from vaetext.models.base import SequenceModel
from vaetext.objectives.multipliers import Multipliers
from vaetext.parallel.share import mean, size, total


@dataclass(frozen=True)
class Loss:
    """What one batch costs, nats per sequence.

    Attributes:
        loss: the scalar that is minimised.
        rec: -E_q[log p(x|z)], without gradient.
        kl: latent name -> mean KL at weight 1, without gradient.
    """

    loss: Tensor
    rec: Tensor
    kl: dict[str, Tensor]


class Objective(nn.Module):
    """-E[log p(x|z)] - aux + sum over latents of weight * KL, each KL floored by its free bits.

    With ``trainer.free_bits_as=constraint`` there is no floor: a multiplier lowers the weight.

    ``trainer.bound=iwae|fivo`` trains on -log p^(x) from K samples or particles instead (Burda et
    al. 2016; Maddison et al. 2017). A discrete latent gets its gradient by ``trainer.estimator``:

    - ``enumerate``: exact, every value with its share q(l|x);
    - ``rloo``: log q(l|x) * (reward - mean reward of the other samples), K >= 2;
    - ``reinforce-ema``: the same with a running mean of the rewards of earlier batches; in the
      first batch, of the other rewards.

    The reward of a sample is its term of the trained bound, with the same KL weights and floors,
    less the KLs that no discrete draw moves. With a discrete latent a floor is decided by a running
    mean of the KL (a buffer): one that the draw itself moved would bias a score function.

    All means are over the whole batch, also where several processes share it.

    Args:
        config: the trainer's options.
        model: whose latents the options are for.

    Raises:
        ValueError: options that exclude each other, or name a latent that the model lacks.
    """

    baseline: Tensor

    def __init__(self, config: Trainer, model: SequenceModel) -> None:
        super().__init__()
        self.config = config
        self.discrete = {each.name for each in model.latents if each.discrete}
        self.moved = _moved(model.latents, self.discrete)
        self.free_bits = {
            each.name: config.of_latent("free_bits", each.name) for each in model.latents
        }
        self.register_buffer("baseline", torch.zeros((), dtype=torch.float64))
        self.multipliers = Multipliers()
        self._check(model)

    def evidence(
        self, model: SequenceModel, batch: Batch, noise: Noise, carried: State | None = None
    ) -> Evidence:
        """What the bound needs of a batch: enumerated, filtered or plain."""
        encoded = model.encode(batch, carried)
        if self.config.bound == "fivo" and model.latents:
            return model.filter(batch, encoded, noise)
        if self.config.bound == "iwae" and model.latents and batch.starts is not None:
            # of a segment: the ratio of the whole's average weights after and before it
            return model.filter(batch, encoded, noise, threshold=0.0)
        return model.evidence(batch, encoded, noise, enumerate=self.enumerates)

    @property
    def enumerates(self) -> bool:
        """Whether every value of the discrete latents is tried."""
        return bool(self.discrete) and self.config.estimator == "enumerate"

    def forward(
        self,
        evidence: Evidence,
        kl_weights: Mapping[str, float],
        free_bits: Mapping[str, float] | None = None,
    ) -> Loss:
        """The loss of a batch.

        Args:
            evidence: of the batch.
            kl_weights: latent name -> weight of its KL.
            free_bits: latent name -> nats of its KL that are free; None: ``trainer.free_bits``.
        """
        nats = self.free_bits if free_bits is None else free_bits
        if self.config.free_bits_as == "floor":
            return self._loss(evidence, kl_weights, nats)
        weights = self.multipliers.weights(kl_weights)
        found = self._loss(evidence, weights, dict.fromkeys(nats, 0.0))
        cost = sum(self.multipliers.lowered(name) * each for name, each in nats.items())
        if self.training:
            self.multipliers.update(found.kl, nats)
        return replace(found, loss=found.loss + cost)

    def _loss(
        self, evidence: Evidence, kl_weights: Mapping[str, float], floors: Mapping[str, float]
    ) -> Loss:
        """The loss of a batch whose KLs have floors."""
        if self.config.bound != "elbo":
            loss = -mean(evidence.log_likelihood)
        elif self.discrete:
            loss = self._bound_of_samples(evidence, kl_weights, floors)
        else:
            loss = self._bound_of_means(evidence, kl_weights, floors)
        for aux in evidence.aux.values():
            loss = loss - mean(evidence.average(aux))
        rec = -mean(evidence.average(evidence.log_px)).detach()
        kl = {
            name: mean(evidence.average(each.total_kl)).detach()
            for name, each in evidence.latents.items()
        }
        return Loss(loss, rec, kl)

    def _bound_of_means(
        self, evidence: Evidence, kl_weights: Mapping[str, float], floors: Mapping[str, float]
    ) -> Tensor:
        """The negative weighted bound; a batch mean under its floor costs the floor."""
        loss = -mean(evidence.average(evidence.log_px))
        for name, sample in evidence.latents.items():
            kl, count = self._mean_kl(evidence, name, sample, floors[name])
            floored = kl.clamp(min=floors[name]) if floors[name] else kl
            loss = loss + kl_weights[name] * (floored * count).sum()
        return loss

    def _bound_of_samples(
        self, evidence: Evidence, kl_weights: Mapping[str, float], free_bits: Mapping[str, float]
    ) -> Tensor:
        """The same from each sample's own term, which is also its reward under a score function."""
        bound = evidence.log_px
        reward = sum(evidence.aux.values(), evidence.log_px).detach()
        floors = torch.zeros_like(bound[0, 0])
        for name, sample in evidence.latents.items():
            kl, floor = self._floored(evidence, name, sample, free_bits[name])
            bound = bound - kl_weights[name] * kl
            floors = floors + kl_weights[name] * floor
            if name in self.moved:
                reward = reward - kl_weights[name] * kl.detach()
        loss = floors - mean(evidence.average(bound))
        if self.enumerates:
            return loss
        log_q = sum(evidence.latents[name].log_q for name in self.discrete)
        surrogate = self.config.reward_weight * mean(log_q * self._advantage(reward))
        return loss - (surrogate - surrogate.detach())  # a gradient, and nothing to the value

    def _advantage(self, reward: Tensor) -> Tensor:
        """[K, B] the reward less a baseline that has not seen it."""
        if self.config.estimator == "rloo":
            return reward - (reward.sum(0) - reward) / (len(reward) - 1)
        first = self.baseline == 0  # no batch was seen before: then the others of this batch
        rewards = len(reward) * size(reward.shape[1])
        others = (total(reward.sum()) - reward) / max(rewards - 1, 1)
        advantage = reward - torch.where(first, others, self.baseline.to(reward))
        if self.training:
            now = mean(reward).to(self.baseline)
            decay = self.config.baseline_decay
            self.baseline.copy_(torch.where(first, now, self.baseline.lerp(now, 1 - decay)))
        return advantage

    def _mean_kl(
        self, evidence: Evidence, name: str, sample: LatentSample, floor: float
    ) -> tuple[Tensor, Tensor | float]:
        """The mean KL of each part that has a floor of its own, and the parts of a mean sequence.

        A part is the whole latent, each dimension, or each step; the mean of a step is over the
        sequences that reach it.
        """
        if not floor or self.config.free_bits_per == "latent":
            return mean(evidence.average(sample.total_kl)), 1.0
        axis = self._part_axis(name, sample)
        kl = evidence.average(sample.kl).movedim(axis - 1, -1)  # the average took the axis of K
        nats = total(kl.flatten(0, -2).sum(0))
        rows = size(kl.shape[0])
        if self.config.free_bits_per == "dimension" or sample.mask is None:
            return nats / rows, 1.0
        reached = total((sample.mask > 0).any(0).sum(0))
        return nats / reached.clamp(min=1), reached / rows

    def _floored(
        self, evidence: Evidence, name: str, sample: LatentSample, free_bits: float
    ) -> tuple[Tensor, Tensor | float]:
        """[K, B] the KL of the parts whose running mean is over the floor, and what others cost."""
        if not free_bits:
            return sample.total_kl, 0.0
        now, count = self._mean_kl(evidence, name, sample, free_bits)
        active = (self._running_mean(name, now.detach()) > free_bits).to(now.dtype)
        floor = ((1 - active) * free_bits * count).sum()
        if active.dim() == 0:
            return active * sample.total_kl, floor
        kl = (sample.kl.movedim(self._part_axis(name, sample), -1) * active).flatten(2).sum(2)
        return kl, floor

    def _running_mean(self, name: str, now: Tensor) -> Tensor:
        """The mean KL of each part in earlier batches, shaped like ``now``, that in this one.

        Where no earlier batch had a part, as a step that is later than any before, it is its own.
        """
        key = f"kl_{name}"
        if not hasattr(self, key):
            self.register_buffer(key, now.clone())
        known: Tensor = getattr(self, key)
        if now.dim() and len(known) < len(now):
            known = torch.cat([known, now[len(known) :]])
            setattr(self, key, known)
        parts = known[: len(now)] if now.dim() else known  # a view of the buffer
        before = parts.clone()
        if self.training:
            parts.lerp_(now, 1 - self.config.baseline_decay)
        return before

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        for name in self.free_bits:
            if (saved := state_dict.get(f"{prefix}kl_{name}")) is not None:
                self.register_buffer(f"kl_{name}", saved.clone())
        super()._load_from_state_dict(state_dict, prefix, *others)

    def _part_axis(self, name: str, sample: LatentSample) -> int:
        part = self.config.free_bits_per
        if part not in sample.axes:
            axes = ", ".join(sample.axes) or "none: it is sampled jointly"
            raise ValueError(
                f"trainer.free_bits_per={part}: the axes of the KL of {name} are {axes};"
                " set trainer.free_bits_per=latent"
            )
        return 2 + sample.axes.index(part)

    def _check(self, model: SequenceModel) -> None:
        config = self.config
        for name in config.latents:
            if name not in self.free_bits:
                have = (
                    f"its latents are {', '.join(self.free_bits)}"
                    if self.free_bits
                    else "it has none"
                )
                raise ValueError(
                    f"trainer.latents.{name}: model {model.name} has no such latent; {have}"
                    f"{closest(name, self.free_bits)}"
                )
        if self.discrete and config.estimator == "rloo" and config.samples < 2:
            raise ValueError(
                f"trainer.samples={config.samples}: trainer.estimator=rloo compares samples with"
                " each other; set trainer.samples to 2 or more"
            )
        if self.enumerates and any(each.discrete and each.per_step for each in model.latents):
            raise ValueError(
                f"trainer.estimator=enumerate: model {model.name} has a discrete latent per step,"
                " whose values over a sequence are too many; set trainer.estimator=rloo or"
                " reinforce-ema"
            )
        if config.bound == "fivo" and model.latents:
            model.check_filter()
        if config.bound != "elbo" and self.discrete:
            names = ", ".join(sorted(self.discrete))
            raise ValueError(
                f"trainer.bound={config.bound}: q of the discrete latent {names} gets no gradient"
                " from it; set trainer.bound=elbo"
            )


def _moved(latents: Sequence[Latent], discrete: set[str]) -> set[str]:
    """The latents whose KL a discrete draw moves: those conditioned on one, also through others."""
    found: set[str] = set()
    for _ in latents:
        given = discrete | found
        found |= {each.name for each in latents if given & {*each.q_given, *each.p_given}}
    return found
