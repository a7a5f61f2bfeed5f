"""Categorical, Bernoulli and mixture distributions compared with torch.distributions."""

import math
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Categorical as TorchCategorical
from torch.distributions import Independent, MixtureSameFamily, Normal, kl_divergence

from vaetext.distributions.bernoulli import Bernoulli
from vaetext.distributions.categorical import Categorical
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.mixture import GaussianMixture
from vaetext.distributions.noise import FreshNoise, KeyedNoise, MeanNoise, Noise

EXACT = {"rtol": 1e-12, "atol": 1e-12}
SAMPLES = 20_000
CPU = torch.device("cpu")


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def categorical(*shape: int) -> Categorical:
    return Categorical((2 * draw(*shape)).log_softmax(-1))


def mixture(*shape: int) -> GaussianMixture:
    """Of 3 components over 2 dimensions."""
    return GaussianMixture(
        draw(*shape, 3).log_softmax(-1), 2 * draw(*shape, 3, 2), 0.5 * draw(*shape, 3, 2)
    )


def torch_mixture(mixture: GaussianMixture) -> MixtureSameFamily:
    components = Independent(Normal(mixture.means, (0.5 * mixture.log_vars).exp()), 1)
    return MixtureSameFamily(TorchCategorical(logits=mixture.log_weights), components)


def test_categorical_agrees_with_torch() -> None:
    p = categorical(4, 6)
    other = categorical(4, 6)
    x = torch.randint(6, (5, 4))
    theirs = TorchCategorical(logits=p.log_p)
    torch.testing.assert_close(p.log_prob(x), theirs.log_prob(x), **EXACT)
    expected = kl_divergence(theirs, TorchCategorical(logits=other.log_p))
    torch.testing.assert_close(p.kl(other), expected, **EXACT)
    torch.testing.assert_close(p.mean, theirs.probs, **EXACT)
    assert torch.equal(p.mode, theirs.mode)
    assert p.kl(Bernoulli(draw(6))) is None


def test_categorical_without_an_axis_of_sequences_is_broadcast() -> None:
    p = categorical(6)
    x = torch.randint(6, (5, 4))
    torch.testing.assert_close(p.log_prob(x), p.log_p[x], **EXACT)


def test_values_of_probability_zero_add_nothing_to_the_kl_and_break_no_gradient() -> None:
    logits = torch.tensor([0.3, -1.0, 0.5], dtype=torch.float64, requires_grad=True)
    impossible = torch.tensor([0.0, -torch.inf, 0.0])
    p = Categorical((logits + impossible).log_softmax(-1))
    q = Categorical((draw(3) + impossible).log_softmax(-1))
    kl = p.kl(q)
    assert kl is not None
    kept = TorchCategorical(probs=p.mean[[0, 2]])
    expected = kl_divergence(kept, TorchCategorical(probs=q.mean[[0, 2]]))
    torch.testing.assert_close(kl, expected, **EXACT)
    kl.backward()
    assert logits.grad is not None and logits.grad.isfinite().all()


@pytest.mark.parametrize("noise", ["keyed", "fresh"])
def test_categorical_samples_have_their_probabilities(noise: str) -> None:
    p = Categorical(torch.tensor([0.0, 0.5, 0.3, 0.2, 0.0], dtype=torch.float64).log())
    sources: dict[str, Noise] = {
        "keyed": KeyedNoise(0, torch.arange(2), range(SAMPLES)).at("x"),
        "fresh": FreshNoise(SAMPLES, 2, CPU),
    }
    x = p.sample(sources[noise], 3)
    assert x.shape == (SAMPLES, 2, 3) and x.dtype == torch.int64
    found = x.flatten().bincount(minlength=5) / x.numel()
    error = (p.mean * (1 - p.mean) / x.numel()).sqrt()
    assert bool(((found - p.mean).abs() <= 4 * error).all())
    assert found[0] == found[4] == 0


class Fixed(MeanNoise):
    """Every uniform has one value."""

    def __init__(self, value: float) -> None:
        super().__init__(1, CPU, torch.float64)
        self.value = value

    def uniform(self, *shape: int) -> Tensor:
        return torch.full_like(self.normal(*shape), self.value)


