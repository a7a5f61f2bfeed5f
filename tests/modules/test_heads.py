"""The output layers compared with torch's own distributions, in float64."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Independent, MixtureSameFamily, Normal
from torch.nn.functional import softplus

from vaetext.data.batch import Batch
from vaetext.data.domain import Binary, Domain, Real, Symbols
from vaetext.data.loader import Split, collate
from vaetext.distributions.noise import KeyedNoise
from vaetext.modules.heads import (
    BernoulliHead,
    GaussianFrameHead,
    Head,
    MixtureFrameHead,
    SoftmaxHead,
    make_head,
)

FEATURES = 4
LENGTHS = (3, 1, 5)
TOKENS = Symbols(size=5, eos=1, unk=0, longest=3)
REAL = Real(size=2, longest=5)
BINARY = Binary(size=2, longest=5)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def frames(domain: Domain) -> Batch:
    rng = np.random.default_rng(0)
    curves = [rng.normal(size=(length, 2)) for length in LENGTHS]
    if isinstance(domain, Binary):
        curves = [(curve > 0).astype(float) for curve in curves]
    return collate(Split.of(curves), np.arange(3), domain)


def checked(head: Head, theirs: Any, h: Tensor, batch: Batch) -> None:
    """``log_prob`` and the distribution agree with torch's ``theirs`` [K, B, T]."""
    expected = (theirs.log_prob(batch.x) * batch.mask).sum(-1)
    torch.testing.assert_close(head.log_prob(h, batch), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(head(h).mean, theirs.mean, rtol=1e-12, atol=1e-12)


def test_gaussian_frames_agree_with_torch() -> None:
    head = GaussianFrameHead(REAL, FEATURES).double()
    h = draw(2, 3, 5, FEATURES)
    mean, raw = head.linear(h).chunk(2, -1)
    checked(head, Independent(Normal(mean, softplus(raw) + 1e-4), 1), h, frames(REAL))


def test_mixtures_of_frames_agree_with_torch() -> None:
    head = MixtureFrameHead(REAL, FEATURES).double()
    h = draw(2, 3, 5, FEATURES)
    numbers = head.linear(h)
    assert numbers.shape[-1] == 20 + 2 * 20 * 2
    means = numbers[..., 20:60].reshape(2, 3, 5, 20, 2)
    deviations = softplus(numbers[..., 60:].reshape(2, 3, 5, 20, 2)) + 1e-4
    components = Independent(Normal(means, deviations), 1)
    theirs = MixtureSameFamily(Categorical(logits=numbers[..., :20]), components)
    checked(head, theirs, h, frames(REAL))


def test_binary_frames_agree_with_torch() -> None:
    head = BernoulliHead(BINARY, FEATURES).double()
    h = draw(2, 3, 5, FEATURES)
    theirs = Independent(Bernoulli(logits=head.linear(h)), 1)
    checked(head, theirs, h, frames(BINARY))


@torch.no_grad()
def test_probabilities_of_all_binary_sequences_sum_to_one() -> None:
    domain = Binary(size=3, longest=2)
    rows = list(product(product((0.0, 1.0), repeat=3), repeat=2))
    x = torch.tensor(rows, dtype=torch.float64)
    batch = Batch(x, torch.full((64,), 2), torch.arange(64), domain)
    head = BernoulliHead(domain, FEATURES).double()
    h = 3 * draw(1, 1, 2, FEATURES).expand(1, 64, 2, FEATURES)
    total = head.log_prob(h, batch).exp().sum()
    torch.testing.assert_close(total, torch.ones_like(total), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [GaussianFrameHead, MixtureFrameHead])
def test_the_standard_deviation_of_frames_has_a_floor(kind: type[Head]) -> None:
    head = kind(Real(1, 5), FEATURES)
    torch.nn.init.constant_(head.linear.bias, -1e4)
    p = head(torch.zeros(1, FEATURES))
    log_var = p.log_var if kind is GaussianFrameHead else p.log_vars
    torch.testing.assert_close((0.5 * log_var).exp(), torch.full_like(log_var, 1e-4))


@pytest.mark.parametrize("tied", [False, True])
def test_softmax_agrees_with_torch_and_ends_at_the_limit(tied: bool) -> None:
    batch = collate(Split.of([[2, 3, 1], [1]]), np.arange(2), TOKENS)
    head = SoftmaxHead(TOKENS, FEATURES, tied).double()
    given = draw(5, FEATURES) if tied else None
    weight = given if given is not None else head.weight
    assert weight is not None and (head.weight is None) == tied
    h = draw(3, 2, 3, FEATURES)
    log_p = (h @ weight.T + head.bias).log_softmax(-1)
    chosen = log_p.gather(3, batch.x.expand(3, -1, -1)[..., None])[..., 0] * batch.mask
    torch.testing.assert_close(head.log_prob(h, batch, weight=given), chosen.sum(2))
    limited = head.log_prob(h, batch, limit=3, weight=given)
    torch.testing.assert_close(limited, chosen[:, :, :2].sum(2))
    torch.testing.assert_close(head(h, weight=given).log_p, log_p)
    last = head(h, last=True, weight=given)
    assert (last.log_p.exp() == torch.tensor([0.0, 1, 0, 0, 0])).all()


@pytest.mark.parametrize("domain", [TOKENS, REAL, BINARY], ids=lambda domain: domain.kind)
def test_every_head_that_fits_gives_draws_of_the_domain(domain: Domain) -> None:
    for name in (None, *domain.heads):
        head = make_head(domain, FEATURES, name)
        p = head(torch.randn(2, 3, FEATURES))
        noise = KeyedNoise(0, torch.arange(3), range(2)).at("x")
        drawn = p.sample(noise)
        assert drawn.shape == (2, 3, *(2,) * domain.event)
        assert p.log_prob(drawn).shape == (2, 3)
        assert drawn.dtype == domain.start(torch.zeros(1), 1).dtype


def test_a_head_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^model\.head=gauss: real data take gaussian, gmm; set"):
        make_head(REAL, FEATURES, "gauss")
    with pytest.raises(ValueError, match=r"^model\.head=gaussian: binary data take bernoulli"):
        make_head(BINARY, FEATURES, "gaussian")
    with pytest.raises(ValueError, match=r"^model\.tied=true: only the embedding of tokens"):
        make_head(REAL, FEATURES, tied=True)


def test_frames_are_decoded_in_full_precision_under_autocast() -> None:
    head = GaussianFrameHead(REAL, FEATURES)
    h = torch.randn(2, 3, FEATURES)
    with torch.autocast("cpu", torch.bfloat16):
        rough = head(h)
    assert torch.equal(rough.mean, head(h).mean)
