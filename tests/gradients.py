"""Gradients of an objective over many draws, to be compared with those of enumeration."""

from collections.abc import Mapping

import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.distributions.noise import FreshNoise
from vaetext.models.base import SequenceModel
from vaetext.objectives.objective import Objective

COPIES = 20  # of each sequence, so that a gradient is a mean over as many draws
WEIGHTS = {"length": 0.7, "z": 0.4}


def fresh(samples: int, rows: int = 3) -> FreshNoise:
    """Noise from torch's generator, in float64."""
    return FreshNoise(samples, rows, torch.device("cpu"), torch.float64)


def gradient(loss: Tensor, model: torch.nn.Module) -> Tensor:
    """All parameters' gradients in one vector."""
    parameters = list(model.parameters())
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return torch.cat(
        [
            (torch.zeros_like(p) if g is None else g).flatten()
            for p, g in zip(parameters, found, strict=True)
        ]
    )


def gradients(
    objective: Objective,
    model: SequenceModel,
    batch: Batch,
    samples: int,
    times: int,
    weights: Mapping[str, float] = WEIGHTS,
) -> Tensor:
    """[times, parameters] gradients of the loss, each a mean over copies of the batch."""
    copies = Batch(
        batch.x.repeat(COPIES, 1),
        batch.lengths.repeat(COPIES),
        batch.index.repeat(COPIES),
        batch.domain,
    )
    found = []
    for _ in range(times):
        evidence = objective.evidence(model, copies, fresh(samples, len(copies)))
        found.append(gradient(objective(evidence, weights).loss, model))
    return torch.stack(found)


def with_known_means(objective: Objective, model: SequenceModel, batch: Batch) -> Objective:
    """Running means of the KLs from many samples, which single draws then do not change."""
    objective.eval()
    evidence = model.evidence(batch, model.encode(batch), fresh(5000, len(batch)))
    for name, sample in evidence.latents.items():
        mean = objective._mean_kl(evidence, name, sample, objective.free_bits[name])[0].detach()
        objective.register_buffer(f"kl_{name}", mean)
    return objective


def squared_errors(found: Tensor, exact: Tensor) -> Tensor:
    """[parameters that vary] squares of (mean - exact mean) / standard error.

    Where the means are the same they are those of correlated standard normals: 1 on average.

    Args:
        found: [times, parameters].
        exact: [times, parameters] of another estimator of the same gradient.
    """
    error = (found.var(0) / len(found) + exact.var(0) / len(exact)).sqrt()
    varies = found.std(0) > 1e-9
    return (((found.mean(0) - exact.mean(0)) / error)[varies]) ** 2
