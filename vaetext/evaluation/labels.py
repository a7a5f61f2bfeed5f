"""What codes say of known labels: nearest neighbours, and a linear probe."""

import warnings
from collections import Counter
from dataclasses import dataclass

import numpy as np

from vaetext.models.neighbours import NEIGHBOURS, nearest_accuracy, neighbours

SPLIT_SEED = 0  # of the halves of the linear probe


@dataclass(frozen=True)
class LabelAccuracies:
    """How well labels are told from codes: shares of the sequences, from 0 to 1.

    Attributes:
        nearest: whose label is that of most of their 10 nearest others (leave-one-out).
        probe: whose label a linear classifier gives that was fitted to the other half.
    """

    nearest: float
    probe: float


def label_accuracies(codes: np.ndarray, labels: np.ndarray) -> LabelAccuracies:
    """The accuracies of labels [N] by codes [N, D].

    Neighbours are by the Euclidean distance of the codes as they are.

    Raises:
        ValueError: all labels are equal, or there are no more sequences than neighbours.
    """
    if len(set(labels)) < 2:
        raise ValueError(f"all labels are {str(labels[0])!r}; give two or more")
    if len(codes) <= NEIGHBOURS:
        raise ValueError(
            f"{len(codes)} sequences have labels, and {NEIGHBOURS} neighbours of each are compared;"
            f" give more than {NEIGHBOURS}"
        )
    return LabelAccuracies(nearest_accuracy(neighbours(codes), labels), probe(codes, labels))


def probe(codes: np.ndarray, labels: np.ndarray) -> float:
    """The accuracy of a linear probe (Alain and Bengio 2017), of all sequences.

    They are cut into two random halves by a fixed seed; each half is predicted by a logistic
    regression (L2, C = 1) that was fitted to the other, on codes standardised there.
    """
    from sklearn.exceptions import ConvergenceWarning  # slow imports
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    order = np.random.default_rng(SPLIT_SEED).permutation(len(codes))
    halves = np.array_split(order, 2)
    right = 0
    for fitted, asked in (halves, halves[::-1]):
        kinds = np.unique(labels[fitted])
        if len(kinds) == 1:
            right += int((labels[asked] == kinds[0]).sum())
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # of labels that no plane parts
            model.fit(codes[fitted], labels[fitted])
        right += int((model.predict(codes[asked]) == labels[asked]).sum())
    return right / len(codes)


def majority_share(labels: np.ndarray) -> float:
    """The share of the most frequent label: the accuracy without any code."""
    return max(Counter(labels.tolist()).values()) / len(labels)
