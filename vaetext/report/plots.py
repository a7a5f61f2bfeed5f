"""Pictures of a run: training, the latents, the codes, and the way between two of them. The only module that imports matplotlib."""

import io
import json
import warnings
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from vaetext.data.atomic import atomic_write
from vaetext.data.corpora import Corpus
from vaetext.evaluation.scoring import ACTIVE, Scores, active_units, unit_variances
from vaetext.runs.layout import METRICS, PLOTS

Line = dict[str, Any]  # of metrics.jsonl


def write(folder: Path, scores: Scores, factors: dict[str, np.ndarray] | None = None) -> None:
    """The plots of a run folder: ``plots/training.png`` and, where codes have one size, ``kl_per_dimension.png`` and ``codes.png``.

    Args:
        folder: the run folder, with its metrics.jsonl.
        scores: of the test split, for the codes.
        factors: what those sequences were made from, name -> [N], where that is known.
    """
    lines = [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]
    figures = {"training": training(lines)}
    if scores.codes:
        figures |= {"kl_per_dimension": kl_per_dimension(scores), "codes": codes(scores, factors)}
    for name, figure in figures.items():
        save(figure, folder / PLOTS / f"{name}.png")


def save(figure: Figure, path: Path) -> None:
    """Writes a figure as PNG, without a screen; letters that the font lacks are drawn as boxes."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format="png", dpi=120)
    atomic_write(path, buffer.getvalue())


def training(lines: list[Line]) -> Figure:
    """-ELBO and rec, KL of each latent, and its weight with the learning rate, over optimizer steps; nats per sequence at weight 1."""
    steps = [line for line in lines if line["split"] == "steps"]
    valid = [line for line in lines if line["split"] == "valid"]
    latents = list(lines[-1]["kl"]) if lines else []
    figure, axes = _panels(1, 3 if latents else 2)
    for name, color in (("neg_elbo", "C0"), ("rec", "C1")) if latents else (("neg_elbo", "C0"),):
        label = {"neg_elbo": "-ELBO" if latents else "NLL", "rec": "rec"}[name]
        _curve(axes[0, 0], steps, valid, lambda line, name=name: line[name], label, color)  # type: ignore[misc]
    _frame(axes[0, 0])
    axes[0, 0].set(
        title="bound on -log p(x)" if latents else "-log p(x)", ylabel="nats per sequence"
    )
    several = (
        len(latents) > 1
    )  # colours tell them apart, faint lines and dots are as in the first panel
    for number, name in enumerate(latents):
        _curve(
            axes[0, 1],
            steps,
            valid,
            lambda line, name=name: line["kl"][name],
            f"KL {name}",
            f"C{number}",
            brief=several,
        )  # type: ignore[misc]
    if latents:
        axes[0, 1].set(title="KL", ylabel="nats per sequence", ylim=(0, None))
    _settings(axes[0, -1], steps, bool(latents))
    for axis in axes[0]:
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axis in axes[0, :-1]:
        axis.set_xlabel("optimizer step")
        axis.legend(fontsize=8)
    if several:
        _legend_outside(axes[0, 1])
    return figure


def _curve(
    axis: Axes,
    steps: list[Line],
    valid: list[Line],
    value: Any,
    label: str,
    color: str,
    *,
    brief: bool = False,
) -> None:
    """Readings during training as a smoothed line, and the validation split as dots; ``brief``: one entry of a legend, not two."""
    train, dots = (None, label) if brief else (f"{label}, train", f"{label}, valid")
    smooth = smoothed(np.array([value(line) for line in steps], dtype=float), 1 + len(steps) // 40)
    axis.plot([line["step"] for line in steps], smooth, lw=1, color=color, alpha=0.45, label=train)
    axis.plot(
        [line["step"] for line in valid],
        [value(line) for line in valid],
        "o-",
        ms=3,
        lw=1.2,
        color=color,
        label=dots,
    )


def smoothed(values: np.ndarray, width: int) -> np.ndarray:
    """[N] means of the last ``width`` values (fewer at the start)."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def _settings(axis: Axes, steps: list[Line], latents: bool) -> None:
    """The KL weight, a line each in its latent's colour where latents have their own, and the learning rate."""
    where = [line["step"] for line in steps]
    rate = axis
    if latents:
        each = [line for line in steps if "kl_weights" in line]
        for number, name in enumerate(each[-1]["kl_weights"] if each else ()):
            axis.plot(
                [line["step"] for line in each],
                [line["kl_weights"][name] for line in each],
                color=f"C{number}",
                label=name,
            )
        if each:
            _legend_outside(axis, 1.3)  # past the learning rate's numbers
        else:
            axis.plot(where, [line["beta"] for line in steps], color="C3")
        axis.set_ylabel("KL weight beta", color="k" if each else "C3")
        axis.set_ylim(0, None)
        rate = axis.twinx()  # type: ignore[assignment]
    rate.plot(where, [line["lr"] for line in steps], color="C7", ls="--")
    rate.set_ylabel("learning rate", color="C7")
    rate.set_ylim(0, None)
    axis.set(title="schedules", xlabel="optimizer step")


