"""Pictures of many runs: KL against rec, a heat map over two options, and curves of validation.

The KL has weight 1 everywhere, whatever weight or free bits a model was trained with.
"""

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaetext.config.options import option_text, short_names
from vaetext.report.columns import LOWER_IS_BETTER, kind
from vaetext.report.plots.figures import framed, integer_ticks, legend_outside, panels
from vaetext.report.rows import Row, natural, option_keys
from vaetext.report.table import number
from vaetext.runs.layout import METRICS
from vaetext.runs.results import checked_results, read_metrics

LABELS = {"epoch": "epoch", "step": "optimizer step", "seconds": "seconds of training"}
STYLES = ("-", "--", ":", "-.")  # of lines, one a model
MOST_NAMED = 14  # points of a panel that have a label


def rate_distortion(rows: Sequence[Row]) -> Figure:
    """KL against rec (Alemi et al. 2018), a panel a data set, a curve a model in order of its KL.

    Dotted lines join points of equal -ELBO = rec + KL. Bars are standard deviations over seeds.
    """
    datasets = _grouped(rows, [row.dataset for row in rows])
    figure, axes = panels(1, len(datasets), height=4.2)
    for axis, (name, own) in zip(axes[0], datasets.items(), strict=True):
        models = _grouped(own, [row.label for row in own])
        for model, points in models.items():
            names = short_names(option_keys(rows))
            keys = _varying(points) if len(own) <= MOST_NAMED else []
            label = ": ".join([model, *([", ".join(names[key] for key in keys)] if keys else [])])
            _rate_curve(axis, label, sorted(points, key=_kl))
            _name_points(axis, points, keys)
        axis.margins(0.12)
        _equal_bounds(axis)
        axis.set(title=name, xlabel="rec (nats)", ylabel="KL (nats)")
        axis.legend(fontsize=8)
    return figure


def heatmap(rows: Sequence[Row], titles: Sequence[str], options: Sequence[str]) -> Figure:
    """Means of columns over two options: a row of panels a data set and model, one for each column.

    The best cell of a bound is bold. Where further options differ, a cell is the mean over them.

    Args:
        rows: those that have both options.
        titles: of the columns.
        options: two, by full key: down and across.
    """
    tables = _grouped(rows, [f"{row.label} on {row.dataset}" for row in rows])
    shown = {
        name: [title for title in titles if any(row.values(title) for row in own)]
        for name, own in tables.items()
    }
    height = 1.6 + 0.4 * len(_values(rows, options[0]))
    figure, axes = panels(len(tables), max(map(len, shown.values())), max(3.2, height))
    for line, (name, own) in zip(axes, tables.items(), strict=True):
        for axis in line[len(shown[name]) :]:
            axis.axis("off")
        for axis, title in zip(line, shown[name], strict=False):
            _heat_panel(axis, own, title, options)
            axis.set_title(f"{title}, {name}{_averaged(own, options)}", fontsize=9)
    return figure


