"""The nearest neighbours of codes, and what they say of known labels."""

import numpy as np
from scipy.spatial import KDTree

NEIGHBOURS = 10


def neighbours(points: np.ndarray, count: int = NEIGHBOURS) -> np.ndarray:
    """[N, count] the numbers of the points nearest to each of ``points`` [N, D], nearest first.

    A point is none of its own neighbours.
    """
    _, found = KDTree(points).query(points, count + 1)
    own = found == np.arange(len(points))[:, None]
    own[~own.any(1), -1] = True  # of points at one place it may be left out
    return np.asarray(found[~own].reshape(len(points), count))


def majority(labels: np.ndarray) -> np.ndarray:
    """[N] the most frequent of labels [N, count], sorted by nearness; ties go to the nearer."""
    kinds, codes = np.unique(labels, return_inverse=True)
    count = labels.shape[1]
    votes = np.zeros((len(labels), len(kinds)))
    weight = 1 + np.arange(count, 0, -1) / (2 * count**2)  # the second part sums to less than 1
    rows = np.arange(len(labels))[:, None]
    np.add.at(votes, (rows, codes.reshape(labels.shape)), weight)
    return np.asarray(kinds[votes.argmax(1)])


def nearest_accuracy(near: np.ndarray, labels: np.ndarray) -> float:
    """The share of points whose label is that of most of their neighbours (Cover and Hart 1967).

    Args:
        near: [N, count] of ``neighbours``: leave-one-out over the points.
        labels: [N].
    """
    return float((majority(labels[near]) == labels).mean())
