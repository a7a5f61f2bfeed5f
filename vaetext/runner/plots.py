"""Pictures of a run: training, the latents, the codes."""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from vaetext.runner.evaluation import ACTIVE, Scores


def write(folder: Path, scores: Scores) -> None:
    """All plots of a run folder: ``plots/*.png``.

    Args:
        folder: the run folder, with its metrics.jsonl.
        scores: of the test split, for the codes.
    """
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    figures = {"training": training(lines)}
    if scores.codes:
        figures |= {"kl_per_dimension": kl_per_dimension(scores), "codes": codes(scores)}
    for name, figure in figures.items():
        (folder / "plots").mkdir(exist_ok=True)
        temporary = folder / "plots" / f".{name}.png"
        figure.savefig(temporary, dpi=110, bbox_inches="tight")
        temporary.replace(folder / "plots" / f"{name}.png")
        plt.close(figure)


def training(lines: list[dict[str, Any]]) -> Figure:
    """-ELBO of train and valid, KL of each latent, and beta, over optimizer steps; nats per sequence."""
    steps = [line for line in lines if line["split"] == "steps"] or [line for line in lines if line["split"] == "train"]
    valid = [line for line in lines if line["split"] == "valid"]
    latents = list(valid[-1]["kl"]) if valid else []
    figure, axes = plt.subplots(1, 3 if latents else 1, figsize=(13 if latents else 5, 3.6), squeeze=False)
    bound = axes[0, 0]
    bound.plot([line["step"] for line in steps], [line["neg_elbo"] for line in steps], lw=0.8, color="0.6", label="train, -ELBO at weight 1")
    bound.plot([line["step"] for line in valid], [line["neg_elbo"] for line in valid], "o-", ms=3, label="valid, -ELBO")
    bound.plot([line["step"] for line in valid], [line["rec"] for line in valid], "o-", ms=3, label="valid, rec")
    _limits(bound, [line["neg_elbo"] for line in valid] + [line["rec"] for line in valid])
    bound.set(xlabel="optimizer step", ylabel="nats per sequence", title="loss")
    bound.legend(fontsize=7)
    if latents:
        for name in latents:
            axes[0, 1].plot([line["step"] for line in steps], [line["kl"][name] for line in steps], lw=0.8, label=f"{name}, train")
            axes[0, 1].plot([line["step"] for line in valid], [line["kl"][name] for line in valid], "o-", ms=3, label=f"{name}, valid")
        axes[0, 1].set(xlabel="optimizer step", ylabel="nats per sequence", title="KL", ylim=(0, None))
        axes[0, 1].legend(fontsize=7)
        axes[0, 2].plot([line["step"] for line in steps], [line["beta"] for line in steps])
        axes[0, 2].set(xlabel="optimizer step", title="KL weight beta", ylim=(0, None))
    figure.tight_layout()
    return figure


def kl_per_dimension(scores: Scores) -> Figure:
    """Mean KL of each dimension, largest first, and Var_x(E_q[z|x]) with the bar for an active unit."""
    figure, axes = plt.subplots(len(scores.codes), 2, figsize=(9, 3.2 * len(scores.codes)), squeeze=False)
    for row, (name, code) in zip(axes, scores.codes.items(), strict=True):
        variance = np.sort(code.mean.double().var(0).numpy())[::-1]
        if code.axes:
            kl = np.sort(code.kl.mean(0).numpy())[::-1]
            row[0].bar(np.arange(len(kl)), kl)
        else:
            row[0].text(0.5, 0.5, "the KL is sampled jointly", ha="center", transform=row[0].transAxes)
        row[0].set(xlabel="dimension, sorted", ylabel="KL, nats", title=name)
        row[1].bar(np.arange(len(variance)), variance)
        row[1].axhline(ACTIVE, color="k", lw=0.8, ls="--")
        row[1].set(xlabel="dimension, sorted", ylabel="variance of the mean", yscale="log", title=f"{name}: active above the line")
    figure.tight_layout()
    return figure


def codes(scores: Scores) -> Figure:
    """The posterior means on their two principal axes, coloured by tokens per sequence."""
    figure, axes = plt.subplots(1, len(scores.codes), figsize=(4.8 * len(scores.codes), 4), squeeze=False)
    for axis, (name, code) in zip(axes[0], scores.codes.items(), strict=True):
        plane, shares = principal(code.mean.double().numpy())
        dots = axis.scatter(plane[:, 0], plane[:, 1], c=scores.tokens.numpy(), s=4, cmap="viridis")
        axis.set(xlabel=f"first axis ({shares[0]:.0%})", ylabel=f"second axis ({shares[1]:.0%})", title=f"means of {name}, test")
        figure.colorbar(dots, ax=axis, label="tokens with EOS")
    figure.tight_layout()
    return figure


def principal(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points [N, D] on their first two principal axes [N, 2], and the share of variance of each."""
    centred = points - points.mean(0)
    if centred.shape[1] == 1:
        centred = np.concatenate([centred, np.zeros_like(centred)], 1)
    left, scale, _ = np.linalg.svd(centred, full_matrices=False)
    plane = left * scale
    plane = np.pad(plane, ((0, 0), (0, max(0, 2 - plane.shape[1]))))
    shares = np.pad(scale**2, (0, 2))[:2] / max((scale**2).sum(), 1e-300)
    return plane[:, :2], shares


def _limits(axis: Any, values: list[float]) -> None:
    """Keeps the first steps of training, far above everything after, from flattening the rest."""
    if values:
        low, high = min(values), max(values)
        axis.set_ylim(low - 0.15 * (high - low) - 1, high + 0.25 * (high - low) + 1)