def curves(rows: Sequence[Row], over: str = "epoch", bounds: Iterable[float] = ()) -> Figure:
    """-ELBO on valid over training: a colour a row, a style of line a model, a panel a data set.

    Args:
        rows: of a table.
        over: a key of ``LABELS``; seconds are of training without evaluation.
        bounds: -ELBOs, in nats, at which there is a dotted line.

    Raises:
        ValueError: a line of a run's metrics is damaged.
    """
    datasets = _grouped(rows, [row.dataset for row in rows])
    names = row_names(rows)
    figure, axes = panels(1, len(datasets), height=4.2)
    figure.set_figwidth(8 * len(datasets))  # with room for the legends
    models = list(dict.fromkeys(row.label for row in rows))
    for axis, (title, own) in zip(axes[0], datasets.items(), strict=True):
        for color, row in zip(_colors(len(own)), own, strict=True):
            style = STYLES[models.index(row.label) % len(STYLES)]
            _run_curves(axis, row, over, names[id(row)], color=color, ls=style)
        framed(axis, 75)
        for bound in bounds:
            axis.axhline(bound, color="0.6", ls=":", lw=0.8, zorder=0)
        integer_ticks(axis)
        axis.set_xlim(0 if over == "seconds" else None)
        axis.set(title=title, xlabel=LABELS[over], ylabel="-ELBO on valid (nats)")
        legend_outside(axis, ncols=-(-len(own) // 20))
    return figure


def row_names(rows: Sequence[Row]) -> dict[int, str]:
    """The id of each row -> its model, with the options in which rows of it differ."""
    short = short_names(option_keys(rows))
    names = {}
    for row in rows:
        keys = _varying([each for each in rows if _same_model(each, row)])
        shown = [f"{short[key]}={option_text(row.options.get(key))}" for key in keys]
        names[id(row)] = " ".join([row.label, *shown])
    return names


def _same_model(row: Row, other: Row) -> bool:
    return (row.label, row.dataset) == (other.label, other.dataset)


def _varying(rows: Sequence[Row]) -> list[str]:
    """The options in which some rows differ, by full key."""
    return [key for key in option_keys(rows) if len(_values(rows, key)) > 1]


def _grouped(rows: Sequence[Row], names: Sequence[str]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row, name in zip(rows, names, strict=True):
        groups.setdefault(name, []).append(row)
    return groups


def _kl(row: Row) -> float:
    """The sum over latents, a mean over seeds; 0 without a latent."""
    return statistics.fmean(_kls(row))


def _kls(row: Row) -> list[float]:
    parts = [row.values(title) for title in row.columns if kind(title) == "KL"]
    return [sum(part[seed] for part in parts if part) for seed in range(row.seeds)]


def _rate_curve(axis: Axes, model: str, rows: list[Row]) -> None:
    rec = [statistics.fmean(row.values("rec")) for row in rows]
    across = [row.deviation("rec") or 0.0 for row in rows]
    up = [statistics.stdev(_kls(row)) if row.seeds > 1 else 0.0 for row in rows]
    kl = [_kl(row) for row in rows]
    axis.errorbar(rec, kl, up, across, fmt="o-", ms=4, lw=1, elinewidth=0.7, label=model)


def _name_points(axis: Axes, rows: list[Row], keys: list[str]) -> None:
    for row in rows:
        text = ", ".join(option_text(row.options.get(key)) for key in keys)
        place = (row.mean("rec"), _kl(row))
        axis.annotate(text, place, (5, 4), textcoords="offset points", fontsize=6, color="0.3")


def _equal_bounds(axis: Axes) -> None:
    """Lines of equal -ELBO, with its value where a line enters the panel."""
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    low = min(low, 0.0) if low < 1 else low
    step = _round_step((right + high - left - low) / 12)
    first = np.ceil((left + low) / step) * step
    for bound in np.arange(first, right + high, step):
        axis.plot([left, right], [bound - left, bound - right], ":", color="0.7", lw=0.8, zorder=0)
        x = max(left, bound - high)
        if left + low < bound < right + high:
            look: Any = {"fontsize": 6, "color": "0.5", "va": "top", "annotation_clip": True}
            axis.annotate(f"{bound:g}", (x, bound - x), (3, -2), textcoords="offset points", **look)
    axis.set(xlim=(left, right), ylim=(low, high))
    axis.plot([], [], ":", color="0.7", label="equal -ELBO")


def _round_step(width: float) -> float:
    """A step of 1, 2 or 5 times a power of ten, at least as wide."""
    power = 10.0 ** np.floor(np.log10(max(width, 1e-9)))
    return float(next(power * factor for factor in (1, 2, 5, 10) if power * factor >= width))


def _heat_panel(axis: Axes, rows: list[Row], title: str, options: Sequence[str]) -> None:
    down, across = (_values(rows, key) for key in options)
    names = short_names(option_keys(rows))
    cells = np.full((len(down), len(across)), np.nan)
    for (y, x), means in _cells(rows, title, options).items():
        cells[down.index(y), across.index(x)] = statistics.fmean(means)
    low = kind(title) in LOWER_IS_BETTER
    image = axis.imshow(cells, cmap="viridis_r" if low else "viridis", aspect="auto")
    axis.set_xticks(range(len(across)), across)
    axis.set_yticks(range(len(down)), down)
    axis.set(ylabel=names[options[0]], xlabel=names[options[1]])
    axis.figure.colorbar(image, ax=axis)
    _write_cells(axis, image, cells, low)


def _averaged(rows: list[Row], options: Sequence[str]) -> str:
    names = short_names(option_keys(rows))
    others = [names[key] for key in _varying(rows) if key not in options]
    return f", mean over {', '.join(others)}" if others else ""


def _cells(
    rows: list[Row], title: str, options: Sequence[str]
) -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        mean = row.mean(title)
        if mean is not None:
            y, x = (option_text(row.options[key]) for key in options)
            found.setdefault((y, x), []).append(mean)
    return found


def _write_cells(axis: Axes, image: Any, cells: np.ndarray, low: bool) -> None:
    for (y, x), value in np.ndenumerate(cells):
        if np.isfinite(value):
            red, green, blue, _ = image.cmap(image.norm(value))
            dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.5
            best = low and value == np.nanmin(cells)
            look: Any = {"color": "w" if dark else "k", "weight": "bold" if best else "normal"}
            axis.text(x, y, number(float(value)), ha="center", va="center", fontsize=8, **look)


def _values(rows: Sequence[Row], key: str) -> list[str]:
    """An option's values, in their order."""
    found = {option_text(row.options.get(key)): row.options.get(key) for row in rows}
    return sorted(found, key=lambda text: natural(found[text]))


def _run_curves(axis: Axes, row: Row, over: str, name: str, **look: Any) -> None:
    for place, run in enumerate(row.runs):
        with checked_results(run.folder / METRICS):
            lines = [line for line in read_metrics(run.folder) if line["split"] == "valid"]
            passed = [line[over] for line in lines]
            bounds = [line["neg_elbo"] for line in lines]
        label = None if place else name
        axis.plot(passed, bounds, marker="o", ms=2, lw=1, alpha=0.8, label=label, **look)


def _colors(count: int) -> list[Any]:
    """As many colours: the usual ones, or where these are too few a scale of the rows' order."""
    if count <= 10:
        return [f"C{number}" for number in range(count)]
    return [colormaps["viridis"](place) for place in np.linspace(0, 0.95, count)]