def _legend_outside(axis: Axes, x: float = 1.0) -> None:
    """A legend to the right of the axes, ``x`` of their width from the left, where it hides nothing."""
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(x, 1.0))


def _frame(axis: Axes) -> None:
    """Keeps the first steps of training, far above everything after, from flattening the rest."""
    shown = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axis.lines])
    if len(shown):
        low, high = shown.min(), np.percentile(shown, 90)
        margin = 0.05 * (high - low) + 0.005 * abs(high)
        axis.set_ylim(low - margin, high + margin)


def kl_per_dimension(scores: Scores) -> Figure:
    """Mean KL of each dimension, largest first, and in the same order Var_x(E_q[z|x]) with the bar for an active unit.

    A map's dimensions are those of every position.
    """
    figure, axes = _panels(len(scores.codes), 2)
    for (left, right), (name, code) in zip(axes, scores.codes.items(), strict=True):
        variance = unit_variances(code).numpy()
        kl = (
            code.kl.flatten(1).double().mean(0).numpy()
            if code.kl.shape == code.mean.shape
            else None
        )
        total = code.kl.double().mean(0).sum().item()
        order = np.argsort(-(variance if kl is None else kl))
        if kl is None:
            left.text(0.5, 0.5, "the KL has no dimensions", ha="center", transform=left.transAxes)
            left.axis("off")
        else:
            left.bar(np.arange(len(kl)), kl[order])
        units = " x ".join(code.axes) or "dimension"
        left.set(
            title=f"KL of {name}: {total:.2f} nats (one sample)",
            xlabel=f"{units}, sorted",
            ylabel="nats per sequence",
        )
        right.bar(
            np.arange(len(variance)),
            variance[order],
            color=np.where(variance[order] > ACTIVE, "C0", "0.7"),
        )
        right.axhline(ACTIVE, color="k", lw=0.8, ls="--")
        for axis in (left, right):
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        right.set(
            title=f"active units of {name}: {active_units(code)} of {len(variance)}",
            xlabel="same order",
        )
        right.set(
            ylabel="Var_x(E_q[z|x])" if code.prior_mean is None else "Var_x(E_q - E_p)",
            ylim=(min(ACTIVE / 10, max(variance.min() / 2, 1e-9)), 2 * max(ACTIVE, variance.max())),
            yscale="log",  # after its limits: no variance may be positive, and nothing to scale by
        )
    return figure


def codes(scores: Scores, factors: dict[str, np.ndarray] | None = None) -> Figure:
    """The posterior means on their two principal axes, a row a latent.

    A column each for what colours them: every known factor [N], or else tokens (or frames) per sequence.
    """
    colours = factors or {"tokens with EOS" if scores.symbols else "frames": scores.tokens.numpy()}
    figure, axes = _panels(len(scores.codes), len(colours), height=4.2)
    for axis, ((name, code), (label, values)) in zip(
        axes.flat, product(scores.codes.items(), colours.items()), strict=True
    ):
        plane, shares = principal(code.mean.double().flatten(1).numpy())
        _dots(axis, plane, values, label)
        axis.set(
            title=f"means of {name}, {len(plane):,} sequences", aspect="equal", adjustable="datalim"
        )
        axis.set(
            xlabel=f"first principal axis ({shares[0]:.0%} of variance)",
            ylabel=f"second ({shares[1]:.0%})",
        )
    return figure


