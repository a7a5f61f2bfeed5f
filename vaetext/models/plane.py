"""How a latent of two dimensions separates known kinds of sequences: numbers and a picture."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.data.corpora import Corpus
from vaetext.data.loader import Split
from vaetext.distributions.evidence import Evidence
from vaetext.models.diagnostics import Diagnostic, Page, Panel, Series
from vaetext.models.neighbours import NEIGHBOURS, nearest_accuracy, neighbours


class Plane(Diagnostic):
    """The posterior means E_q[z|x] in the plane, and what their neighbours say of known factors.

    - 10-NN: the share of sequences whose label is that of most of the 10 nearest others, by the
      Euclidean distance of the means (Cover and Hart 1967). It is leave-one-out over the evaluated
      split; between labels with as many neighbours the nearer ones decide.
    - mixing a/b: the share of b among the 10 nearest of an a, and of a among those of a b, the mean
      of the two.

    It is for models with one latent "z" of two dimensions, and factors with names as values.

    Attributes:
        pairs: of labels whose mixing is a number of its own; of all, ``neighbours.txt`` has it.
    """

    pairs: tuple[tuple[str, str], ...] = ()

    def __init__(self) -> None:
        self.labels: dict[str, np.ndarray] = {}
        self.index: list[Tensor] = []
        self.means: list[Tensor] = []

    def begin(self, split: Split, corpus: Corpus | None = None) -> None:
        self.labels = {name: of for name, of in split.factors.items() if of.dtype.kind == "U"}

    def update(self, model: Any, batch: Batch, evidence: Evidence) -> None:
        self.index.append(batch.index.cpu())
        self.means.append(evidence.latents["z"].q.mean[0].double().cpu())

    def numbers(self) -> dict[str, float]:
        found = {}
        for factor, labels in self.labels.items() if self._enough else ():
            numbers = neighbours(self.points)
            found[f"{NEIGHBOURS}-NN {factor}"] = nearest_accuracy(numbers, labels)
            near = labels[numbers]
            for one, other in self.pairs:
                if {one, other} <= set(labels):
                    ways = (near[labels == one] == other, near[labels == other] == one)
                    found[f"mixing {one}/{other}"] = float(np.mean([way.mean() for way in ways]))
        return found

    def pages(self) -> list[Page]:
        """``plots/plane.png``, and ``neighbours.txt``: labels among the neighbours of each."""
        tables = [self._table(name) for name in self.labels] if self._enough else []
        texts = [Page("neighbours.txt", "\n".join(tables))] if tables else []
        return [*texts, Page("plots/plane.png", self.panels())]

    def panels(self) -> list[Panel]:
        """The means, coloured by each factor."""
        kinds = self.labels or {"": np.full(len(self.points), "sequences")}
        return [self._scatter(factor, labels) for factor, labels in kinds.items()]

    @property
    def points(self) -> np.ndarray:
        """[N, 2] the means, in the order of the split."""
        order = torch.cat(self.index).argsort()
        return torch.cat(self.means)[order].numpy()

    @property
    def _enough(self) -> bool:
        return sum(map(len, self.index)) > NEIGHBOURS

    def _scatter(self, factor: str, labels: np.ndarray) -> Panel:
        x, y = self.points.T
        series = [
            Series(str(label), x[labels == label], y[labels == label], "points")
            for label in np.unique(labels)
        ]
        by = f" by {factor}" if factor else ""
        return Panel(f"means of z{by}, {len(labels):,} sequences", "z_1", "z_2", series)

    def _table(self, factor: str) -> str:
        """A line a label: the shares of all labels among the neighbours of its sequences."""
        labels = self.labels[factor]
        near = labels[neighbours(self.points)]
        kinds = np.unique(labels)
        lines = [f"{factor}: labels of the {NEIGHBOURS} nearest others", "\t".join(["", *kinds])]
        for kind in kinds:
            shares = [f"{(near[labels == kind] == other).mean():.4f}" for other in kinds]
            lines.append("\t".join([str(kind), *shares]))
        return "".join(f"{line}\n" for line in lines)
