"""Which modules are trained, and on what: the data, or samples of the model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small import CPU, OPTIONS, resumed_after_kill, same, splits, training

from vaetext.config.models.cnn import CNN
from vaetext.config.models.rnnlm import RNNLM
from vaetext.config.models.vrae import VRAE
from vaetext.config.trainer import Trainer
from vaetext.data.domain import Real, Symbols
from vaetext.data.loader import Split
from vaetext.distributions.noise import FreshNoise
from vaetext.models.registry import build
from vaetext.training.batches import batches, sampled
from vaetext.training.loop import Training

FIT: dict[str, Any] = {"train_on": "samples", "train_modules": ["encoder", "head"]}


def test_modules_that_are_not_trained_keep_their_weights(tmp_path: Path) -> None:
    run = training(tmp_path, train_modules=["encoder.rnn", "head"], epochs=1)
    before = {name: each.clone() for name, each in run.model.state_dict().items()}
    run.fit()
    moved = {name for name, each in run.model.state_dict().items() if not each.equal(before[name])}
    assert moved == {name for name in before if name.startswith(("encoder.rnn.", "head."))}


def test_modules_that_are_not_trained_keep_their_running_statistics(tmp_path: Path) -> None:
    """Also where the pseudo-inputs of the prior are read by the encoder, some of which learns."""
    config = CNN(name="cnn", channels=[4, 4], prior="vamp", pseudo_length=3, components=2)
    model = build(config, Symbols(8, 1, 0, 9))
    trainer = Trainer(**{**OPTIONS, "train_modules": ["encoder.head", "deconvolution"]})
    run = Training(trainer, model, splits(), tmp_path, CPU, seed=1)
    before = {name: each.clone() for name, each in model.state_dict().items()}
    run.fit()
    moved = {name for name, each in model.state_dict().items() if not each.equal(before[name])}
    moved.remove("prior.inputs")  # which begin as training sentences
    assert moved == {name for name in before if name.startswith(("encoder.head.", "deconv"))}
    assert any(name.endswith("mean") for name in moved)


def test_modules_that_are_not_trained_are_without_dropout(tmp_path: Path) -> None:
    for rate in (0.0, 0.5):
        torch.manual_seed(1)
        config = VRAE(name="vrae", hidden_dim=6, latent_dim=2, dropout=rate, output_dropout=rate)
        trainer = Trainer(**OPTIONS, train_modules=["encoder", "head"])
        model = build(config, Symbols(8, 1, 0, 9))
        Training(trainer, model, splits(), tmp_path / str(rate), CPU, seed=1).fit()
    same(tmp_path / "0.0", tmp_path / "0.5")


def test_a_module_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"train_modules=.* has no module hed; .* mean 'head'"):
        training(tmp_path, train_modules=["hed"])
    with pytest.raises(ValueError, match="what is trained of this model has no module decoder"):
        training(tmp_path, train_modules=["head"], lr_scales={"decoder": 0.5})


def test_a_fit_to_samples_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    training(tmp_path / "whole", **FIT).fit()
    resumed_after_kill(training, tmp_path / "killed", 11, **FIT).fit()
    same(tmp_path / "whole", tmp_path / "killed")


def test_every_epoch_has_samples_of_its_own(tmp_path: Path) -> None:
    data = training(tmp_path, **FIT).data
    assert len(data.order(0)) == data.count
    first = data.split
    data.order(1)
    assert data.split.digest != first.digest
    data.order(0)
    assert data.split.digest == first.digest


def test_samples_are_of_the_model_and_end_with_eos(tmp_path: Path) -> None:
    """Frequencies of a first token are its probabilities under the prior."""
    run = training(tmp_path)
    model = run.model.train()
    found = sampled(model, splits()["train"], 3000).epoch(1, 0)
    assert model.training
    last = found.x[found.offsets[1:] - 1]
    assert 2900 < len(found) <= 3000
    assert (last == 1).all()
    first = np.bincount(found.x[found.offsets[:-1]], minlength=8) / len(found)
    expected = first_token(model.eval())
    error = 4 * np.sqrt(expected * (1 - expected) / len(found))
    assert (np.abs(first - expected) < error + 1e-3).all()


@torch.no_grad()
def first_token(model: Any) -> np.ndarray:
    """[V] E_p(z)[p(x_1|z)], over 20,000 draws of z."""
    torch.manual_seed(3)
    noise = FreshNoise(1, 20_000, CPU)
    given, _ = model.emit(model.start(model.sample_prior(noise, {}), noise), noise)
    log_p = [given.log_prob(torch.full((1, 20_000), token)) for token in range(8)]
    return torch.stack(log_p).exp().mean((1, 2)).numpy()


def test_samples_without_an_end_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaetext.evaluation.generation.sample", lambda *_: [[2, 3]])
    with pytest.raises(ValueError, match=r"none of 30 sentences .* trainer\.init_from=RUN"):
        training(tmp_path, **FIT).fit()


@pytest.mark.parametrize(
    ("config", "domain", "lengths", "segment", "message"),
    [
        (RNNLM(name="rnnlm"), Symbols(8, 1, 0, 9), [3, 4], 0, "rnnlm has no latent"),
        (VRAE(name="vrae"), Symbols(8, 1, 0, 9), [3, 4], 5, "set data.segment=0"),
        (VRAE(name="vrae"), Real(1, 9), [3, 4], 0, "differ in length"),
    ],
)
def test_what_cannot_be_sampled_is_refused(
    config: Any, domain: Any, lengths: list[int], segment: int, message: str
) -> None:
    frames = isinstance(domain, Real)
    split = Split.of([np.zeros((n, 1), np.float32) if frames else [2] * n for n in lengths])
    options = Trainer(**{**OPTIONS, **FIT})
    with pytest.raises(ValueError, match=message):
        batches(options, build(config, domain), split, 1, CPU, segment)


def test_samples_are_for_named_modules() -> None:
    with pytest.raises(ValueError, match=r"name the modules of q\(z\|x\) alone"):
        Trainer(train_on="samples")
