"""Codes beside known labels: where the labels come from, and how well codes tell them."""

import textwrap
from pathlib import Path

import numpy as np

from vaetext.data.files import read_lines
from vaetext.evaluation.labels import LabelAccuracies, label_accuracies, majority_share
from vaetext.models.neighbours import NEIGHBOURS
from vaetext.report.formats import markdown
from vaetext.report.output import Inputs
from vaetext.runs.encoding import LatentCode

NOTE = (
    "Shares of the sequences. majority: of the most frequent label. {count}-NN: those whose label"
    " is that of most of their {count} nearest others, by the Euclidean distance of posterior"
    " means. linear probe: those whose label a logistic regression (C = 1, standardised means)"
    " gives that was fitted to the other of two random halves. Codes of several positions are"
    " averaged over them."
)


def read_labels(source: str, inputs: Inputs, factors: dict[str, np.ndarray]) -> np.ndarray:
    """The label [N] of each sequence: a known factor, or a file with a label on each line.

    Args:
        source: the name of the factor, or of the file.
        inputs: the sequences; the file has a line for each of their lines, empty ones too.
        factors: of the split that is encoded; none of a file.

    Raises:
        ValueError: there is no such factor or file, it has other lines than the input, or a
            sequence has no label.
    """
    if source in factors:
        if factors[source].dtype.kind == "f":
            raise ValueError(f"labels={source}: it is a number of each sequence; give one of names")
        return factors[source].astype(np.str_)
    if not Path(source).is_file():
        known = f" and no factor of the split ({', '.join(factors)})" if factors else ""
        raise ValueError(
            f"labels={source}: no such file{known}; give a file with a label on each line of the"
            " input, or split=test and a known factor of it"
        )
    lines = [line.strip() for line in read_lines(Path(source))]
    if len(lines) != inputs.total:
        raise ValueError(
            f"labels={source} has {len(lines)} lines, and the input {inputs.total}; give a label"
            " for each line (one for an empty line is not read)"
        )
    labels = np.array([lines[number] for number in inputs.numbers])
    if not all(labels):
        place = inputs.places[int((labels == "").argmax())]
        raise ValueError(f"labels={source}: {place} of the input has an empty label")
    return labels


def code_vectors(latents: dict[str, LatentCode]) -> dict[str, np.ndarray]:
    """Latent -> posterior means [N, D]; those of several positions are averaged over them."""
    return {name: _vectors(code) for name, code in latents.items()}


def _vectors(code: LatentCode) -> np.ndarray:
    means = code.mean.astype(np.float64)
    if code.offsets is None:
        return means.reshape(len(means), -1)
    sums = np.add.reduceat(means.reshape(len(means), -1), code.offsets[:-1])
    return np.asarray(sums / np.diff(code.offsets)[:, None])


def labels_page(source: str, labels: np.ndarray, vectors: dict[str, np.ndarray]) -> str:
    """A table of the accuracies of every latent, and their meaning.

    Raises:
        ValueError: there are too few sequences or labels.
    """
    found = {name: label_accuracies(codes, labels) for name, codes in vectors.items()}
    share = majority_share(labels)
    head = f"{len(np.unique(labels))} labels ({source}) of {len(labels):,} sequences"
    rows = [_row(name, share, each) for name, each in found.items()]
    table = markdown([["", "majority", f"{NEIGHBOURS}-NN", "linear probe"], *rows])
    note = textwrap.fill(NOTE.format(count=NEIGHBOURS), 100)
    return f"{head}\n\n{table}\n{note}\n"


def _row(name: str, share: float, found: LabelAccuracies) -> list[str]:
    return [name, *(f"{each:.4f}" for each in (share, found.nearest, found.probe))]
