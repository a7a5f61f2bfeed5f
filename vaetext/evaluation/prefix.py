"""Sequences that begin with given steps: the latents are drawn given them, then decoding goes on.

p(x_>t | x_<=t) = E[p(x_>t | z, x_<=t)] over p(z | x_<=t). Of K particles one is drawn by weight
(sampling-importance-resampling, Rubin 1987), so that the draw is exact as K grows:

- a latent of the whole sequence: z ~ q(z | x_<=t), weighted by p(x_<=t | z) p(z) / q(z | x_<=t),
  and as many z ~ p(z), weighted by p(x_<=t | z), for q was trained on whole sequences and may be
  too narrow for a beginning;
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
        x: ids without the last EOS, or frames [T, F].
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


def check_prefix(model: SequenceModel, prefix: Prefix, limit: int) -> int:
    """Checks that a prefix has steps, and leaves one for the model to add.

    Returns:
        How many sentences have ended in it.

    Raises:
        ValueError: it has no steps, or ``limit`` or more, or all sentences of a document.
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
    ended = int((np.asarray(prefix.x) == model.domain.eos).sum())
    if ended >= model.domain.sentences:
        raise ValueError(
            f"prefix: it has {ended} whole sentences, as many as a document of this run"
            f" (data.document={model.domain.sentences}); give fewer"
        )
    return ended


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
    """States after x [B, T, ...] for K draws of z, and their log-weights [K, B]."""
    z, log_w = _drawn(model, x, index, noise)
    state = model.start(z, noise)
    for x_t in x.unbind(1):
        x_t = x_t.expand(noise.samples, *x_t.shape)
        p, state = model.emit(state, noise)
        log_w = log_w + p.log_prob(x_t)
        state = model.advance(state, x_t)
    return state, log_w


def _drawn(
    model: SequenceModel, x: Tensor, index: Tensor, noise: Noise
) -> tuple[dict[str, Tensor], Tensor]:
    """K draws of z, the first half from q and the others from p, and log p(z) - log q(z) or 0."""
    log_w = torch.zeros(noise.samples, noise.rows, device=x.device)
    if not model.latents:
        return {}, log_w
    if (eos := model.domain.eos) is not None:  # the end of what encoders read, which they leave out
        x = torch.cat([x, x.new_full((len(x), 1), eos)], 1)
    inferred = model.sample(model.encode(_batch(model, x, index)), noise)
    prior = model.sample_prior(noise.at("prior"), {})
    half = (noise.samples + 1) // 2
    z = {name: torch.cat([each.z[:half], prior[name][half:]]) for name, each in inferred.items()}
    ratio = sum((each.log_p - each.log_q for each in inferred.values()), log_w)
    return z, torch.cat([ratio[:half], log_w[half:]])


def _batch(model: SequenceModel, x: Tensor, index: Tensor) -> Batch:
    lengths = torch.full_like(index, x.shape[1])
    return Batch(x, lengths, index, model.domain)
