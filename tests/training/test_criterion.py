"""The bound that is trained on chooses the weights, and is named wherever it is shown."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small import CPU, lines
from toys.step import ToyVRNN

from vaetext.config.models.rnnlm import RNNLM
from vaetext.config.models.vrae import VRAE
from vaetext.config.trainer import Trainer
from vaetext.data.domain import Real, Symbols
from vaetext.data.loader import Split
from vaetext.evaluation.metrics import importance_nll
from vaetext.evaluation.scoring import score
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build
from vaetext.runs import checkpoint
from vaetext.training.criterion import criterion
from vaetext.training.loop import Training

DOMAIN = Real(2, 9)


def splits() -> dict[str, Split]:
    rng = np.random.default_rng(0)
    drawn = [rng.normal(size=(n, 2)).astype(np.float32) for n in (4, 9, 6, 7, 3, 5)]
    return {"train": Split.of(drawn), "valid": Split.of(drawn[:4])}


def training(folder: Path, **options: Any) -> Training:
    torch.manual_seed(1)
    given = {"epochs": 2, "batch_size": 3, "lr": 0.01, "beta_schedule": "constant", **options}
    return Training(
        Trainer(**given), ToyVRNN(ToyVRNN.Config(), DOMAIN), splits(), folder, CPU, seed=1
    )


@pytest.mark.parametrize(
    ("bound", "name", "title"), [("iwae", "iw", "IW-NLL(5)"), ("fivo", "fivo", "FIVO-NLL(5)")]
)
def test_the_trained_bound_chooses_the_weights(
    bound: str, name: str, title: str, tmp_path: Path
) -> None:
    run = training(tmp_path, bound=bound, samples=5)
    state = run.fit()
    valid = [line for line in lines(tmp_path) if line["split"] == "valid"]
    bounds = [line[f"{name}_nll"] for line in valid]
    assert [line[f"{name}_samples"] for line in valid] == [5, 5]
    assert state.best == min(bounds) and state.best_epoch == bounds.index(min(bounds))
    saved = checkpoint.load(tmp_path / "checkpoints/best.safetensors", CPU)[1]
    assert saved == {"epoch": state.best_epoch, title: state.best}
    scores = score(
        run.model, splits()["valid"], seed=1, samples=5, batch_tokens=4096, device=CPU, codes=False
    )
    assert scores.fivo is not None
    expected = {"iw": scores.log_weight.logsumexp(0) - np.log(5), "fivo": scores.fivo}[name]
    assert bounds[-1] == pytest.approx(-expected.mean().item(), rel=1e-6)
    assert all(abs(line["neg_elbo"] - line[f"{name}_nll"]) > 1e-3 for line in valid)


def test_a_worse_trained_bound_is_not_chosen_for_its_elbo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = training(tmp_path, bound="fivo", samples=2)
    pairs = iter([(10.0, 5.0), (9.0, 6.0)])  # -ELBO, FIVO-NLL

    def validate() -> dict[str, Any]:
        neg_elbo, fivo = next(pairs)
        return {"rec": 1.0, "kl": {"z": 1.0}, "ppl": None, "neg_elbo": neg_elbo, "fivo_nll": fivo}

    monkeypatch.setattr(run, "validate", validate)
    state = run.fit()
    assert (state.best_epoch, state.best) == (0, 5.0)


def test_an_early_stop_names_the_bound(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vaetext")
    training(tmp_path, bound="fivo", samples=2, epochs=60, patience=1, lr=1.0).fit()
    assert "valid FIVO-NLL(2) has not improved for 1 epochs" in caplog.text


def test_another_bound_chooses_again_once_a_run_is_resumed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    training(tmp_path, bound="iwae", samples=2).fit()
    again = training(tmp_path, bound="iwae", samples=3, epochs=3)
    again.restore()
    assert (
        "the best weights were chosen by IW-NLL(2): now IW-NLL(3) chooses, from the next epoch on"
        in caplog.text
    )
    assert again.state.best is None
    assert again.fit().best_epoch == 2


@pytest.mark.parametrize("bound", ["elbo", "iwae", "fivo"])
def test_of_a_model_without_a_latent_the_exact_nll_chooses(bound: str, tmp_path: Path) -> None:
    sentences = [[2 + n % 4, 3 + n % 3, 2 + n % 5, 1][n % 3 :] for n in range(12)]
    data = {"train": Split.of(sentences), "valid": Split.of(sentences[:4])}
    config = RNNLM(name="rnnlm", embedding_dim=5, hidden_dim=6)
    model = build(config, Symbols(8, 1, 0, 9))
    options = Trainer(epochs=1, bound=bound, samples=4, beta_schedule="constant")
    run = Training(options, model, data, tmp_path, CPU, seed=1)
    assert run.criterion.key == "neg_elbo"
    state = run.fit()
    (valid,) = [line for line in lines(tmp_path) if line["split"] == "valid"]
    assert valid.keys() == {"epoch", "split", "step", "rec", "kl", "neg_elbo", "ppl", "seconds"}
    assert state.best == valid["neg_elbo"] == pytest.approx(valid["rec"])
    json.dumps(valid)


def test_with_one_sample_every_bound_is_the_elbo(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    training(tmp_path, bound="fivo", epochs=1).fit()
    assert "trainer.bound=fivo: with trainer.samples=1 it is the ELBO" in caplog.text
    model: SequenceModel = ToyVRNN(ToyVRNN.Config(), DOMAIN)
    for bound in ("elbo", "iwae", "fivo"):
        config = Trainer(bound=bound, samples=1, beta_schedule="constant")
        assert criterion(config, model).title == "-ELBO"


def test_two_particles_are_importance_sampling(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    training(tmp_path, bound="fivo", samples=3, epochs=1).fit()
    assert "nothing is ever resampled" not in caplog.text
    run = training(tmp_path / "two", bound="fivo", samples=2, epochs=1)
    run.fit()
    assert "with trainer.samples=2 nothing is ever resampled" in caplog.text
    found = score(
        run.model, run.splits["valid"], seed=1, samples=2, batch_tokens=64, device=CPU, particles=2
    )
    assert found.fivo is not None
    torch.testing.assert_close(-found.fivo, importance_nll(found.log_weight), rtol=1e-5, atol=1e-5)


def test_a_model_without_a_filter_is_refused_before_training(tmp_path: Path) -> None:
    config = VRAE(name="vrae", embedding_dim=5, hidden_dim=6, latent_dim=2)
    vrae = build(config, Symbols(8, 1, 0, 9))
    options = Trainer(bound="fivo", samples=4, beta_schedule="constant")
    with pytest.raises(ValueError, match=r"trainer\.bound=fivo: vrae has no latent per step"):
        Training(options, vrae, splits(), tmp_path, CPU, seed=1)