def _dots(axis: Axes, plane: np.ndarray, values: np.ndarray, label: str) -> None:
    """Points [N, 2], coloured by numbers [N], with a bar, or by names [N], with a legend."""
    if values.dtype.kind == "U":
        for number, name in enumerate(np.unique(values)):
            x, y = plane[values == name].T
            axis.scatter(
                x,
                y,
                s=5,
                lw=0,
                color=colormaps["tab20"](2 * number % 20 + number // 10),
                label=name,
            )
        axis.legend(
            title=label, fontsize=8, markerscale=3, loc="upper left", bbox_to_anchor=(1.0, 1.0)
        )
    else:
        dots = axis.scatter(plane[:, 0], plane[:, 1], c=values, s=5, lw=0, cmap="viridis")
        axis.figure.colorbar(dots, ax=axis, label=label)


def samples(corpus: Corpus, drawn: list[Any]) -> Figure:
    """Curves of the test split beside as many samples of the model (source 004, figure 5)."""
    assert corpus.curve is not None
    test = corpus.splits["test"]
    sets: dict[str, list[Any]] = {
        "test data": [test[n] for n in range(min(len(drawn), len(test)))],
        "samples": drawn,
    }
    figure, axes = _panels(1, 2)
    axes[0, 1].sharex(axes[0, 0])
    axes[0, 1].sharey(axes[0, 0])
    for axis, (name, sequences) in zip(axes[0], sets.items(), strict=True):
        for sequence in sequences:
            axis.plot(corpus.curve(sequence), lw=1, alpha=0.25, color="C0")
        axis.set(title=f"{len(sequences)} sequences: {name}", xlabel="position", ylabel="value")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def principal(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points [N, D] on their first two principal axes [N, 2], and the share of variance of each [2]; what is not there is zero."""
    left, scale, _ = np.linalg.svd(points - points.mean(0), full_matrices=False)
    plane = np.pad((left * scale)[:, :2], ((0, 0), (0, max(0, 2 - len(scale)))))
    return plane, np.pad(scale**2, (0, 2))[:2] / max((scale**2).sum(), 1e-300)


def interpolation(path: dict[str, Tensor], lines: list[str], ends: list[str]) -> Figure:
    """Each step's code as a strip of colours and its sentence beside it, between what the two ends stand for.

    Args:
        path: latent name -> z [steps, ...].
        lines: the decoded sentence of each step.
        ends: what the first and the last code are of.
    """
    strips = np.concatenate([z.detach().cpu().float().flatten(1).numpy() for z in path.values()], 1)
    rows = [
        line if len(line) <= 96 else f"{line[:94].rstrip()} …"
        for line in (ends[0], *lines, ends[1])
    ]
    figure = Figure(figsize=(12, 0.8 + 0.32 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 3])
    limit = max(float(np.abs(strips).max()), 1e-9)
    image = left.imshow(
        strips, aspect="auto", cmap="RdBu", vmin=-limit, vmax=limit, interpolation="nearest"
    )
    figure.colorbar(image, ax=left, location="left")
    left.set(
        title=f"code: {', '.join(path)}",
        yticks=[],
        xlabel="dimension",
        ylim=(len(lines) + 0.5, -1.5),
    )
    left.spines[:].set_visible(False)
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.set(xlim=(0, 1), ylim=(len(lines) + 0.5, -1.5))
    right.axis("off")
    for place, row in enumerate(rows, -1):
        end = place in (-1, len(lines))
        label = "A" if place < 0 else "B" if end else f"{place / max(len(lines) - 1, 1):.2f}"
        right.text(0, place, label, va="center", fontsize=9, color="0.4")
        look = {"style": "italic", "color": "0.4"} if end else {}
        right.text(0.06, place, row, va="center", fontsize=9, parse_math=False, **look)
    return figure


def _panels(rows: int, columns: int, height: float = 3.2) -> tuple[Figure, Any]:
    figure = Figure(figsize=(4.6 * columns, height * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)
