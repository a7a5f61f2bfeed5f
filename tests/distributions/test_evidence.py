"""Samples of latents, averages and bounds compared with sums written out by hand."""

import math

import pytest
import torch
from torch import Tensor

from vaetext.distributions.bernoulli import Bernoulli
from vaetext.distributions.categorical import Categorical
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.gaussian import Gaussian, standard
from vaetext.distributions.latent import LatentSample
from vaetext.distributions.mixture import GaussianMixture
from vaetext.distributions.noise import KeyedNoise

K, B, P, D = 3, 2, 4, 5
EXACT = {"rtol": 1e-12, "atol": 1e-12}
MASK = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]], dtype=torch.bool)[None]


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def noise() -> KeyedNoise:
    return KeyedNoise(0, torch.arange(B), range(K), torch.float64)


def vector() -> LatentSample:
    q = Gaussian(draw(B, D), draw(B, D))
    return LatentSample(q.sample(noise().at("z")), q, standard(q.mean, D))


def of_map(mask: Tensor | None = MASK, p: Distribution | None = None) -> LatentSample:
    """A latent with P positions, of which the first sequence has two."""
    q = Gaussian(draw(B, P, D), draw(B, P, D))
    z = q.sample(noise().at("z"), P)
    return LatentSample(z, q, p or standard(z, D), mask, ("position",))


def test_densities_and_kl_of_a_vector_by_hand() -> None:
    sample = vector()
    assert sample.axes == ("dimension",)
    assert sample.kl.shape == (K, B, D)
    for k in range(K):
        for b in range(B):
            mean, std = sample.q.mean[b], (0.5 * sample.q.log_var[b]).exp()
            normal = torch.distributions.Normal(mean, std)
            z = sample.z[k, b]
            torch.testing.assert_close(sample.log_q[k, b], normal.log_prob(z).sum(), **EXACT)
            other = torch.distributions.Normal(torch.zeros(D).double(), 1.0)
            torch.testing.assert_close(sample.log_p[k, b], other.log_prob(z).sum(), **EXACT)
            kl = torch.distributions.kl_divergence(normal, other)
            torch.testing.assert_close(sample.kl[k, b], kl, **EXACT)
            torch.testing.assert_close(sample.total_kl[k, b], kl.sum(), **EXACT)


@pytest.mark.parametrize("mask", [None, MASK, MASK.double() * 0.25])
def test_masked_positions_count_by_their_weight(mask: Tensor | None) -> None:
    sample = of_map(mask)
    weight = torch.ones(1, B, P, dtype=torch.float64) if mask is None else mask.double()
    assert sample.axes == ("position", "dimension")
    log_q = torch.zeros(K, B, dtype=torch.float64)
    log_p = torch.zeros_like(log_q)
    kl = torch.zeros(K, B, P, D, dtype=torch.float64)
    for position in range(P):
        q = sample.q.map(lambda parameter, n=position: parameter[:, n])
        z = sample.z[:, :, position]
        log_q += weight[:, :, position] * q.log_prob(z)
        log_p += weight[:, :, position] * sample.p.log_prob(z)
        analytic = q.kl(sample.p)
        assert analytic is not None
        kl[:, :, position] = weight[:, :, position, None] * analytic
    torch.testing.assert_close(sample.log_q, log_q, **EXACT)
    torch.testing.assert_close(sample.log_p, log_p, **EXACT)
    torch.testing.assert_close(sample.kl, kl, **EXACT)
    torch.testing.assert_close(sample.total_kl, kl.sum((2, 3)), **EXACT)


def test_a_kl_without_closed_form_is_that_of_the_sample_and_has_no_dimensions() -> None:
    p = GaussianMixture(draw(3).log_softmax(-1), draw(3, D), draw(3, D))
    sample = of_map(MASK, p)
    assert sample.axes == ("position",)
    expected = (sample.q.log_prob(sample.z) - p.log_prob(sample.z)) * MASK
    torch.testing.assert_close(sample.kl, expected, **EXACT)
    torch.testing.assert_close(sample.total_kl, sample.log_q - sample.log_p, **EXACT)


