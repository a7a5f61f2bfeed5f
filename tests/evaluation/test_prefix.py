"""Sequences that begin with a prefix, where p(x_t | x_<t) is known."""

import itertools

import numpy as np
import pytest
import torch
from toys.chain import SIZE, TABLES, Chain
from toys.linear import EMISSION, LOG_Q, LOG_R, TRANSITION, LinearGaussian
from toys.step import ToySRNN, ToyVRNN

from vaetext.config.decoding import DecodingOptions
from vaetext.config.models import MODELS
from vaetext.config.models.cnn import CNN
from vaetext.config.models.vrae import VRAE
from vaetext.data.domain import Binary, Symbols
from vaetext.distributions.noise import MeanNoise
from vaetext.evaluation.decoding import GREEDY
from vaetext.evaluation.generation import sample
from vaetext.evaluation.prefix import Prefix
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build, find

PREFIX = (2, 0, 3, 2)


def after(table: int, tokens: tuple[int, ...]) -> tuple[float, list[float]]:
    """p(tokens | z) of the chain, and the distribution of the token after them."""
    total = 1.0
    for before, now in itertools.pairwise((SIZE, *tokens)):
        table = 1 - table if before == 3 else table
        total *= TABLES[table][before][now]
    return total, TABLES[1 - table if tokens[-1] == 3 else table][tokens[-1]]


def test_the_next_token_has_its_distribution_given_the_prefix() -> None:
    n = 2000
    options = DecodingOptions(max_length=len(PREFIX) + 1)
    drawn = sample(Chain(), n, 0, options, prefix=Prefix(PREFIX, particles=200))
    assert all(tuple(each[:-1]) == PREFIX for each in drawn)
    (one, first), (other, second) = (after(table, PREFIX) for table in (0, 1))
    share = one / (one + other)
    assert abs(share - 0.5) > 0.1 and abs(share - 0.7) > 0.1  # neither prior nor q
    for token, ps in enumerate(zip(first, second, strict=True)):
        p = share * ps[0] + (1 - share) * ps[1]
        found = sum(each[-1] == token for each in drawn) / n
        assert abs(found - p) < 4 * (p * (1 - p) / n) ** 0.5 + 1e-9


@pytest.mark.usefixtures("float64")
def test_the_next_frame_has_its_distribution_given_the_prefix() -> None:
    n = 1000
    x = np.array([[1.0, -1.0], [2.0, 0.5], [1.5, 1.0]])
    options = DecodingOptions(max_length=len(x) + 1)
    drawn = sample(LinearGaussian(), n, 0, options, prefix=Prefix(torch.tensor(x)))
    next_frames = torch.tensor(np.stack([each[-1] for each in drawn]))
    mean, cov = predicted(torch.tensor(x))
    error = (cov.diagonal() / n).sqrt()
    assert bool(((next_frames.mean(0) - mean).abs() < 4 * error).all())
    deviations = (next_frames - mean) @ torch.linalg.inv(torch.linalg.cholesky(cov)).T
    assert bool(((deviations.T @ deviations / n - torch.eye(2)).abs() < 4 * (2 / n) ** 0.5).all())


@torch.no_grad()
@pytest.mark.parametrize("seed", [6, 28])
def test_a_latent_vector_has_its_posterior_given_the_prefix(seed: int) -> None:
    """p(x_4 | x_<4) of a VRAE with z in one dimension, by quadrature; q of seed 28 is far off."""
    torch.manual_seed(seed)
    config = VRAE(name="vrae", embedding_dim=4, hidden_dim=8, latent_dim=1, prior="standard")
    model = build(config, Symbols(5, 1, 0, 9)).eval()
    for parameter in model.parameters():
        parameter *= 8
    grid = torch.linspace(-6, 6, 2001)[:, None, None]
    share = -(grid**2).flatten() / 2
    noise = MeanNoise(1, torch.device("cpu"), samples=len(grid))
    state = model.start({"z": grid}, noise)
    for token in (2, 3, 2):
        p, state = model.emit(state, noise)
        share = share + p.log_p[:, 0, token]  # type: ignore[attr-defined]
        state = model.advance(state, torch.full((len(grid), 1), token))
    nexts = model.emit(state, noise)[0].log_p[:, 0].exp()  # type: ignore[attr-defined]
    exact = share.softmax(0) @ nexts
    from_prior = (-(grid**2).flatten() / 2).softmax(0) @ nexts
    assert (exact - from_prior).abs().max() > 0.3
    n = 500
    drawn = sample(
        model, n, 0, DecodingOptions(max_length=4), prefix=Prefix([2, 3, 2], particles=200)
    )
    found = torch.bincount(torch.tensor([each[3] for each in drawn]), minlength=5) / n
    assert bool(((found - exact).abs() < 4 * (exact * (1 - exact) / n).sqrt() + 5e-3).all())


