"""Sequences that begin with given steps: the latents are drawn given them, then decoding goes on.

p(x_>t | x_<=t) = E[p(x_>t | z, x_<=t)] over p(z | x_<=t). Of K particles one is drawn by weight
(sampling-importance-resampling, Rubin 1987), so that the draw is exact as K grows:

- a latent of the whole sequence: z ~ q(z | x_<=t), weighted by p(x_<=t | z) p(z) / q(z | x_<=t);
- a latent per step: the particles of a filter after step t (Maddison et al. 2017), whose
  proposals are q;
- no latent: the state after x_<=t itself.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaetext.config.decoding import PARTICLES
from vaetext.data.batch import Batch
from vaetext.distributions.categorical import Categorical
from vaetext.distributions.noise import KeyedNoise, Noise
from vaetext.distributions.state import State, gather
from vaetext.models.base import SequenceModel

ROWS = 1024  # particles of all sequences that are moved together; it changes no result


@dataclass(frozen=True)
class Prefix:
    """The steps that every sequence begins with.

    Attributes:
        x: ids without EOS, or frames [T, F].
        particles: K for each sequence.
    """

    x: Any
    particles: int = PARTICLES

    @property
    def rows(self) -> int:
        """How many sequences are continued together."""
        return ROWS // self.particles

    def followed_by(self, steps: Any) -> Any:
        """The whole sequence."""
        if isinstance(steps, list):
            return [*map(int, self.x), *steps]
        return np.concatenate([self.x, steps])


def check_prefix(model: SequenceModel, prefix: Prefix, limit: int) -> None:
    """Checks that a prefix has steps, and leaves one for the model to add.

    Raises:
        ValueError: it has none, or ``limit`` or more.
    """
    count = len(prefix.x)
    if not count:
        raise ValueError(
            "prefix: it is empty; give at least one token or frame, or leave prefix out"
        )
    if count >= limit:
        what = f"max_length={limit}"
        if model.max_length == limit:
            what = f"model.max_length={limit} of this run"
        raise ValueError(
            f"prefix: it has {count} steps, and {what} counts them too, so nothing is left to add;"
            " shorten the prefix (prefix_steps) or raise max_length"
        )


@torch.no_grad()
def state_after(model: SequenceModel, prefix: Prefix, index: Tensor, seed: int) -> State:
    """The state [1, B, ...] after the prefix, one particle a sequence, drawn by weight.

    Args:
        model: in evaluation mode.
        prefix: what all begin with.
        index: [B] numbers of the sequences; the draw of each depends on (seed, number) alone.
        seed: of the noise.
    """
    one = np.asarray(prefix.x)[None]
    padded = model.domain.padded(one, np.ones(one.shape[:2], dtype=bool))
    x = torch.from_numpy(padded).to(index.device).expand(len(index), *one.shape[1:])
    noise = KeyedNoise(seed, index, range(prefix.particles if model.latents else 1))
    if any(latent.per_step for latent in model.latents):
        batch = _batch(model, x, index)
        state = model.filter(batch, model.encode(batch), noise).state
        assert state is not None
        log_w = state["log_w"]
    else:
        state, log_w = _weighted(model, x, index, noise)
    drawn = Categorical(log_w.T.log_softmax(-1)).sample(
        KeyedNoise(seed, index, range(1)).at("particle")
    )
    return gather(state, drawn)


def _weighted(model: SequenceModel, x: Tensor, index: Tensor, noise: Noise) -> tuple[State, Tensor]:
    """States after x [B, T, ...] for K draws of z from q, and their log-weights [K, B]."""
    eos = model.domain.eos
    whole = x  # what encoders read ends in EOS, which they leave out
    if eos is not None:
        whole = torch.cat([x, x.new_full((len(x), 1), eos)], 1)
    encoded = model.encode(_batch(model, whole, index))
    latents = model.sample(encoded, noise) if model.latents else {}
    log_w = torch.zeros(noise.samples, noise.rows, device=x.device)
    log_w = sum((each.log_p - each.log_q for each in latents.values()), log_w)
    state = model.start({name: each.z for name, each in latents.items()}, noise)
    for x_t in x.unbind(1):
        x_t = x_t.expand(noise.samples, *x_t.shape)
        p, state = model.emit(state, noise)
        log_w = log_w + p.log_prob(x_t)
        state = model.advance(state, x_t)
    return state, log_w


def _batch(model: SequenceModel, x: Tensor, index: Tensor) -> Batch:
    lengths = torch.full_like(index, x.shape[1])
    return Batch(x, lengths, index, model.domain)
