"""The bounds as K grows: importance sampling beside the particle filter."""

import math

import torch
from torch import Tensor

from vaetext.data.loader import Split
from vaetext.evaluation.results import BoundsByK
from vaetext.evaluation.scoring import Scores, filtered
from vaetext.models.base import SequenceModel
from vaetext.parallel.ranks import ALONE, Ranks

SEQUENCES = 20  # the first of a split: each K of the filter is a pass of its own


def bounds_by_samples(
    model: SequenceModel,
    split: Split,
    scores: Scores,
    *,
    seed: int,
    batch_tokens: int,
    device: torch.device,
    ranks: Ranks = ALONE,
) -> BoundsByK:
    """Both bounds at K = 1, 2, 4, ... and at the K that the whole split was scored with.

    Args:
        model: scored in evaluation mode, with a latent per step.
        split: its first 20 sequences are scored.
        scores: of the split, with as many particles as samples; their weights are used again.
        seed: of the noise, as in ``scores``.
        batch_tokens: most padded tokens that are scored at once.
        device: of the model.
        ranks: the processes that share it.
    """
    count = min(len(split), SEQUENCES)
    first = Split(split.x, split.offsets[: count + 1])
    steps = int(first.lengths.sum())
    largest = len(scores.log_weight)
    numbers = [2**n for n in range(math.ceil(math.log2(largest)))] + [largest]
    fivo = [
        filtered(model, first, seed, each, batch_tokens, device, ranks) for each in numbers[:-1]
    ]
    assert scores.fivo is not None
    fivo.append(scores.fivo[:count])
    log_weight = scores.log_weight[:, :count]
    return BoundsByK(
        samples=numbers,
        iw_nll=[-grouped(log_weight, each).sum().item() / steps for each in numbers],
        fivo_nll=[-each.sum().item() / steps for each in fivo],
        neg_elbo=-scores.elbo[:count].sum().item() / steps,
        sequences=count,
        steps=steps,
    )


def grouped(log_weight: Tensor, samples: int) -> Tensor:
    """[N] the importance-weighted estimate of log p(x) with ``samples`` of the K weights [K, N].

    The mean over disjoint groups of samples: a tighter estimate of the bound than one group's.
    """
    groups = len(log_weight) // samples
    parts = log_weight[: groups * samples].view(groups, samples, -1)
    return (torch.logsumexp(parts, 1) - math.log(samples)).mean(0)
