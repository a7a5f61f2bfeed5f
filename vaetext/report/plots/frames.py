"""Sequences of frames, as curves, piano rolls, waves or images, beside each other."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaetext.data.drawn import Drawn
from vaetext.data.pictures import mosaic
from vaetext.report.plots.figures import integer_ticks, legend_outside, show_image

MOST_ROWS = 7
MOST_LINES = 8  # curves of a panel that a legend names
MOST_IMAGES = 100
ABREAST = 10  # images of a row


def frames(drawn: Drawn, columns: dict[str, list[np.ndarray]], given: int = 0) -> Figure:
    """The first sequences of each column, in a row each; or curves of one number in one panel.

    Args:
        drawn: the kind of picture.
        columns: title -> sequences, [T, F] frames or [T] a wave.
        given: steps of all sequences that a prefix gave; a line is drawn after them, but in images.
    """
    if drawn.kind == "images":
        return _grids(columns)
    figure = _figure(drawn, columns)
    for axis in figure.axes if given else ():
        axis.axvline(given * drawn.step, color="C3", lw=1, ls="--")
    return figure


def _figure(drawn: Drawn, columns: dict[str, list[np.ndarray]]) -> Figure:
    if drawn.kind == "curves" and all(x.shape[1] == 1 for each in columns.values() for x in each):
        return _overlaid(drawn, columns)
    rows = min(MOST_ROWS, max(map(len, columns.values())))
    figure, axes = _panels(rows, len(columns), 1.9 if drawn.kind == "roll" else 1.6)
    for column, (title, sequences) in enumerate(columns.items()):
        for row, axis in enumerate(axes[:, column]):
            axis.set_visible(row < len(sequences))
            if row < len(sequences):
                DRAW[drawn.kind](axis, sequences[row], drawn)
                axis.set_title(f"{title}, {row + 1}", fontsize=9)
        axes[min(rows, len(sequences)) - 1, column].set_xlabel(drawn.x)
    if drawn.kind == "roll":
        _fit_notes(axes, columns, drawn)
    for axis in axes[:, 0]:
        axis.set_ylabel(drawn.y)
    return figure


def _panels(rows: int, columns: int, height: float) -> tuple[Figure, np.ndarray]:
    size = (5.4 * columns + 1, height * rows + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, sharey=True)


def _overlaid(drawn: Drawn, columns: dict[str, list[np.ndarray]]) -> Figure:
    figure, axes = _panels(1, len(columns), 3.2)
    for axis, (title, sequences) in zip(axes[0], columns.items(), strict=True):
        for sequence in sequences:
            axis.plot(_places(sequence, drawn), sequence[:, 0], lw=1, alpha=0.4, color="C0")
        axis.set(title=f"{len(sequences)} sequences: {title}", xlabel=drawn.x)
        integer_ticks(axis)
    axes[0, 0].set_ylabel(drawn.y)
    return figure


def _grids(columns: dict[str, list[np.ndarray]]) -> Figure:
    """The images of each column in a grid, in their order."""
    grids = {
        title: mosaic(images[:MOST_IMAGES], min(ABREAST, len(images)))
        for title, images in columns.items()
    }
    height = 0.4 + max(5.4 * len(grid) / grid.shape[1] for grid in grids.values())
    figure, axes = _panels(1, len(grids), height)
    for axis, (title, grid) in zip(axes[0], grids.items(), strict=True):
        show_image(axis, grid)
        axis.set_title(title, fontsize=9)
    return figure


def _places(sequence: np.ndarray, drawn: Drawn) -> np.ndarray:
    return np.arange(len(sequence)) * drawn.step


def _curves(axis: Axes, sequence: np.ndarray, drawn: Drawn) -> None:
    count = sequence.shape[1]
    for number, curve in enumerate(sequence.T):
        axis.plot(_places(sequence, drawn), curve, lw=1, label=f"{number}")
    if 1 < count <= MOST_LINES:
        legend_outside(axis, title="number", title_fontsize=8)
    integer_ticks(axis)


def _roll(axis: Axes, sequence: np.ndarray, drawn: Drawn) -> None:
    """A bar for each note, over the steps that it is held."""
    change = np.diff(np.pad(np.asarray(sequence).T > 0.5, ((0, 0), (1, 1))).astype(int), axis=1)
    notes, begins = np.nonzero(change > 0)
    ends = np.nonzero(change < 0)[1]
    axis.hlines(notes + drawn.first, begins, ends, lw=2, color="C0", capstyle="butt")
    axis.set_xlim(0, len(sequence))
    axis.grid(alpha=0.3)
    integer_ticks(axis)


def _wave(axis: Axes, sequence: np.ndarray, drawn: Drawn) -> None:
    axis.plot(_places(sequence, drawn), sequence, lw=0.4)
    axis.margins(x=0)


def _fit_notes(axes: np.ndarray, columns: dict[str, list[np.ndarray]], drawn: Drawn) -> None:
    """The notes that any panel has, two more at both ends."""
    shown = [x for each in columns.values() for x in each[: len(axes)]]
    used = np.flatnonzero(sum(np.asarray(x).sum(0) for x in shown))
    if len(used):
        axes[0, 0].set_ylim(drawn.first + used[0] - 2.5, drawn.first + used[-1] + 2.5)


DRAW = {"curves": _curves, "roll": _roll, "wave": _wave}
