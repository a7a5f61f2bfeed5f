"""Tiny models and tiny runs, made in one way by every test that needs one."""

from functools import cache
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from vaetext.config.model import Latent
from vaetext.config.models import MODELS
from vaetext.config.saved import config_text
from vaetext.config.store import typed
from vaetext.config.train import TrainConfig
from vaetext.data import tokenizer as tokenizers
from vaetext.data.domain import Symbols
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build
from vaetext.runs.compose import compose_verb
from vaetext.runs.layout import CONFIG
from vaetext.runs.run import Run

CPU = torch.device("cpu")
LINES = ["the cat sat on the mat", "a dog ran", "the dog sat", "a cat ran on the mat"]
SIZES = ("model.embedding_dim=3", "model.hidden_dim=4", "trainer.threads=1")
GRAMMAR = ("data.train_size=40", "data.valid_size=20", "data.test_size=20")


@cache
def tokenizer() -> tokenizers.Tokenizer:
    """The words of ``LINES``."""
    return tokenizers.train(LINES, "word", 0, 1)


def tiny_model(name: str = "vrae", **options: Any) -> SequenceModel:
    """A model of sentences of at most 30 words, always with the same weights."""
    torch.manual_seed(0)
    config: Any = MODELS[name](name=name, embedding_dim=5, hidden_dim=6, **options)  # type: ignore[call-arg]
    if isinstance(config, Latent) and "latent_dim" not in options:
        config.latent_dim = 3
    words = tokenizer()
    return build(config, Symbols(words.size, words.eos, words.unk, 30)).eval()


def tiny_run(name: str = "vrae", folder: Path = Path("run"), **options: Any) -> Run:
    """A run of a tiny model that was never trained."""
    config: Any = None
    return Run(folder, config, tokenizer(), tiny_model(name, **options), CPU, epoch=0, seed=0)


@cache
def composed(*overrides: str) -> DictConfig:
    """The configuration of ``vaetext train`` with these overrides."""
    return compose_verb("train", list(overrides), [])


def begin(folder: Path, *overrides: str) -> Path:
    """A run folder with a configuration, in which no run has begun."""
    config = composed("trainer=debug", *SIZES, *overrides)
    (folder / CONFIG).parent.mkdir(parents=True)
    (folder / CONFIG).write_text(config_text(typed(config, TrainConfig)))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
