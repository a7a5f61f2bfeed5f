"""Pictures of a run: training, latents, and examples. The only package that imports matplotlib."""

from dataclasses import replace
from pathlib import Path

import numpy as np

import vaetext.report.plots.backend  # noqa: F401  # before all that import matplotlib
from vaetext.evaluation.metrics import Evaluation
from vaetext.report.plots.curves import training
from vaetext.report.plots.diagrams import files
from vaetext.report.plots.examples import interpolation, samples
from vaetext.report.plots.figures import PICTURES, picture, png, save
from vaetext.report.plots.frames import frames
from vaetext.report.plots.latents import codes, kl_per_dimension, planes, principal
from vaetext.report.plots.steps import steps
from vaetext.report.plots.sweeps import curves, heatmap, rate_distortion
from vaetext.runs.layout import METRICS, PLOTS
from vaetext.runs.results import checked_results, read_metrics

__all__ = [
    "PICTURES",
    "codes",
    "curves",
    "files",
    "frames",
    "heatmap",
    "interpolation",
    "kl_per_dimension",
    "picture",
    "planes",
    "png",
    "principal",
    "rate_distortion",
    "samples",
    "save",
    "steps",
    "training",
    "write",
]


def write(folder: Path, found: Evaluation, factors: dict[str, np.ndarray] | None = None) -> None:
    """Writes ``training.png`` of a run and, where its codes have one size, those of the latents.

    These are ``kl_per_dimension.png`` and ``codes.png``; of latents per step, those of ``steps``.

    Args:
        folder: the run folder, with its metrics.jsonl.
        found: what is known of the test split.
        factors: what its sequences were made from, name -> [N], where that is known.
    """
    with checked_results(folder / METRICS):
        figures = {"training": training(read_metrics(folder)), **steps(found)}
    scores = found.scores
    vectors = {
        name: each
        for name, each in scores.codes.items()
        if each.lengths is None and not each.latent.discrete
    }
    if vectors:
        shown = replace(scores, codes=vectors)
        figures["kl_per_dimension"] = kl_per_dimension(shown)
        figures["codes"] = codes(shown, factors)
    for name, figure in figures.items():
        save(figure, folder / PLOTS / f"{name}.png")
