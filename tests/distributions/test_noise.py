"""Keyed noise: a function of its key alone, and normal."""

import pytest
import torch

from vaetext.distributions import noise
from vaetext.distributions.noise import KeyedNoise


def test_depends_on_the_key_alone() -> None:
    whole = KeyedNoise(3, torch.arange(10), range(5)).normal("z", 7, 4)
    part = KeyedNoise(3, torch.tensor([8, 2]), range(2, 4)).normal("z", 3, 4)
    assert torch.equal(part, whole[2:4][:, [8, 2]][:, :, :3])


def test_every_seed_has_its_draws() -> None:
    draws = [
        KeyedNoise(seed, torch.arange(2), range(1)).normal("z", 2).tolist()
        for seed in (0, 2**63 - 1, 2**63, 2**63 + 128)
    ]
    assert all(each not in draws[:n] for n, each in enumerate(draws))


def test_other_keys_give_other_draws() -> None:
    draw = KeyedNoise(0, torch.arange(100), range(100)).normal("z", 10)
    assert len(draw.unique()) > 0.99 * draw.numel()
    assert not torch.equal(draw, KeyedNoise(1, torch.arange(100), range(100)).normal("z", 10))
    assert not torch.equal(draw, KeyedNoise(0, torch.arange(100), range(100)).normal("y", 10))


def test_is_standard_normal_and_uncorrelated() -> None:
    draw = KeyedNoise(0, torch.arange(200), range(100), torch.float64).normal("z", 10)
    count = draw.numel()
    assert abs(draw.mean()) < 4 / count**0.5
    assert abs(draw.var() - 1) < 4 * (2 / count) ** 0.5
    assert abs((draw**4).mean() - 3) < 4 * (96 / count) ** 0.5
    for axis in range(3):
        neighbours = (
            draw.narrow(axis, 0, draw.shape[axis] - 1) * draw.narrow(axis, 1, draw.shape[axis] - 1)
        ).mean()
        assert abs(neighbours) < 4 / (count * (1 - 1 / draw.shape[axis])) ** 0.5


def test_the_largest_key_gives_a_number_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "_mix", lambda key: torch.full_like(key, -1))
    assert KeyedNoise(0, torch.arange(2), range(2), torch.float64).normal("z", 3).isfinite().all()
