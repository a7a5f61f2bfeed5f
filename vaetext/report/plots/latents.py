"""The latents of a split: KL and active units of each dimension, and the codes in a plane."""

from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaetext.evaluation.codes import LatentCodes
from vaetext.evaluation.metrics import ACTIVE, active_units, unit_variances
from vaetext.evaluation.scoring import Scores
from vaetext.report.plots.figures import integer_ticks, legend_outside, panels, scatter_kinds


def kl_per_dimension(scores: Scores) -> Figure:
    """Mean KL of each dimension, largest first, beside Var_x(E_q[z|x]) in the same order.

    A line marks the variance of an active unit. A map has its dimensions at every position.
    """
    figure, axes = panels(len(scores.codes), 2)
    for (left, right), (name, code) in zip(axes, scores.codes.items(), strict=True):
        variance = unit_variances(code).numpy()
        kl = _kl_of_dimensions(code)
        order = np.argsort(-(variance if kl is None else kl))
        _kl_bars(left, name, code, kl, order)
        _variance_bars(right, name, code, variance, order)
    return figure


def codes(scores: Scores, factors: dict[str, np.ndarray] | None = None) -> Figure:
    """The posterior means on their two principal axes: a row for each latent.

    A column each for what colours them: every known factor [N], or else the length of sequences.
    """
    length = "frames" if scores.words is None else "tokens with EOS"
    means = {name: code.mean.double().flatten(1).numpy() for name, code in scores.codes.items()}
    return planes(means, factors or {length: scores.tokens.numpy()})


def planes(means: dict[str, np.ndarray], colours: dict[str, np.ndarray]) -> Figure:
    """The same, of means [N, D] by the name of their latent, coloured by [N] of each name."""
    figure, axes = panels(len(means), len(colours), height=4.2)
    pairs = product(means.items(), colours.items())
    for axis, ((name, points), (label, values)) in zip(axes.flat, pairs, strict=True):
        plane, shares = principal(points)
        _dots(axis, plane, values, label)
        title = f"means of {name}, {len(plane):,} sequences"
        axis.set(title=title, aspect="equal", adjustable="datalim")
        axis.set_xlabel(f"first principal axis ({shares[0]:.0%} of variance)")
        axis.set_ylabel(f"second ({shares[1]:.0%})")
    return figure


def principal(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points [N, D] on their first two principal axes [N, 2], and each one's share of variance [2].

    Axes that do not exist (D = 1, or equal points) are zero.
    """
    left, scale, _ = np.linalg.svd(points - points.mean(0), full_matrices=False)
    plane = np.pad((left * scale)[:, :2], ((0, 0), (0, max(0, 2 - len(scale)))))
    return plane, np.pad(scale**2, (0, 2))[:2] / max((scale**2).sum(), 1e-300)


def _kl_of_dimensions(code: LatentCodes) -> np.ndarray | None:
    """Mean over sequences [units]; None where the KL is sampled jointly."""
    if code.kl.shape != code.mean.shape:
        return None
    return np.asarray(code.kl.flatten(1).double().sum(0).numpy()) / code.sequences


def _kl_bars(
    axis: Axes, name: str, code: LatentCodes, kl: np.ndarray | None, order: np.ndarray
) -> None:
    if kl is None:
        axis.text(0.5, 0.5, "the KL has no dimensions", ha="center", transform=axis.transAxes)
        axis.axis("off")
    else:
        axis.bar(np.arange(len(kl)), kl[order])
    total = code.kl.double().sum().item() / code.sequences
    units = " x ".join(code.axes) or "dimension"
    axis.set(title=f"KL of {name}: {total:.2f} nats (one sample)", xlabel=f"{units}, sorted")
    axis.set_ylabel("nats per sequence")
    integer_ticks(axis)


def _variance_bars(
    axis: Axes, name: str, code: LatentCodes, variance: np.ndarray, order: np.ndarray
) -> None:
    shown = variance[order]
    axis.bar(np.arange(len(shown)), shown, color=np.where(shown > ACTIVE, "C0", "0.7"))
    axis.axhline(ACTIVE, color="k", lw=0.8, ls="--")
    integer_ticks(axis)
    title = f"active units of {name}: {active_units(code)} of {len(variance)}"
    axis.set(title=title, xlabel="same order")
    axis.set_ylabel("Var_x(E_q[z|x])" if code.prior_mean is None else "Var_x(E_q - E_p)")
    # Limits before the scale: where no variance is positive, there is nothing to scale by.
    low = min(ACTIVE / 10, max(variance.min() / 2, 1e-9))
    axis.set_ylim(low, 2 * max(ACTIVE, variance.max()))
    axis.set_yscale("log")


def _dots(axis: Axes, plane: np.ndarray, values: np.ndarray, label: str) -> None:
    """Points [N, 2], coloured by numbers [N], with a bar, or by names [N], with a legend."""
    if values.dtype.kind != "U":
        dots = axis.scatter(plane[:, 0], plane[:, 1], c=values, s=5, lw=0, cmap="viridis")
        axis.figure.colorbar(dots, ax=axis, label=label)
        return
    kinds = {str(name): plane[values == name] for name in np.unique(values)}
    scatter_kinds(axis, kinds, s=5, lw=0)
    legend_outside(axis, title=label, markerscale=3)
