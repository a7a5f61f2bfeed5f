"""What a model generates: curves beside those of the data, and the path between two codes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from vaetext.data.corpora import Corpus
from vaetext.report.plots.figures import integer_ticks, panels

WIDTH = 96  # letters of a sentence that fit


def samples(corpus: Corpus, drawn: list[Any]) -> Figure:
    """Curves of the test split beside as many samples of the model (Petersen, figure 5)."""
    assert corpus.curve is not None
    test = corpus.splits["test"]
    figure, axes = panels(1, 2)
    left, right = axes[0]
    right.sharex(left)
    right.sharey(left)
    known = [test[number] for number in range(min(len(drawn), len(test)))]
    for axis, name, sequences in ((left, "test data", known), (right, "samples", drawn)):
        for sequence in sequences:
            axis.plot(corpus.curve(sequence), lw=1, alpha=0.25, color="C0")
        axis.set(title=f"{len(sequences)} sequences: {name}", xlabel="step", ylabel="value")
        integer_ticks(axis)
    return figure


def interpolation(
    path: dict[str, Tensor],
    lines: list[str],
    ends: list[str],
    images: Sequence[np.ndarray | None] = (),
) -> Figure:
    """Each step's code as a strip of colours, and its sentence or image beside it.

    Args:
        path: latent name -> z [steps, ...].
        lines: the decoded sentence of each step.
        ends: what the first and the last code are of, shown above and below.
        images: in place of sentences, that of the first end, of each step, and of the last end;
            None where there is no such image.
    """
    width, row = (5, 0.6) if images else (12, 0.32)
    figure = Figure(figsize=(width, 0.8 + row * (len(lines) + 2)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 1] if images else [1, 3])
    _strips(left, path)
    if images:
        _images(right, images)
    else:
        _sentences(right, lines, ends)
    for axis in (left, right):
        axis.set_ylim(len(lines) + 0.5, -1.5)
    return figure


def _strips(axis: Axes, path: dict[str, Tensor]) -> None:
    moving = {name: z for name, z in path.items() if z.is_floating_point()}
    strips = np.concatenate(
        [z.detach().cpu().float().flatten(1).numpy() for z in moving.values()], 1
    )
    limit = max(float(np.abs(strips).max()), 1e-9)
    image = axis.imshow(
        strips, aspect="auto", cmap="RdBu", vmin=-limit, vmax=limit, interpolation="nearest"
    )
    axis.figure.colorbar(image, ax=axis, location="left")
    axis.set(title=f"code: {', '.join(moving)}", yticks=[], xlabel="dimension")
    axis.spines[:].set_visible(False)
    integer_ticks(axis)


def _sentences(axis: Axes, lines: list[str], ends: list[str]) -> None:
    axis.set_xlim(0, 1)
    axis.axis("off")
    for number, line in enumerate(lines):
        _sentence(axis, number, f"{number / max(len(lines) - 1, 1):.2f}", line)
    _sentence(axis, -1, "A", ends[0], style="italic", color="0.4")
    _sentence(axis, len(lines), "B", ends[1], style="italic", color="0.4")


def _images(axis: Axes, images: Sequence[np.ndarray | None]) -> None:
    """An image for each step and end, below one another, as high as the rows of the codes."""
    axis.axis("off")
    for row, image in enumerate(images, -1):
        if image is not None:
            axis.imshow(
                image, cmap="gray", vmin=0, vmax=1, extent=(0, 0.94, row + 0.47, row - 0.47)
            )
    for row, label in ((-1, "A"), (len(images) - 2, "B")):
        if images[row + 1] is not None:
            axis.text(1.1, row, label, va="center", fontsize=9, color="0.4")
    axis.set_xlim(0, 1.4)  # narrow, as equal units of both axes else shrink the rows
    axis.set_anchor("W")


def _sentence(axis: Axes, y: int, label: str, text: str, **look: Any) -> None:
    shown = text if len(text) <= WIDTH else f"{text[: WIDTH - 2].rstrip()} …"
    axis.text(0, y, label, va="center", fontsize=9, color="0.4")
    axis.text(0.06, y, shown, va="center", fontsize=9, parse_math=False, **look)
