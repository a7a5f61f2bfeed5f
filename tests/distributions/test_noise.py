"""Keyed noise depends on its key alone, and is standard normal."""

import pytest
import torch

from vaetext.distributions import noise
from vaetext.distributions.noise import KeyedNoise


def test_keyed_noise_depends_on_the_key_alone() -> None:
    whole = KeyedNoise(3, torch.arange(10), range(5)).normal("z", 7, 4)
    part = KeyedNoise(3, torch.tensor([8, 2]), range(2, 4)).normal("z", 3, 4)
    assert torch.equal(part, whole[2:4][:, [8, 2]][:, :, :3])


def test_every_seed_gives_different_samples() -> None:
    samples = [
        KeyedNoise(seed, torch.arange(2), range(1)).normal("z", 2).tolist()
        for seed in (0, 2**63 - 1, 2**63, 2**63 + 128)
    ]
    assert all(each not in samples[:n] for n, each in enumerate(samples))


def test_other_seeds_and_names_give_other_samples() -> None:
    samples = KeyedNoise(0, torch.arange(100), range(100)).normal("z", 10)
    assert len(samples.unique()) > 0.99 * samples.numel()
    assert not torch.equal(samples, KeyedNoise(1, torch.arange(100), range(100)).normal("z", 10))
    assert not torch.equal(samples, KeyedNoise(0, torch.arange(100), range(100)).normal("y", 10))


def test_keyed_noise_is_standard_normal_and_uncorrelated() -> None:
    samples = KeyedNoise(0, torch.arange(200), range(100), torch.float64).normal("z", 10)
    count = samples.numel()
    assert abs(samples.mean()) < 4 / count**0.5
    assert abs(samples.var() - 1) < 4 * (2 / count) ** 0.5
    assert abs((samples**4).mean() - 3) < 4 * (96 / count) ** 0.5
    for axis in range(3):
        pairs = samples.shape[axis] - 1
        product = samples.narrow(axis, 0, pairs) * samples.narrow(axis, 1, pairs)
        assert abs(product.mean()) < 4 / (count * (1 - 1 / samples.shape[axis])) ** 0.5


def test_largest_key_gives_a_finite_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "_mix", lambda key: torch.full_like(key, -1))
    assert KeyedNoise(0, torch.arange(2), range(2), torch.float64).normal("z", 3).isfinite().all()
