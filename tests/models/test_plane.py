"""Neighbours of codes in the plane, against brute force, and what they say of known labels."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import ndtri

from vaetext.config.models.mnist_vae import MnistVAE
from vaetext.data.domain import Binary
from vaetext.data.loader import Split
from vaetext.evaluation.metrics import evaluate
from vaetext.models.base import SequenceModel
from vaetext.models.mnist_vae import grid_of
from vaetext.models.neighbours import majority, neighbours
from vaetext.models.plane import Plane
from vaetext.models.registry import build

RNG = np.random.default_rng(0)


def plane_of(points: np.ndarray, labels: np.ndarray, pairs: Any = ()) -> Plane:
    found = Plane()
    found.pairs = pairs
    found.labels = {"digit": labels}
    found.index = [torch.arange(len(points))]
    found.means = [torch.from_numpy(points)]
    return found


def test_neighbours_are_those_of_all_distances() -> None:
    points = RNG.normal(size=(200, 2))
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_array_equal(neighbours(points, 10), distances.argsort(1)[:, :10])


def test_points_at_one_place_are_not_their_own_neighbours() -> None:
    found = neighbours(np.zeros((30, 2)), 10)
    assert found.shape == (30, 10)
    assert not (found == np.arange(30)[:, None]).any()


def test_the_most_frequent_label_wins_and_the_nearer_of_equals() -> None:
    labels = np.array([list("aabbbc"), list("abbacc"), list("bacacb"), list("cccccc")])
    assert majority(labels).tolist() == ["b", "a", "a", "c"]


def test_accuracy_and_mixing_are_those_of_brute_force() -> None:
    labels = RNG.choice(["4", "9", "0"], size=300)
    points = RNG.normal(size=(300, 2)) + (labels == "0")[:, None] * 2
    numbers = plane_of(points, labels, pairs=(("4", "9"), ("4", "7"))).numbers()
    right = 0
    shares: dict[str, list[float]] = {"4": [], "9": []}
    for n in range(300):
        order = np.argsort(((points - points[n]) ** 2).sum(1))
        near = list(labels[[m for m in order if m != n][:10]])
        most = max(near, key=lambda label: (near.count(label), -sum_of_ranks(near, label)))
        right += most == labels[n]
        if labels[n] in shares:
            shares[labels[n]].append(near.count({"4": "9", "9": "4"}[labels[n]]) / 10)
    assert set(numbers) == {"10-NN digit", "mixing 4/9"}
    assert numbers["10-NN digit"] == pytest.approx(right / 300, abs=1e-12)
    expected = (np.mean(shares["4"]) + np.mean(shares["9"])) / 2
    assert numbers["mixing 4/9"] == pytest.approx(expected, abs=1e-12)


def sum_of_ranks(near: list[str], label: str) -> int:
    return sum(rank for rank, each in enumerate(near) if each == label)


def test_separate_labels_are_always_right_and_the_table_says_so() -> None:
    labels = np.repeat(["a", "b"], 20)
    points = RNG.normal(size=(40, 2)) + 100.0 * (labels == "b")[:, None]
    found = plane_of(points, labels)
    assert found.numbers() == {"10-NN digit": 1.0}
    table, picture = found.pages()
    lines = ["\ta\tb", "a\t1.0000\t0.0000", "b\t0.0000\t1.0000"]
    assert str(table.content).splitlines()[1:] == lines
    assert isinstance(picture.content, list)
    assert [each.label for each in picture.content[0].series] == ["a", "b"]


def test_a_few_sequences_have_a_picture_and_no_numbers() -> None:
    found = plane_of(RNG.normal(size=(10, 2)), np.full(10, "a"))
    assert found.numbers() == {}
    assert [page.name for page in found.pages()] == ["plots/plane.png"]


def test_the_grid_is_at_the_quantiles_of_the_prior() -> None:
    z = torch.from_numpy(RNG.normal(size=(200_000, 2)))
    grid = grid_of(z, 4).reshape(4, 4, 2).numpy()
    levels = ndtri((np.arange(4) + 0.5) / 4)
    np.testing.assert_allclose(grid[2, :, 0], levels, atol=0.02)  # 5 standard errors at most
    np.testing.assert_allclose(grid[:, 1, 1], levels[::-1], atol=0.02)


def small(latent_dim: int) -> SequenceModel:
    torch.manual_seed(0)
    config = MnistVAE(name="mnist-vae", hidden_dim=6, latent_dim=latent_dim)
    return build(config, Binary(3, 4))


def evaluated(model: SequenceModel, factors: dict[str, np.ndarray]) -> Any:
    images = RNG.integers(2, size=(40, 4, 3)).astype(np.uint8)
    split = replace(Split.of(list(images)), factors=factors)
    device = torch.device("cpu")
    return evaluate(model, split, seed=0, samples=2, batch_tokens=60, device=device)


def test_an_evaluation_takes_the_labels_of_its_split() -> None:
    digits = np.tile(["4", "9"], 20)
    found = evaluated(small(2), {"digit": digits, "slant": np.arange(40.0)})
    assert set(found.results.diagnostics) == {"10-NN digit", "mixing 4/9"}
    table, picture = found.pages
    assert table.name == "neighbours.txt"
    scatter, grid, samples = picture.content
    assert sum(len(each.x) for each in scatter.series) == 40
    means = found.scores.codes["z"].mean.numpy()[digits == "9"]
    np.testing.assert_allclose(np.stack([scatter.series[1].x, scatter.series[1].y], 1), means)
    assert grid.image.shape == samples.image.shape == (16 * 5 - 1, 16 * 4 - 1)
    assert 0 < grid.image.min() < grid.image.max() < 1


def test_only_planes_are_shown_with_or_without_labels() -> None:
    assert evaluated(small(3), {"digit": np.full(40, "a")}).pages == []
    found = evaluated(small(2), {})
    assert found.results.diagnostics == {}
    assert [page.name for page in found.pages] == ["plots/plane.png"]
