"""Every model at its full size on every data set trains, scores and samples.

Real corpora with every model are slow tests; the fast suite trains one model on each.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_module
from omegaconf import DictConfig, OmegaConf

from vaetext.config.decoding import DecodingOptions
from vaetext.config.store import register
from vaetext.config.trainer import Trainer
from vaetext.data import corpora
from vaetext.data.batch import Batch
from vaetext.data.corpora import Corpus
from vaetext.data.loader import Split, collate
from vaetext.distributions.noise import FreshNoise
from vaetext.evaluation.decoding import generate
from vaetext.evaluation.scoring import score
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build, find
from vaetext.objectives.objective import Objective

CONF = Path(__file__).parents[1] / "conf"
CPU = torch.device("cpu")
MODELS = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))
EMBEDDED = {
    "grammar": ["data=grammar", "data.train_size=100"],
    "sine": ["data=sine"],
    "sine-continuous": ["data=sine-continuous"],
    "text": ["data=text"],
    "frames": ["data=frames"],
}
REAL = {
    "ptb": ["data=ptb"],
    "yelp13-small": ["data=yelp13-small"],
    "tweets-char": ["data=tweets-char"],
    "tweets-140": ["data=tweets-char", "data.max_chars=140"],
    "jsb": ["data=pianoroll"],
    "fsdd": ["data=speech", "data.corpus=fsdd"],
    "mnist": ["data=mnist"],
}


@cache
def composed(*overrides: str) -> DictConfig:
    """The configuration of ``train``; composing takes long, so each is made once."""
    register()
    with initialize_config_module("vaetext.conf", version_base="1.3"):
        return compose("train", overrides=list(overrides))


@cache
def corpus(*overrides: str) -> Corpus:
    return corpora.load(OmegaConf.to_object(composed(*overrides).data))  # type: ignore[arg-type]


def make(name: str, data: Corpus) -> SequenceModel:
    torch.manual_seed(0)
    config = OmegaConf.to_object(composed(f"model={name}").model)
    return build(config, data.domain)  # type: ignore[arg-type]


def with_longest(split: Split) -> np.ndarray:
    """The numbers of the first two sequences and of the two longest."""
    longest = np.argsort(split.lengths)[-2:]
    return np.array([0, 1, *longest])


def check_training(model: SequenceModel, batch: Batch) -> None:
    """One batch's loss and gradients are finite."""
    objective = Objective(Trainer(), model)
    evidence = objective.evidence(model, batch, FreshNoise(1, len(batch), CPU))
    loss = objective(evidence, dict.fromkeys(model.latent_names, 1.0)).loss
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.isfinite()
    assert all(each.grad.isfinite().all() for each in model.parameters() if each.grad is not None)


def check_evaluation(model: SequenceModel, split: Split) -> None:
    """The bounds of three sequences are finite."""
    few = Split.of([split[n] for n in range(3)])
    scores = score(model, few, seed=0, samples=2, batch_tokens=4096, device=CPU)
    assert scores.elbo.isfinite().all()


def check_sampling(model: SequenceModel, data: Corpus) -> None:
    """Two short sequences from the prior are texts."""
    model.eval()
    z = {name: each[0] for name, each in model.sample_prior(FreshNoise(1, 2, CPU), {}).items()}
    sequences = generate(model, z, 2, DecodingOptions(max_length=3))
    assert [0 < len(sequence) <= 3 for sequence in sequences] == [True, True]
    assert all(isinstance(data.format.decode(sequence), str) for sequence in sequences)


def check(name: str, data: Corpus) -> None:
    """A model trains, scores and samples, or refuses data of a kind that it does not take."""
    if not isinstance(data.domain, find(name).domains):
        with pytest.raises(ValueError, match=f"model={name}: it takes data of kind"):
            make(name, data)
        return
    model = make(name, data)
    train = data.splits["train"].epoch(0, 0)
    check_training(model, collate(train, with_longest(train), data.domain))
    check_evaluation(model, data.splits["test"])
    check_sampling(model, data)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("data", EMBEDDED)
def test_a_model_runs_on_embedded_data(
    model: str, data: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    overrides = EMBEDDED[data]
    folder = tmp_path_factory.getbasetemp()
    if data == "text":
        (folder / "own.txt").write_text("the cat sat\na dog ran away\n" * 30)
        overrides = [*overrides, f"data.train={folder / 'own.txt'}"]
    if data == "frames":
        bits = np.random.default_rng(0).integers(2, size=(80, 4, 3))
        np.savez(folder / "own.npz", **{str(n): each for n, each in enumerate(bits)})
        overrides = [*overrides, f"data.train={folder / 'own.npz'}"]
    check(model, corpus(*overrides))


@pytest.mark.parametrize("data", REAL)
def test_a_real_corpus_trains_three_batches(
    data: str, real_data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAETEXT_DATA", real_data)
    loaded = corpus(*REAL[data])
    model = make("vrae", loaded)
    train = loaded.splits["train"]
    for rows in (np.arange(4), np.arange(4, 8), with_longest(train)):
        check_training(model, collate(train, rows, loaded.domain))


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("data", REAL)
def test_a_model_runs_on_real_data(
    model: str, data: str, real_data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAETEXT_DATA", real_data)
    check(model, corpus(*REAL[data]))