@pytest.mark.parametrize("positions", [(), (P,)])
def test_discrete_latents_have_densities_and_a_kl_in_closed_form(
    positions: tuple[int, ...],
) -> None:
    q = Categorical(draw(B, *positions, 6).log_softmax(-1))
    p = Categorical(draw(6).log_softmax(-1))
    z = q.sample(noise().at("z"), *positions)
    sample = LatentSample(z, q, p, positions=("position",) * len(positions))
    assert sample.z.shape == sample.kl.shape == (K, B, *positions)
    assert sample.axes == ("position",) * len(positions)
    chosen = p.log_p[z]
    torch.testing.assert_close(sample.log_p, chosen.flatten(2).sum(2) if positions else chosen)
    expected = (q.mean * (q.log_p - p.log_p)).sum(-1).expand(K, B, *positions)
    torch.testing.assert_close(sample.kl, expected, **EXACT)
    bits = Bernoulli(draw(B, *positions, D))
    binary = LatentSample(
        bits.sample(noise().at("z"), *positions), bits, Bernoulli(draw(D)), None, sample.positions
    )
    assert binary.axes == (*sample.axes, "dimension")
    assert binary.log_q.shape == binary.total_kl.shape == (K, B)


def test_elbo_and_weights_by_hand() -> None:
    latents = {"z": vector(), "map": of_map()}
    log_px = draw(K, B)
    evidence = Evidence(log_px, latents, aux={"other": draw(K, B)})
    elbo, weight = log_px.clone(), log_px.clone()
    for sample in latents.values():
        elbo -= sample.total_kl
        weight += sample.log_p - sample.log_q
    torch.testing.assert_close(evidence.elbo, elbo, **EXACT)
    torch.testing.assert_close(evidence.log_weight, weight, **EXACT)
    torch.testing.assert_close(evidence.log_likelihood, weight.exp().mean(0).log(), **EXACT)


def test_without_latents_everything_is_log_p() -> None:
    evidence = Evidence(draw(1, B))
    for term in (evidence.elbo, evidence.log_weight):
        assert torch.equal(term, evidence.log_px)
    torch.testing.assert_close(evidence.log_likelihood, evidence.log_px[0], **EXACT)


def test_the_estimate_of_a_filter_replaces_the_average_of_weights() -> None:
    estimate = draw(B)
    assert torch.equal(Evidence(draw(K, B), estimate=estimate).log_likelihood, estimate)


@pytest.mark.parametrize("shape", [(), (P,), (P, D)])
def test_average_over_samples_is_uniform_or_by_their_shares(shape: tuple[int, ...]) -> None:
    term = draw(6, B, *shape)
    uniform = Evidence(draw(6, B)).average(term)
    torch.testing.assert_close(uniform, sum(term[k] for k in range(6)) / 6, **EXACT)
    # three values, two samples of each: k = 3 sample + value
    log_q = draw(B, 3).log_softmax(-1)
    share = torch.cat([log_q.T, log_q.T]) - math.log(2)
    found = Evidence(draw(6, B), log_share=share).average(term)
    for b in range(B):
        expected = sum(log_q[b, k % 3].exp() / 2 * term[k, b] for k in range(6))
        torch.testing.assert_close(found[b], expected, **EXACT)


def test_likelihood_of_enumerated_values_is_the_sum_over_them() -> None:
    # p(x) = sum_v p(v) p(x|v), exactly, whatever q is
    q = Categorical(draw(B, 3).log_softmax(-1))
    p = Categorical(draw(3).log_softmax(-1))
    values = torch.arange(3).repeat(2)[:, None].expand(6, B)
    log_px_given = draw(3, B)
    log_px = log_px_given.repeat(2, 1)
    sample = LatentSample(values, q, p)
    evidence = Evidence(log_px, {"v": sample}, log_share=sample.log_q - math.log(2))
    expected = (p.log_p[:, None] + log_px_given).exp().sum(0).log()
    torch.testing.assert_close(evidence.log_likelihood, expected, **EXACT)
