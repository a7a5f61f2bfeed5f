"""Every model at its own sizes on every data set: it loads, trains a step, scores and, where it can, is sampled from."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from vaetext.config.store import register
from vaetext.config.trainer import Trainer
from vaetext.data import corpora
from vaetext.data.corpora import Corpus
from vaetext.data.loader import Split, collate
from vaetext.distributions.noise import FreshNoise
from vaetext.evaluation.decoding import DecodingOptions, generate
from vaetext.evaluation.scoring import score
from vaetext.models.registry import build
from vaetext.objectives.loss import training_loss

CONF = Path(__file__).parents[1] / "conf"
CPU = torch.device("cpu")
MODELS = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))
EMBEDDED = {"grammar": ["data.train_size=100"], "sine": [], "sine-continuous": [], "text": []}
REAL = {"ptb": [], "yelp13-small": [], "tweets-char": [], "tweets-140": ["data.max_chars=140"]}


@cache
def corpus(name: str, text: Path | None) -> Corpus:
    overrides = {**EMBEDDED, **REAL}[name] + ([f"data.train={text}"] if name == "text" else [])
    with initialize_config_module("vaetext.conf", version_base="1.3"):
        register()
        config = compose(
            "train",
            overrides=[f"data={'tweets-char' if name == 'tweets-140' else name}", *overrides],
        )
    return corpora.load(OmegaConf.to_object(config.data))  # type: ignore[arg-type]


def run(model: str, data: Corpus) -> None:
    with initialize_config_module("vaetext.conf", version_base="1.3"):
        register()
        config = compose("train", overrides=[f"model={model}"])
    torch.manual_seed(0)
    built = build(OmegaConf.to_object(config.model), data.domain)  # type: ignore[arg-type]
    train = data.splits["train"].epoch(0, 0)
    longest = np.argsort(train.lengths)[-2:]
    batch = collate(train, np.array([0, 1, *longest]), data.domain)
    evidence = built.evidence(batch, FreshNoise(1, len(batch), CPU))
    loss = training_loss(evidence, Trainer(), [1.0] * len(built.latents))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.isfinite()
    test = data.splits["test"]
    few = Split.of([test[n] for n in range(3)])
    assert score(built, few, seed=0, samples=2, batch_tokens=4096, device=CPU).elbo.isfinite().all()
    drawn = built.sample_prior(FreshNoise(1, 2, CPU))
    built.eval()
    sequences = generate(
        built, {name: z[0] for name, z in drawn.items()}, 2, DecodingOptions(max_length=3)
    )
    assert all(
        0 < len(sequence) <= 3 and isinstance(data.tokenizer.decode(sequence), str)
        for sequence in sequences
    )


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("data", list(EMBEDDED))
def test_embedded_data(model: str, data: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    text = tmp_path_factory.getbasetemp() / "own.txt"
    text.write_text("the cat sat\na dog ran away\n" * 30)
    run(model, corpus(data, text if data == "text" else None))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("data", list(REAL))
def test_real_data(model: str, data: str, real_data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAETEXT_DATA", real_data)
    run(model, corpus(data, None))