@pytest.mark.parametrize("value", [0.0, 1 - 2.0**-53])
def test_extreme_uniforms_choose_a_possible_value(value: float) -> None:
    p = Categorical(torch.tensor([0.0, 0.5, 0.5, 0.0], dtype=torch.float64).log())
    assert p.sample(Fixed(value)).item() == (1 if value == 0 else 2)
    assert Bernoulli(torch.tensor([-1e3, 1e3])).sample(Fixed(value)).tolist() == [[[0, 1]]]


def restricted_by_hand(probs: list[float], temperature: float, k: int, top_p: float) -> list[float]:
    """Probabilities to the power 1 / temperature, of the first k, of the fewest with top_p."""
    powers = [each ** (1 / temperature) for each in probs]
    order = sorted(range(len(probs)), key=lambda v: -powers[v])[: k or None]
    total = sum(powers[v] for v in order)
    kept, mass = [], 0.0
    for v in order:
        if mass < top_p or not kept:
            kept.append(v)
        mass += powers[v] / total
    norm = sum(powers[v] for v in kept)
    return [powers[v] / norm if v in kept else 0.0 for v in range(len(probs))]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("k", [0, 1, 3, 9])
@pytest.mark.parametrize("top_p", [0.01, 0.6, 0.95, 1.0])
def test_restricted_categorical_agrees_with_a_loop(
    temperature: float, k: int, top_p: float
) -> None:
    p = categorical(4, 6)
    found = p.restricted(temperature, k, top_p).log_p.exp()
    expected = [restricted_by_hand(row, temperature, k, top_p) for row in p.mean.tolist()]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_bernoulli_agrees_with_torch() -> None:
    p, other = Bernoulli(3 * draw(4, 5)), Bernoulli(3 * draw(4, 5))
    x = (draw(7, 4, 5) > 0).double()
    theirs = TorchBernoulli(logits=p.logits)
    torch.testing.assert_close(p.log_prob(x), theirs.log_prob(x).sum(-1), **EXACT)
    expected = kl_divergence(theirs, TorchBernoulli(logits=other.logits))
    torch.testing.assert_close(p.kl(other), expected, **EXACT)
    torch.testing.assert_close(p.mean, theirs.mean, **EXACT)
    assert torch.equal(p.mode, theirs.mode)
    assert p.kl(categorical(5)) is None


def test_bernoulli_with_large_logits_stays_finite() -> None:
    p = Bernoulli(torch.tensor([[1e3, -1e3], [-1e3, 1e3]]))
    assert p.log_prob(torch.tensor([1.0, 0.0])).tolist() == [0.0, -2000.0]
    other = Bernoulli(p.logits.flip(0))
    kl = p.kl(other)
    assert kl is not None
    torch.testing.assert_close(kl, torch.full((2, 2), 1000.0))


def test_bernoulli_samples_have_their_probabilities() -> None:
    p = Bernoulli(draw(2, 5))
    x = p.sample(KeyedNoise(0, torch.arange(2), range(SAMPLES), torch.float64).at("x"))
    assert x.shape == (SAMPLES, 2, 5) and set(x.unique().tolist()) == {0.0, 1.0}
    error = (p.mean * (1 - p.mean) / SAMPLES).sqrt()
    assert bool(((x.mean(0) - p.mean).abs() < 4 * error).all())


def test_temperature_of_a_bernoulli_divides_its_logits() -> None:
    p = Bernoulli(draw(2, 5))
    powers = torch.stack([1 - p.mean, p.mean]) ** (1 / 0.7)
    torch.testing.assert_close(p.restricted(temperature=0.7).mean, powers[1] / powers.sum(0))
    with pytest.raises(ValueError, match=r"top_p=0\.5: a Bernoulli .* set top_p=1"):
        p.restricted(top_p=0.5)


def test_mixture_agrees_with_torch() -> None:
    p = mixture(4)
    x = 3 * draw(7, 4, 2)
    theirs = torch_mixture(p)
    torch.testing.assert_close(p.log_prob(x), theirs.log_prob(x), **EXACT)
    torch.testing.assert_close(p.mean, theirs.mean, **EXACT)
    assert p.kl(Gaussian(draw(4, 2), draw(4, 2))) is None


