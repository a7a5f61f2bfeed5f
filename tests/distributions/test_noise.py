"""Keyed noise depends on its key alone, is folded by name and step, and is standard normal."""

import pytest
import torch

from vaetext.distributions import noise
from vaetext.distributions.noise import FreshNoise, KeyedNoise, MeanNoise, Noise

CPU = torch.device("cpu")


def keyed(seed: int = 0, rows: int = 10, samples: int = 5) -> KeyedNoise:
    return KeyedNoise(seed, torch.arange(rows), range(samples), torch.float64)


def test_keyed_noise_depends_on_the_key_alone() -> None:
    whole = KeyedNoise(3, torch.arange(10), range(5)).at("z").normal(7, 4)
    part = KeyedNoise(3, torch.tensor([8, 2]), range(2, 4)).at("z").normal(3, 4)
    assert torch.equal(part, whole[2:4][:, [8, 2]][:, :, :3])


def test_one_step_is_a_slice_of_all_steps() -> None:
    every = keyed().at("z").normal(6, 3)
    for step in range(6):
        assert torch.equal(keyed().at("z", step).normal(3), every[:, :, step])


def test_each_sample_and_sequence_can_be_at_a_step_of_its_own() -> None:
    every = keyed().at("z").normal(6, 3)
    clock = torch.arange(50).view(5, 10) % 6
    expected = every.gather(2, clock[:, :, None, None].expand(5, 10, 1, 3))[:, :, 0]
    assert torch.equal(keyed().at("z", clock).normal(3), expected)
    shared = clock[:1].expand(5, 10)
    assert torch.equal(keyed().at("z", clock[:1]).normal(3), keyed().at("z", shared).normal(3))


def test_folding_twice_is_not_folding_once() -> None:
    draws = [
        keyed().at("z").normal(2),
        keyed().at("z").at("component").normal(2),
        keyed().at("component").normal(2),
        keyed().at("component").at("z").normal(2),
        keyed().normal(2),
        keyed().at("z", 7).normal(2),
    ]
    assert len(torch.stack(draws).unique()) == 6 * 5 * 10 * 2


@pytest.mark.parametrize("name", [None, "z"])
def test_expanded_samples_are_independent_and_can_be_drawn_in_chunks(name: str | None) -> None:
    def of(samples: range) -> Noise:
        noise = KeyedNoise(0, torch.arange(4), samples, torch.float64)
        return noise if name is None else noise.at(name)

    whole = of(range(6)).expand(3)
    assert (whole.samples, whole.rows) == (18, 4)
    drawn = whole.at("x").normal(5)
    assert drawn.shape == (18, 4, 5) and len(drawn.unique()) == drawn.numel()
    chunks = [of(part).expand(3).at("x").normal(5) for part in (range(2), range(2, 6))]
    assert torch.equal(torch.cat(chunks), drawn)
    assert not torch.equal(drawn[:6], of(range(6)).at("x").normal(5))


@pytest.mark.parametrize("kind", [FreshNoise(2, 3, CPU), MeanNoise(3, CPU, samples=2)])
def test_other_noise_has_the_same_shapes(kind: Noise) -> None:
    assert kind.at("z", 3).normal(4).shape == (2, 3, 4)
    assert kind.expand(5).uniform().shape == (10, 3)
    assert type(kind.expand(5)) is type(kind)


def test_the_middle_of_every_distribution_is_zero_and_a_half() -> None:
    assert not MeanNoise(3, CPU).at("z").normal(4).any()
    assert (MeanNoise(3, CPU).at("z").uniform(4) == 0.5).all()


def test_every_seed_gives_different_samples() -> None:
    samples = [
        KeyedNoise(seed, torch.arange(2), range(1)).at("z").normal(2).tolist()
        for seed in (0, 2**63 - 1, 2**63, 2**63 + 128)
    ]
    assert all(each not in samples[:n] for n, each in enumerate(samples))


def test_other_seeds_and_names_give_other_samples() -> None:
    samples = keyed(0, 100, 100).at("z").normal(10)
    assert len(samples.unique()) > 0.99 * samples.numel()
    assert not torch.equal(samples, keyed(1, 100, 100).at("z").normal(10))
    assert not torch.equal(samples, keyed(0, 100, 100).at("y").normal(10))


@pytest.mark.parametrize("folding", ["axes", "steps", "expanded"])
def test_keyed_noise_is_standard_normal_and_uncorrelated(folding: str) -> None:
    noise = keyed(0, 200, 100)
    samples = {
        "axes": lambda: noise.at("z").normal(10),
        "steps": lambda: torch.stack([noise.at("z", t).normal() for t in range(10)], 2),
        "expanded": lambda: keyed(0, 200, 10).expand(10).normal(10),
    }[folding]()
    count = samples.numel()
    assert abs(samples.mean()) < 4 / count**0.5
    assert abs(samples.var() - 1) < 4 * (2 / count) ** 0.5
    assert abs((samples**4).mean() - 3) < 4 * (96 / count) ** 0.5
    for axis in range(3):
        pairs = samples.shape[axis] - 1
        product = samples.narrow(axis, 0, pairs) * samples.narrow(axis, 1, pairs)
        assert abs(product.mean()) < 4 / (count * (1 - 1 / samples.shape[axis])) ** 0.5


def test_keyed_uniforms_are_uniform() -> None:
    drawn = keyed(0, 200, 100).at("u").uniform(10).flatten().sort().values
    expected = (torch.arange(len(drawn)) + 0.5) / len(drawn)
    # Kolmogorov's statistic: over 1.95 / sqrt(n) once in a thousand seeds
    assert (drawn - expected).abs().max() < 1.95 / len(drawn) ** 0.5


@pytest.mark.parametrize("key", [0, -1, 2**63 - 1, -(2**63)])
def test_extreme_keys_give_finite_normals_and_uniforms_inside_the_interval(
    key: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noise, "_mix", lambda other: torch.full_like(other, key))
    assert keyed().at("z").normal(3).isfinite().all()
    uniform = keyed().at("z").uniform(3)
    assert bool(((uniform > 0) & (uniform < 1)).all())
