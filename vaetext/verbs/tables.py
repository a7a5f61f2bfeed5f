"""``vaetext tables``: any runs as one table, and pictures of them."""

import os
from pathlib import Path

from vaetext.config.verbs import TablesConfig
from vaetext.report.collect import collect, find_runs
from vaetext.report.output import write_output
from vaetext.report.rows import all_titles, best_rows, heatmap_options, named_titles, sort_rows
from vaetext.report.table import EXTENSIONS, FORMATS, Shown
from vaetext.report.times import bounds_in

BOUND = "-ELBO"  # what a heat map shows by default


def run(config: TablesConfig) -> None:
    """Prints one table of all finished runs in the given folders.

    With ``output`` the table is also written there, in all three formats. A plot is written there,
    or to the folder of the runs.

    Raises:
        ValueError: no folder is given, one does not exist, or none holds a finished run; or there
            is no such column, figure or option.
    """
    table = select(config)
    files: dict[str, str | bytes] = {}
    if config.output:
        files |= {f"table.{EXTENSIONS[name]}": form(table) for name, form in FORMATS.items()}
    if config.plot:
        files |= pictures(config, table)
    folder = Path(config.output or os.path.commonpath(map(os.path.abspath, config.runs)))
    write_output(FORMATS[config.format](table), folder, files)


def select(config: TablesConfig) -> Shown:
    """The rows and columns that are asked for.

    Raises:
        ValueError: as ``run`` does.
    """
    times = bounds_in([*config.columns, config.sort or ""])
    rows = collect(find_runs(config.runs), config.split, times)
    note = ""
    if config.best:
        rows = best_rows(rows, config.best)
        note = f"Of each data set and model the row with the lowest mean {config.best}."
    if config.sort:
        rows = sort_rows(rows, config.sort, config.descending)
    titles = named_titles(config.columns, [*all_titles(rows), *times])
    return Shown(rows, config.split, titles, note)


def pictures(config: TablesConfig, table: Shown) -> dict[str, str | bytes]:
    """File name -> content of the plot, in every format.

    Raises:
        ValueError: a heat map has no two options, or a run's metrics are damaged.
    """
    from vaetext.report import plots  # matplotlib is slow to import

    if config.plot == "heatmap":
        options = heatmap_options(config.axes, table.rows)
        rows = [row for row in table.rows if all(key in row.options for key in options)]
        figure = plots.heatmap(rows, table.titles if config.columns else [BOUND], options)
    elif config.plot == "rate-distortion":
        figure = plots.rate_distortion(table.rows)
    else:
        figure = plots.curves(table.rows, config.over, bounds_in(table.titles).values())
    return {f"{config.plot}.{form}": plots.picture(figure, form) for form in plots.PICTURES}
