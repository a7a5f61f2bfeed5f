"""Accuracies of labels by codes: nearest neighbours, and a linear probe."""

import numpy as np
import pytest

from vaetext.evaluation.labels import label_accuracies, majority_share, probe

RNG = np.random.default_rng(0)
LABELS = np.array(["a", "b"])[(RNG.random(600) < 0.3).astype(int)]


def test_codes_that_part_labels_tell_all_of_them() -> None:
    codes = RNG.normal(size=(600, 5))
    codes[:, 2] += 12.0 * (LABELS == "b")
    found = label_accuracies(codes, LABELS)
    assert found.nearest == found.probe == 1.0


def test_codes_without_labels_tell_no_more_than_the_majority() -> None:
    found = label_accuracies(RNG.normal(size=(600, 3)), LABELS)
    share = majority_share(LABELS)
    assert share == pytest.approx((LABELS == "a").mean())
    three_errors = 3 * np.sqrt(share * (1 - share) / 600)
    assert found.probe <= share + three_errors
    assert found.nearest <= share + three_errors


def test_a_probe_is_linear_and_neighbours_are_not() -> None:
    angle = RNG.uniform(0, 2 * np.pi, 600)
    radius = np.where(LABELS == "b", 1.0, 3.0)
    ring = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    found = label_accuracies(ring, LABELS)
    assert found.nearest > 0.99
    assert found.probe < majority_share(LABELS) + 0.05


def test_a_probe_does_not_see_the_scale_of_a_code() -> None:
    codes = RNG.normal(size=(600, 4)) + 1.5 * (LABELS == "b")[:, None]
    scaled = codes * [1e-4, 1.0, 1e4, 3.0] + 7.0
    assert probe(scaled, LABELS) == probe(codes, LABELS) > 0.9


def test_a_probe_predicts_what_it_was_not_fitted_to() -> None:
    """More dimensions than sequences: a probe fits any labels, and tells none of the others."""
    codes = RNG.normal(size=(100, 300))
    labels = np.array(["a", "b"])[RNG.integers(0, 2, 100)]
    assert abs(probe(codes, labels) - 0.5) < 4 * np.sqrt(0.25 / 100)


def test_too_few_labels_or_sequences_are_refused() -> None:
    with pytest.raises(ValueError, match="all labels are 'a'"):
        label_accuracies(np.zeros((20, 2)), np.full(20, "a"))
    with pytest.raises(ValueError, match="10 sequences have labels"):
        label_accuracies(np.zeros((10, 2)), np.array(["a", "b"] * 5))
