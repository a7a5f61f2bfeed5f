"""Pictures that a model's own diagnostics describe."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaetext.models.diagnostics import Page, Panel, Series
from vaetext.report.plots.figures import integer_ticks, panels, png


def files(pages: list[Page]) -> dict[str, str | bytes]:
    """The files of diagnostics, name -> content, their pictures drawn."""
    return {
        page.name: png(diagram(page.content)) if isinstance(page.content, list) else page.content
        for page in pages
    }


def diagram(described: list[Panel]) -> Figure:
    """The panels side by side."""
    figure, axes = panels(1, len(described))
    for axis, panel in zip(axes[0], described, strict=True):
        for series in panel.series:
            _draw(axis, series)
        axis.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)
        integer_ticks(axis)
        if len(panel.series) > 1:
            axis.legend(fontsize=8)
    return figure


def _draw(axis: Axes, series: Series) -> None:
    kinds: dict[str, Any] = {
        "line": lambda: axis.plot(series.x, series.y, color="C1", label=series.label),
        "bars": lambda: axis.bar(series.x, series.y, label=series.label),
        "points": lambda: axis.scatter(
            series.x, series.y, s=9, alpha=0.25, linewidths=0, label=series.label
        ),
    }
    kinds[series.kind]()
