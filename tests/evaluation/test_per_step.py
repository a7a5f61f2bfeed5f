"""Nats per step, and the bounds by the number of samples."""

import math
from dataclasses import asdict

import numpy as np
import pytest
import torch
from toys.step import ToyVRNN

from vaetext.data.domain import Real
from vaetext.data.loader import Split
from vaetext.evaluation.by_samples import grouped
from vaetext.evaluation.metrics import Evaluation, evaluate
from vaetext.evaluation.scoring import filtered, score
from vaetext.models.base import SequenceModel
from vaetext.report.columns import columns
from vaetext.report.rows import Row

CPU = torch.device("cpu")
LENGTHS = (3, 9, 1, 5)


@pytest.fixture
def model() -> SequenceModel:
    torch.manual_seed(1)
    return ToyVRNN(ToyVRNN.Config(), Real(2, 9)).eval()


@pytest.fixture
def split() -> Split:
    rng = np.random.default_rng(0)
    return Split.of([rng.normal(size=(n, 2)).astype(np.float32) for n in LENGTHS])


@pytest.fixture
def found(model: SequenceModel, split: Split) -> Evaluation:
    return evaluate(model, split, seed=3, samples=6, batch_tokens=64, device=CPU)


def test_figures_per_step_are_total_nats_over_total_steps(found: Evaluation) -> None:
    scores = found.scores
    totals = {
        "neg_elbo": -sum(scores.elbo.tolist()),
        "iw_nll": -sum(math.log(sum(map(math.exp, w)) / 6) for w in scores.log_weight.T.tolist()),
        "fivo_nll": -sum(scores.fivo.tolist()) if scores.fivo is not None else math.nan,
    }
    for name, total in totals.items():
        value = getattr(found.results, f"{name}_per_step")
        assert value == pytest.approx(total / sum(LENGTHS), rel=1e-9)
        means = getattr(found.results, name) / np.mean(LENGTHS)
        assert value == pytest.approx(means, rel=1e-9)


def test_tables_show_figures_per_step_with_their_k(found: Evaluation) -> None:
    shown = columns(asdict(found.results))
    expected = ["-ELBO per step", "IW-NLL(6) per step", "FIVO-NLL(6) per step", "prior z"]
    assert [title for title in shown if "per step" in title or "prior" in title] == expected
    assert shown["prior z"] == found.results.prior_rec_increase["z"]


def test_a_row_without_a_latent_has_its_exact_nll_as_every_bound() -> None:
    row = Row("rnn", "jsb")
    row.add({"-ELBO": 100.0, "-ELBO per step": 2.0})
    assert row.values("FIVO-NLL(128) per step") == row.values("IW-NLL(50) per step") == [2.0]
    assert row.values("FIVO-NLL(128)") == [100.0]


def test_bounds_by_k_are_those_of_passes_with_that_k(
    found: Evaluation, model: SequenceModel, split: Split
) -> None:
    by_samples = found.results.by_samples
    assert by_samples is not None
    assert by_samples.samples == [1, 2, 4, 6] and by_samples.sequences == 4
    assert by_samples.steps == sum(LENGTHS)
    for samples, value in zip(by_samples.samples, by_samples.fivo_nll, strict=True):
        expected = -filtered(model, split, 3, samples, 4096, CPU).sum().item()
        assert value == pytest.approx(expected / sum(LENGTHS), rel=1e-6)
    assert by_samples.fivo_nll[-1] == pytest.approx(found.results.fivo_nll_per_step)
    assert by_samples.iw_nll[-1] == pytest.approx(found.results.iw_nll_per_step)
    assert by_samples.neg_elbo == pytest.approx(found.results.neg_elbo_per_step)


def test_the_estimate_of_k_weights_is_a_mean_over_groups() -> None:
    weights = torch.tensor([[1.0], [3.0], [2.0], [6.0], [100.0]]).log()
    assert grouped(weights, 2).item() == pytest.approx((math.log(2) + math.log(4)) / 2)
    assert grouped(weights, 5).item() == pytest.approx(math.log(112 / 5))
    assert grouped(weights, 1).item() == pytest.approx(float(weights.mean()))


def test_particles_are_apart_from_samples(model: SequenceModel, split: Split) -> None:
    alone = score(model, split, seed=3, samples=1, particles=6, batch_tokens=64, device=CPU)
    both = score(model, split, seed=3, samples=6, batch_tokens=4096, device=CPU)
    none = score(model, split, seed=3, samples=6, particles=0, batch_tokens=64, device=CPU)
    assert alone.particles == both.particles == 6
    torch.testing.assert_close(alone.fivo, both.fivo)
    assert none.fivo is None and alone.log_weight.shape == (1, 4)
