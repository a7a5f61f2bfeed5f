"""Pictures that a model's own diagnostics describe."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaetext.models.diagnostics import Page, Panel, Series
from vaetext.report.plots.figures import (
    colour,
    integer_ticks,
    legend_outside,
    panels,
    png,
    show_image,
)

MOST_INSIDE = 4  # series of a legend inside the axes


def files(pages: list[Page]) -> dict[str, str | bytes]:
    """The files of diagnostics, name -> content, their pictures drawn."""
    return {
        page.name: png(diagram(page.content)) if isinstance(page.content, list) else page.content
        for page in pages
    }


def diagram(described: list[Panel]) -> Figure:
    """The panels side by side."""
    images = any(panel.image is not None for panel in described)
    figure, axes = panels(1, len(described), height=4.6 if images else 3.2)
    for axis, panel in zip(axes[0], described, strict=True):
        axis.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)
        if panel.image is not None:
            show_image(axis, panel.image)
            continue
        for number, series in enumerate(panel.series):
            _draw(axis, series, number)
        integer_ticks(axis)
        if len(panel.series) > 1:
            _legend(axis, len(panel.series))
    return figure


def _legend(axis: Axes, series: int) -> None:
    """Inside the axes, or right of them where there are many series; pale points are dark in it."""
    legend = axis.legend(fontsize=8) if series <= MOST_INSIDE else legend_outside(axis)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1)


def _draw(axis: Axes, series: Series, number: int) -> None:
    kinds: dict[str, Any] = {
        "line": lambda: axis.plot(series.x, series.y, color="C1", label=series.label),
        "bars": lambda: axis.bar(series.x, series.y, label=series.label),
        "points": lambda: axis.scatter(
            series.x,
            series.y,
            s=9,
            alpha=0.25,
            linewidths=0,
            color=colour(number),
            label=series.label,
        ),
    }
    kinds[series.kind]()
