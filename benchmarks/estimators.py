"""Variance of the gradient of q(l|x) of a `latent-seq` run, by estimator.

    python benchmarks/estimators.py RUN                 32 sequences, 40 draws
    python benchmarks/estimators.py RUN 64 100          64 sequences, 100 draws

At a run's weights, in evaluation mode, each estimator's gradient of the bound at weight 1 is drawn
many times for one batch of the validation split, by the parameters that q(l|x) alone is read from.
The table has the summed variance of that gradient; over the squared norm of the exact one (a mean
over draws with every length enumerated), which over 1 means that a step of one batch follows noise;
and how many sequences a draw decodes for each x. The running mean of `reinforce-ema` has seen as
many draws before.
"""

import sys

import numpy as np
import torch
from torch import Tensor

import vaetext
from vaetext.config.trainer import Trainer
from vaetext.data.batch import Batch
from vaetext.data.loader import collate
from vaetext.distributions.noise import FreshNoise
from vaetext.models.base import SequenceModel
from vaetext.objectives.objective import Objective

CASES = (
    ("enumerate", 1),
    ("reinforce-ema", 1),
    ("reinforce-ema", 4),
    ("rloo", 2),
    ("rloo", 4),
    ("rloo", 8),
)
COLUMNS = ("estimator", "samples", "decoded for each x", "variance", "variance / exact squared")


def gradient(objective: Objective, model: SequenceModel, batch: Batch) -> Tensor:
    """One draw of the gradient by the parameters of q(l|x) alone."""
    own = [
        parameter
        for name, parameter in model.named_parameters()
        if name.startswith("length_") and "embedding" not in name
    ]
    noise = FreshNoise(objective.config.samples, len(batch), batch.x.device)
    evidence = objective.evidence(model, batch, noise)
    loss = objective(evidence, dict.fromkeys(model.latent_names, 1.0)).loss
    return torch.cat([each.flatten() for each in torch.autograd.grad(loss, own)])


def gradients(
    model: SequenceModel, batch: Batch, estimator: str, samples: int, draws: int
) -> Tensor:
    """[draws, parameters], after as many draws that the running mean has seen."""
    objective = Objective(Trainer(estimator=estimator, samples=samples, free_bits=0.0), model)
    if estimator == "reinforce-ema":
        for _ in range(draws):
            gradient(objective, model, batch)
    objective.eval()
    return torch.stack([gradient(objective, model, batch) for _ in range(draws)])


def main(folder: str, sequences: str = "32", draws: str = "40") -> None:
    """Prints the table of one run."""
    torch.manual_seed(0)
    run = vaetext.load(folder)
    split = run.corpus.splits["valid"]
    batch = collate(split, np.arange(min(int(sequences), len(split))), run.model.domain)
    lengths = len(run.model.latents[0].values)
    exact = None
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    for estimator, samples in CASES:
        found = gradients(run.model, batch, estimator, samples, int(draws))
        variance = float(found.var(0).sum())
        if exact is None:  # the square of a mean holds the variance of that mean
            exact = float((found.mean(0) ** 2).sum()) - variance / len(found)
        decoded = samples * (lengths if estimator == "enumerate" else 1)
        print(
            f"| {estimator} | {samples} | {decoded} | {variance:.3g} | {variance / exact:.3g} |",
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
