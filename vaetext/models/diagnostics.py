"""Numbers and pages that one model alone has; tables and run folders show those of any model."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from vaetext.data.batch import Batch
from vaetext.distributions.evidence import Evidence


@dataclass(frozen=True)
class Page:
    """A file of a run folder.

    Attributes:
        name: of the file, such as ``topics.txt``; a name ending in ``.png`` holds a picture.
        content: its text, or its bytes.
    """

    name: str
    content: str | bytes


class Diagnostic(ABC):
    """Sees every batch of an evaluated split once, with its evidence, and then reports."""

    @abstractmethod
    def update(self, model: Any, batch: Batch, evidence: Evidence) -> None:
        """Takes one batch, with the evidence of one sample of each sequence.

        Args:
            model: whose diagnostic it is, in evaluation mode.
            batch: of the split.
            evidence: at KL weight 1.
        """

    def numbers(self) -> dict[str, float]:
        """Column title -> value, for ``results.json`` ("diagnostics") and the table."""
        return {}

    def pages(self) -> list[Page]:
        """Files for the run folder."""
        return []
