"""Latents per step: their KL over time, and the bounds by the number of samples."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaetext.evaluation.codes import LatentCodes
from vaetext.evaluation.metrics import Evaluation
from vaetext.evaluation.results import BoundsByK
from vaetext.report.plots.figures import from_zero, integer_ticks, panels


def steps(found: Evaluation) -> dict[str, Figure]:
    """``kl_per_step`` and ``bounds``, by name, of a model with a latent per step."""
    codes = {name: each for name, each in found.scores.codes.items() if each.latent.per_step}
    figures = {"kl_per_step": kl_per_step(codes)} if codes else {}
    if found.results.by_samples is not None:
        figures["bounds"] = bounds_by_samples(found.results.by_samples)
    return figures


def kl_per_step(codes: dict[str, LatentCodes]) -> Figure:
    """The KL of each step, a mean over the sequences that reach it, and how many these are.

    Args:
        codes: latent name -> its posteriors, of latents per step.
    """
    figure, axes = panels(len(codes), 1)
    for axis, (name, code) in zip(axes[:, 0], codes.items(), strict=True):
        mean, reached = step_means(code)
        step = np.arange(1, len(mean) + 1)
        axis.plot(step, mean, lw=1, color="C0")
        axis.set(title=f"KL of {name} by step (one sample)", xlabel="step")
        from_zero(axis)
        axis.set_ylabel("nats per step", color="C0")
        _count(axis.twinx(), step, reached)
        integer_ticks(axis)
    return figure


def step_means(code: LatentCodes) -> tuple[np.ndarray, np.ndarray]:
    """The mean KL of each step [T], and the number of sequences that reach it [T]."""
    assert code.lengths is not None
    lengths = code.lengths.numpy()
    step = np.concatenate([np.arange(length) for length in lengths])
    kl = code.kl.double().flatten(1).sum(1) if code.kl.dim() > 1 else code.kl.double()
    reached = np.bincount(step)
    return np.bincount(step, weights=kl.numpy()) / reached, reached


def bounds_by_samples(found: BoundsByK) -> Figure:
    """-ELBO, IW-NLL(K) and FIVO-NLL(K) over K; the area between the last two is the gap."""
    figure, axes = panels(1, 1, height=3.6)
    axis = axes[0, 0]
    axis.axhline(found.neg_elbo, color="C2", ls="--", lw=1.2, label="-ELBO")
    axis.plot(found.samples, found.iw_nll, "o-", ms=3, color="C0", label="IW-NLL(K)")
    axis.plot(found.samples, found.fivo_nll, "o-", ms=3, color="C1", label="FIVO-NLL(K)")
    axis.fill_between(found.samples, found.iw_nll, found.fivo_nll, color="0.6", alpha=0.25, lw=0)
    last = found.samples[-1]
    gap = round(found.iw_nll[-1] - found.fivo_nll[-1], 3) + 0.0  # without the sign of -0
    axis.set_xscale("log", base=2)
    axis.set_xticks(found.samples, [str(each) for each in found.samples])
    axis.minorticks_off()
    axis.set_xlabel(f"K (gap between the two at {last}: {gap:.3f})")
    axis.set_ylabel("nats per step")
    sequences = "sequence" if found.sequences == 1 else f"{found.sequences} sequences"
    axis.set_title(f"bounds, first {sequences} ({found.steps:,} steps)")
    axis.legend(fontsize=8)
    return figure


def _count(axis: Axes, step: np.ndarray, reached: np.ndarray) -> None:
    axis.plot(step, reached, color="0.6", lw=1, ls=":")
    axis.set_ylabel("sequences that reach it", color="0.5")
    from_zero(axis)