def predicted(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and covariance of x_{t+1} given x_<=t, by the Kalman filter."""
    q, r = torch.diag(LOG_Q.exp()), torch.diag(LOG_R.exp())
    mean, cov = torch.zeros(2), q
    for x_t in x:
        gain = cov @ EMISSION.T @ torch.linalg.inv(EMISSION @ cov @ EMISSION.T + r)
        mean = TRANSITION @ (mean + gain @ (x_t - EMISSION @ mean))
        cov = TRANSITION @ (cov - gain @ EMISSION @ cov) @ TRANSITION.T + q
    return EMISSION @ mean, EMISSION @ cov @ EMISSION.T + r


def cnn() -> SequenceModel:
    sizes = {"embedding_dim": 5, "latent_dim": 3, "channels": [4], "output_channels": 4}
    return build(CNN(name="cnn", **sizes), Symbols(12, 1, 0, 30)).eval()  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in MODELS if Symbols in find(name).domains])
def test_every_model_of_text_continues_a_beginning(name: str) -> None:
    torch.manual_seed(0)
    model = build(MODELS[name](name=name), Symbols(12, 1, 0, 30)).eval()  # type: ignore[call-arg]
    prefix = Prefix([4, 2, 3], particles=5)
    drawn = sample(model, 6, 1, DecodingOptions(max_length=9), prefix=prefix)
    assert all(each[:3] == [4, 2, 3] and 4 <= len(each) <= 9 for each in drawn)
    assert len({tuple(each) for each in drawn}) > 1
    assert drawn[:2] == sample(model, 2, 1, DecodingOptions(max_length=9), prefix=prefix)
    for options in (GREEDY, DecodingOptions(beam=2)):
        assert sample(model, 1, 1, options, prefix=prefix)[0][:3] == [4, 2, 3]


@pytest.mark.parametrize(
    "model",
    [
        ToyVRNN(ToyVRNN.Config(), Binary(3, 7)),
        ToySRNN(ToySRNN.Config(smoothing=True), Binary(3, 7)),
    ],
    ids=["filtering", "smoothing"],
)
def test_a_latent_per_step_goes_on_after_the_prefix(model: SequenceModel) -> None:
    frames = np.array([[1, 0, 0], [1, 1, 0]], dtype=np.float32)
    drawn = sample(model, 4, 1, prefix=Prefix(frames, particles=5))
    assert [each.shape for each in drawn] == [(9, 3)] * 4
    assert all((each[:2] == frames).all() for each in drawn)
    assert len({each.tobytes() for each in drawn}) == 4
    again = sample(model, 2, 1, prefix=Prefix(frames, particles=5))
    assert all((a == b).all() for a, b in zip(again, drawn[:2], strict=True))


@pytest.mark.parametrize(
    ("x", "more", "message"),
    [
        ([], {}, "prefix: it is empty"),
        ([2] * 5, {"max_length": 5}, "prefix: it has 5 steps, and max_length=5 counts them too"),
        ([2] * 30, {}, "model.max_length=30 of this run counts them"),
        ([2], {"hold": "z"}, "hold=z: .* given the prefix"),
    ],
)
def test_a_prefix_that_does_not_fit_is_refused(x: list[int], more: dict, message: str) -> None:  # type: ignore[type-arg]
    options = DecodingOptions(max_length=more.get("max_length", 0))
    with pytest.raises(ValueError, match=message):
        sample(cnn(), 1, 0, options, more.get("hold"), prefix=Prefix(x))
