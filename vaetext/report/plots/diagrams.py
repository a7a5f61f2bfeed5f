"""Pictures that a model's own diagnostics describe."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaetext.models.diagnostics import Page, Panel, Series
from vaetext.report.plots.figures import (
    integer_ticks,
    legend_outside,
    panels,
    png,
    scatter_kinds,
    show_image,
)

MOST_INSIDE = 4  # series of a legend inside the axes
BESIDE = 1.8  # inches of a legend beside them


def files(pages: list[Page]) -> dict[str, str | bytes]:
    """The files of diagnostics, name -> content, their pictures drawn."""
    return {
        page.name: png(diagram(page.content)) if isinstance(page.content, list) else page.content
        for page in pages
    }


def diagram(described: list[Panel]) -> Figure:
    """The panels side by side."""
    figure, axes = _panels(described)
    for axis, panel in zip(axes[0], described, strict=True):
        axis.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)
        if panel.image is not None:
            show_image(axis, panel.image)
            continue
        _draw(axis, panel.series)
        if all(np.equal(series.x, np.round(series.x)).all() for series in panel.series):
            integer_ticks(axis)
        if len(panel.series) > 1:
            _legend(axis, len(panel.series))
    return figure


def _panels(described: list[Panel]) -> tuple[Figure, Any]:
    """Panels that are higher where there is an image, or a legend beside them, and wider there."""
    outside = sum(len(panel.series) > MOST_INSIDE for panel in described)
    images = any(panel.image is not None for panel in described)
    figure, axes = panels(1, len(described), height=4.6 if images or outside else 3.2)
    figure.set_figwidth(figure.get_figwidth() + BESIDE * outside)
    return figure, axes


def _legend(axis: Axes, series: int) -> None:
    """Inside the axes, or right of them where there are many series; pale points are dark in it."""
    legend = axis.legend(fontsize=8) if series <= MOST_INSIDE else legend_outside(axis)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1)


def _draw(axis: Axes, described: Sequence[Series]) -> None:
    points: dict[str, np.ndarray] = {}
    for series in described:
        if series.kind == "line":
            axis.plot(series.x, series.y, color="C1", label=series.label)
        elif series.kind == "bars":
            axis.bar(series.x, series.y, label=series.label)
        else:
            points[series.label] = np.stack([series.x, series.y], 1)
    if points:
        scatter_kinds(axis, points, s=9, alpha=0.25, linewidths=0)
