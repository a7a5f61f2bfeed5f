"""Numbers and pages that one model alone has; tables and run folders show those of any model."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vaetext.data.batch import Batch
from vaetext.data.corpora import Corpus
from vaetext.data.loader import Split
from vaetext.distributions.evidence import Evidence


@dataclass(frozen=True)
class Series:
    """One series of a panel.

    Attributes:
        label: in the legend.
        x, y: [N] each.
        kind: "line", "bars" or "points", each series in a colour of its own; points at the same
            place are drawn darker.
    """

    label: str
    x: np.ndarray
    y: np.ndarray
    kind: str = "line"


@dataclass(frozen=True)
class Panel:
    """A panel of a picture: its labels, and series that share its axes, or an image.

    Attributes:
        image: [H, W] from 0, black, to 1, white.
    """

    title: str
    x_label: str
    y_label: str
    series: list[Series] = field(default_factory=list)
    image: np.ndarray | None = None


@dataclass(frozen=True)
class Page:
    """A file of a run folder.

    Attributes:
        name: of the file, such as ``topics.txt`` or ``plots/lengths.png``.
        content: its text, its bytes, or the panels of a picture, side by side.
    """

    name: str
    content: str | bytes | list[Panel]


class Diagnostic(ABC):
    """Sees every batch of an evaluated split once, with its evidence, and then reports."""

    def begin(self, split: Split, corpus: Corpus | None = None) -> None:  # noqa: B027
        """Takes the split before its first batch: what is known of its sequences.

        Args:
            split: that is evaluated.
            corpus: that it is of, for how words are written and for the training split; None where
                it is of none.
        """

    @abstractmethod
    def update(self, model: Any, batch: Batch, evidence: Evidence) -> None:
        """Takes one batch, with the evidence of one sample of each sequence.

        Args:
            model: whose diagnostic it is, in evaluation mode.
            batch: of the split.
            evidence: at KL weight 1.
        """

    def intervene(self, model: Any, batches: Iterable[Batch], seed: int) -> None:  # noqa: B027
        """Takes all batches again, once each has been seen: what exchanges latents among them.

        Args:
            model: as before.
            batches: of the same split.
            seed: of the noise and of permutations.
        """

    def numbers(self) -> dict[str, float]:
        """Column title -> value, for ``results.json`` ("diagnostics") and the table."""
        return {}

    def pages(self) -> list[Page]:
        """Files for the run folder."""
        return []