def test_mixture_samples_have_its_moments_and_components() -> None:
    p = mixture(2)
    x = p.sample(KeyedNoise(0, torch.arange(2), range(SAMPLES), torch.float64).at("x"))
    theirs = torch_mixture(p)
    error = theirs.variance.sqrt() / SAMPLES**0.5
    assert bool(((x.mean(0) - theirs.mean).abs() < 4 * error).all())
    product = (x - theirs.mean)[..., 0] * (x - theirs.mean)[..., 1]
    centred = p.means - theirs.mean[:, None]
    covariance = (p.log_weights.exp() * centred[..., 0] * centred[..., 1]).sum(-1)
    error = product.std(0) / SAMPLES**0.5
    assert bool(((product.mean(0) - covariance).abs() < 4 * error).all())
    # far apart and narrow, so that the component of a draw shows
    apart = GaussianMixture(p.log_weights, 100.0 * torch.arange(3)[:, None].double(), p.log_vars)
    x = apart.sample(KeyedNoise(0, torch.arange(2), range(SAMPLES), torch.float64).at("x"))
    share = (x[..., 0, None] / 100).round().eq(torch.arange(3)).double().mean(0)
    expected = p.log_weights.exp()
    error = (expected * (1 - expected) / SAMPLES).sqrt()
    assert bool(((share - expected).abs() < 4 * error).all())


def test_the_component_of_a_mixture_is_independent_of_the_draw_within_it() -> None:
    zeros = torch.zeros(2, 1, dtype=torch.float64)
    means = torch.tensor([[-100.0], [100.0]], dtype=torch.float64)
    p = GaussianMixture(torch.full((2,), math.log(0.5)).double(), means, zeros)
    x = p.sample(KeyedNoise(0, torch.arange(1), range(SAMPLES), torch.float64).at("x"))
    sign = x.sign()
    assert abs(((x - 100 * sign) * sign).mean()) < 4 / SAMPLES**0.5


def test_temperature_of_a_mixture_is_that_of_its_components() -> None:
    p = mixture(4)
    cooler = p.restricted(temperature=0.5)
    torch.testing.assert_close(cooler.log_vars, p.log_vars + 2 * math.log(0.5))
    assert torch.equal(cooler.means, p.means) and torch.equal(cooler.log_weights, p.log_weights)
    with pytest.raises(ValueError, match="top_k=2: a GaussianMixture"):
        p.restricted(top_k=2)


KINDS: dict[str, tuple[Distribution, Tensor]] = {
    "gaussian": (Gaussian(draw(4, 2), draw(4, 2)), draw(7, 2)),
    "gaussian map": (Gaussian(draw(4, 3, 2), draw(4, 3, 2)), draw(7, 3, 2)),
    "mixture": (mixture(4), draw(7, 2)),
    "mixture map": (mixture(4, 3), draw(7, 3, 2)),
    "categorical": (categorical(4, 6), torch.randint(6, (7,))),
    "categorical map": (categorical(4, 3, 6), torch.randint(6, (7, 3))),
    "bernoulli": (Bernoulli(draw(4, 2)), (draw(7, 2) > 0).double()),
    "bernoulli map": (Bernoulli(draw(4, 3, 2)), (draw(7, 3, 2) > 0).double()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_densities_of_all_pairs_are_those_of_single_ones(kind: str) -> None:
    p, x = KINDS[kind]
    found = p.log_prob_of_all(x)
    assert found.shape == (7, 4)
    for m, n in product(range(7), range(4)):
        single = p.map(lambda parameter, n=n: parameter[n]).log_prob(x[m]).sum()
        torch.testing.assert_close(found[m, n], single, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_distributions_are_expanded_mapped_and_stacked(kind: str) -> None:
    p, x = KINDS[kind]
    positions = x.shape[1 : x.dim() - p.event]
    wide = p.expand(5, 4, *positions)
    for other in (wide.map(lambda parameter: parameter[2]), type(p).stack([p, p], 1)):
        assert type(other) is type(p)
    torch.testing.assert_close(
        wide.map(lambda parameter: parameter[2]).log_prob(x[:4]), p.log_prob(x[:4])
    )
    both = type(p).stack([p, p], 1).map(lambda parameter: parameter[:, 1])
    torch.testing.assert_close(both.log_prob(x[:4]), p.log_prob(x[:4]))
