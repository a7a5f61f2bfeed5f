"""The runs that published tables need, before any of them starts. Imports no torch."""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from vaetext.config.quoting import quote
from vaetext.config.table import Table
from vaetext.config.train import TrainConfig
from vaetext.runs.compose import compose
from vaetext.runs.folder import check_same_config
from vaetext.runs.layout import CONFIG
from vaetext.runs.results import is_done


@dataclass(frozen=True)
class PlannedRun:
    """One run of a row.

    Attributes:
        table: its name.
        row: of ``conf/table``.
        seed: of the run.
        overrides: of ``vaetext train``.
        config: what they give.
        folder: of the run, begun or not.
    """

    table: str
    row: dict[str, Any]
    seed: int
    overrides: list[str]
    config: TrainConfig
    folder: Path

    @property
    def title(self) -> str:
        """Of the run, in plans and messages."""
        return f"{self.table}: {self.row['name']} (seed {self.seed})"

    @property
    def done(self) -> bool:
        """Whether it has finished."""
        return is_done(self.folder)

    @property
    def state(self) -> str:
        """Of training: "done", "begun" or "new"."""
        begun = (self.folder / CONFIG).is_file()
        return "done" if self.done else "begun" if begun else "new"

    @property
    def command(self) -> str:
        """What trains it by hand, to be pasted into a shell."""
        return shlex.join(["vaetext", "train", *self.overrides])

    def arguments(self, config_dir: Sequence[str], threads: int) -> list[str]:
        """The words after ``vaetext`` that train it in its folder, or resume it there.

        Args:
            config_dir: ``--config-dir FOLDER`` for each folder of a user's options.
            threads: of the process; 0: one for each core.
        """
        own = [f"trainer.threads={threads}"] if threads else []
        place = f"hydra.run.dir={quote(str(self.folder))}"
        return ["train", *config_dir, *self.overrides, *own, place]


def planned_runs(
    tables: Iterable[Table],
    scale: str,
    seeds: int,
    outputs: Path,
    config_dir: Sequence[str | Path] = (),
) -> list[PlannedRun]:
    """The runs of every row and seed, in the order of the tables.

    A run is found by its configuration: its folder is
    ``<outputs>/tables/<scale>/<table>/<row>/seed-<seed>``, or where that holds a run of another
    configuration, as of an earlier version, the first of ``seed-<seed>-2``, ... that does not.

    Raises:
        ValueError: a table lacks the scale, or a row has options that do not fit.
    """
    return [
        _planned(table, row, seed, scale, outputs, config_dir)
        for table in tables
        for row in table.rows_of(scale)
        for seed in table.seeds_of(row, scale, seeds)
    ]


def _planned(
    table: Table,
    row: dict[str, Any],
    seed: int,
    scale: str,
    outputs: Path,
    config_dir: Sequence[str | Path],
) -> PlannedRun:
    tables_alone = ["trainer.examples=false"] if scale == "smoke" else []
    overrides = [*row["overrides"], *table.scales[scale], *tables_alone, f"seed={seed}"]
    try:
        config = compose(overrides, config_dir)
    except ValueError as error:
        raise ValueError(f"table {table.name}, row {row['name']}: {error}") from error
    name = re.sub(r"[^\w.+-]+", "-", str(row["name"])).strip("-")
    place = outputs / "tables" / scale / table.name / name / f"seed-{seed}"
    return PlannedRun(table.name, row, seed, overrides, config, _folder(place, config))


def _folder(place: Path, config: TrainConfig) -> Path:
    """The first of ``place``, ``place-2``, ... that holds no run of another configuration."""
    places = (place if n == 1 else place.with_name(f"{place.name}-{n}") for n in count(1))
    return next(folder for folder in places if _fits(folder, config))


def _fits(folder: Path, config: TrainConfig) -> bool:
    try:
        check_same_config(folder, config)
    except ValueError:
        return False
    return True
