"""The curves of training, over optimizer steps."""

from collections.abc import Callable
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaetext.report.plots.figures import framed, from_zero, integer_ticks, legend_outside, panels

Line = dict[str, Any]  # of metrics.jsonl


def training(lines: list[Line]) -> Figure:
    """The bounds and rec, the KL of each latent, and its weight with the learning rate.

    All are in nats per sequence with the KL at weight 1. Those of training are means over each
    epoch: a batch holds sequences of like length, so the mean over a few of them follows their
    lengths, by tens of nats, while an epoch has all lengths in their shares. A model without a
    latent has no KL panel.
    """
    steps = [line for line in lines if line["split"] == "steps"]
    train = [line for line in lines if line["split"] == "train"]
    valid = [line for line in lines if line["split"] == "valid"]
    latents = list(lines[-1]["kl"]) if lines else []
    figure, axes = panels(1, 3 if latents else 2)
    _bound(axes[0, 0], train, valid, bool(latents))
    if latents:
        _kl(axes[0, 1], train, valid, latents)
    _schedules(axes[0, -1], steps, bool(latents))
    for axis in axes[0]:
        integer_ticks(axis)
    for axis in axes[0, :-1]:
        axis.set_xlabel("optimizer step")
        axis.legend(fontsize=8)
    if len(latents) > 1:
        legend_outside(axes[0, 1])
    return figure


def _bound(axis: Axes, train: list[Line], valid: list[Line], latents: bool) -> None:
    label = "-ELBO" if latents else "NLL"
    _curve(axis, train, valid, lambda line: line["neg_elbo"], label, "C0")
    if latents:
        _curve(axis, train, valid, lambda line: line["rec"], "rec", "C1")
    for key, title in (("iw", "IW-NLL"), ("fivo", "FIVO-NLL")):
        if valid and f"{key}_nll" in valid[-1]:
            title = f"{title}({valid[-1][f'{key}_samples']})"
            _curve(axis, train, valid, partial(_trained, key=f"{key}_nll"), title, "C3")
    framed(axis)
    title = "bound on -log p(x)" if latents else "-log p(x)"
    axis.set(title=title, ylabel="nats per sequence")


def _trained(line: Line, key: str) -> float:
    """The bound that was trained on; of training it is the loss."""
    value: float = line[key] if key in line else line["loss"]
    return value


def _kl(axis: Axes, train: list[Line], valid: list[Line], latents: list[str]) -> None:
    for number, name in enumerate(latents):
        _curve(
            axis,
            train,
            valid,
            lambda line, name=name: line["kl"][name],  # type: ignore[misc]
            f"KL {name}",
            f"C{number}",
            brief=len(latents) > 1,
        )
    axis.set(title="KL", ylabel="nats per sequence")
    from_zero(axis)


def _curve(
    axis: Axes,
    train: list[Line],
    valid: list[Line],
    value: Callable[[Line], float],
    label: str,
    color: str,
    *,
    brief: bool = False,
) -> None:
    """Training as a pale line, the validation split as a dark one, a dot an epoch.

    With ``brief`` validation alone is in the legend: one entry for each latent.
    """
    for lines, split, style in ((train, "train", "o--"), (valid, "valid", "o-")):
        name = label if brief else f"{label}, {split}"
        axis.plot(
            _steps(lines),
            [value(line) for line in lines],
            style,
            ms=3,
            lw=1.2,
            color=color,
            alpha=0.45 if split == "train" else 1,
            label=None if brief and split == "train" else name,
        )


def _schedules(axis: Axes, steps: list[Line], latents: bool) -> None:
    """The KL weight and the learning rate."""
    axis.set(title="schedules", xlabel="optimizer step")
    rate: Any = axis
    if latents:
        _kl_weights(axis, steps)
        rate = axis.twinx()
    rate.plot(_steps(steps), [line["lr"] for line in steps], color="C7", ls="--")
    rate.set_ylabel("learning rate", color="C7")
    rate.set_ylim(0, None)


def _kl_weights(axis: Axes, steps: list[Line]) -> None:
    """One line or, where latents have weights of their own, one in each latent's colour."""
    own = [line for line in steps if "kl_weights" in line]
    for number, name in enumerate(own[-1]["kl_weights"] if own else ()):
        weights = [line["kl_weights"][name] for line in own]
        axis.plot(_steps(own), weights, color=f"C{number}", label=name)
    if own:
        legend_outside(axis, 1.3)  # right of the learning rate's numbers
    else:
        axis.plot(_steps(steps), [line["beta"] for line in steps], color="C3")
    axis.set_ylabel("KL weight beta", color="k" if own else "C3")
    axis.set_ylim(axis.get_ylim()[0] if axis.dataLim.y0 < 0 else 0, None)


def _steps(lines: list[Line]) -> list[int]:
    return [line["step"] for line in lines]
