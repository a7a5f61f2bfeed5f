"""Published tables, as in ``conf/table/``."""

from dataclasses import dataclass
from typing import Any

from vaetext.config.options import Checked, option

SCALES = ("full", "small", "smoke")


@dataclass
class Table(Checked):
    """A published table: the runs that reproduce it, and the published results."""

    name: str = option("", "name of the table, as in conf/table/")
    title: str = option("", "text above the table")
    note: str = option("", "text below the table")
    rows: list[dict[str, Any]] = option(
        [],
        "name, overrides of `vaetext train` and published results, if any, of each row; small: true"
        " where scale=small has it; seeds: its least number of them at scale=full",
    )
    scales: dict[str, list[str]] = option(
        {}, "further overrides of every row, for full, small and smoke"
    )
    columns: list[str] = option(
        ["-ELBO", "IW-NLL", "AU", "distance to truth", "stderr of distance"],
        "columns of our results (no latent's name, no K), beside those with published results",
    )
    figures: list[dict[str, str]] = option(
        [],
        "figures of the source that the page shows: title, and row and file (of its run folder)",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for scale in self.scales:
            if scale not in SCALES:
                raise ValueError(f"scales.{scale}: no such scale; choose from {', '.join(SCALES)}")

    def rows_of(self, scale: str) -> list[dict[str, Any]]:
        """The rows that a scale has: all, or of ``small`` those that are marked.

        Raises:
            ValueError: the table has no such scale.
        """
        if scale not in self.scales:
            known = ", ".join(self.scales) or "none"
            raise ValueError(f"scale={scale}: table {self.name} has {known}")
        return [row for row in self.rows if scale != "small" or row.get("small")]

    def seeds_of(self, row: dict[str, Any], scale: str, seeds: int) -> range:
        """The seeds of a row's runs, of which ``seeds`` are asked for."""
        return range(max(seeds, row.get("seeds", 1) if scale == "full" else 1))
