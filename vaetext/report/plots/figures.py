"""What every picture needs: panels, legends, axes of whole numbers, and a PNG file."""

import io
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.ticker import MaxNLocator

from vaetext.data.atomic import atomic_write

PICTURES = ("png", "pdf", "svg")


def save(figure: Figure, path: Path) -> None:
    """Writes a figure as PNG."""
    atomic_write(path, png(figure))


def png(figure: Figure) -> bytes:
    """A figure as PNG, without a screen. Letters that the font lacks are drawn as boxes."""
    return picture(figure, "png")


def picture(figure: Figure, form: str) -> bytes:
    """A figure as png, pdf or svg; the same figure gives the same bytes."""
    undated: dict[str, Any] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    buffer = io.BytesIO()
    with warnings.catch_warnings(), rc_context({"svg.hashsalt": "vaetext"}):
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format=form, dpi=120, metadata=undated.get(form))
    return buffer.getvalue()


def panels(rows: int, columns: int, height: float = 3.2) -> tuple[Figure, Any]:
    """A figure and its axes [rows, columns], each ``height`` inches high."""
    figure = Figure(figsize=(4.6 * columns, height * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def integer_ticks(axis: Axes) -> None:
    """Leaves fractions out of the x axis."""
    axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True))


def framed(axis: Axes, share: float = 90) -> None:
    """Keeps the first steps of training, far above all later ones, from flattening the rest.

    Args:
        share: of the values that are shown, in percent.
    """
    shown = [np.asarray(line.get_ydata(), dtype=float) for line in axis.lines]
    if values := np.concatenate([np.empty(0), *shown]).tolist():
        low = min(values)
        high = np.percentile(values, share)
        margin = 0.05 * (high - low) + 0.005 * abs(high)
        axis.set_ylim(low - margin, high + margin)


def from_zero(axis: Axes) -> None:
    """A y axis from 0, with room above the highest value, for what is not negative."""
    high = axis.dataLim.y1
    axis.set_ylim(0, 1.05 * high if 0 < high < math.inf else None)


def show_image(axis: Axes, image: np.ndarray) -> None:
    """An image [H, W] of values from 0, black, to 1, white, without ticks."""
    axis.imshow(image, cmap="gray", vmin=0, vmax=1)
    axis.set(xticks=[], yticks=[])


def scatter_kinds(axis: Axes, kinds: Mapping[str, np.ndarray], **look: Any) -> None:
    """The points [N, 2] of each kind in its colour, drawn in random order: none hides another.

    Args:
        look: of the points, for matplotlib.
    """
    for number, kind in enumerate(kinds):
        axis.scatter([], [], color=colour(number), label=kind, **look)
    points = np.concatenate(list(kinds.values()))
    numbers = np.repeat(np.arange(len(kinds)), [len(each) for each in kinds.values()])
    order = np.random.default_rng(0).permutation(len(points))
    colours = [colour(number) for number in numbers[order]]
    axis.scatter(points[order, 0], points[order, 1], c=colours, **look)


def colour(number: int) -> Any:
    """The colour of a kind, by its number: ten that differ most, then their pale ones."""
    return colormaps["tab20"](2 * number % 20 + number // 10 % 2)


def legend_outside(axis: Axes, x: float = 1.0, **options: Any) -> Legend:
    """A legend right of the axes, where it hides nothing, ``x`` of their width from the left."""
    return axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(x, 1.0), **options)
