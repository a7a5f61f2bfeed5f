"""A model of another package is found, configured, trained and sampled from like our own."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import run_cli, run_cli_apart
from hydra.core.config_store import ConfigStore

from vaetext.config.plugins import plugin_schemas

MODEL = '''
from dataclasses import dataclass

import torch
from torch import nn

from vaetext.config.model import Model
from vaetext.config.options import option
from vaetext.data.domain import Symbols
from vaetext.distributions.categorical import Categorical
from vaetext.models.base import SequenceModel


@dataclass
class Config(Model):
    """One table of log-probabilities."""

    start: float = option(0.0, "every logit at first", min=-1.0)


class Unigram(SequenceModel):
    """log p(x) = sum_t log p(x_t)."""

    Config = Config
    domains = (Symbols,)
    reads_inputs = False

    def __init__(self, config, domain):
        super().__init__(domain)
        self.logits = nn.Parameter(torch.full((domain.size,), config.start))

    def encode(self, batch, carried=None):
        return None

    def sample(self, encoded, noise, enumerate=False):
        return {}

    def log_px(self, batch, z, noise):
        log_p = Categorical(self.logits.log_softmax(0)).log_prob(batch.x)
        return (log_p * batch.mask).sum(1).expand(noise.samples, -1)

    def sample_prior(self, noise, given):
        return {}

    def start(self, z, noise):
        return {"log_p": self.logits.log_softmax(0).expand(noise.samples, noise.rows, -1)}

    def emit(self, state, noise):
        return Categorical(state["log_p"]), state

    def advance(self, state, x):
        return state
'''
METADATA = "Metadata-Version: 2.1\nName: unigram\nVersion: 1.0\n"
YAML = """# one table of probabilities
defaults: [/schema/model/unigram@_here_, _self_]

name: unigram
"""
INSTALLED = {
    "unigram/__init__.py": MODEL,
    "unigram/conf/model/unigram.yaml": YAML,
    "unigram-1.0.dist-info/METADATA": METADATA,
    "unigram-1.0.dist-info/entry_points.txt": "[vaetext.models]\nunigram = unigram:Unigram\n",
}
SIZES = ["data.train_size=40", "data.valid_size=10", "data.test_size=10"]


def install(folder: Path, files: dict[str, str]) -> dict[str, str]:
    """Writes a package as pip would; the environment in which it is found."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


def test_a_model_with_a_yaml_of_the_users_own_trains(tmp_path: Path) -> None:
    own = {"own/model/mine.yaml": YAML.replace("name: unigram", "name: unigram\nstart: 0.5")}
    environment = install(tmp_path, {**INSTALLED, **own})
    train = ["train", "--config-dir", "own", "model=mine", "trainer=debug", *SIZES]
    trained = run_cli_apart(*train, folder=tmp_path, environment=environment)
    assert trained.status == 0, trained.error
    assert "NLL" in trained.output
    saved = tmp_path / "outputs/grammar/unigram/latest/.hydra/config.yaml"
    assert "start: 0.5" in saved.read_text()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, whose packages this process finds until the test ends."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    plugin_schemas.cache_clear()
    yield tmp_path
    plugin_schemas.cache_clear()
    sys.modules.pop("unigram", None)
    ConfigStore.instance().repo["schema"]["model"].pop("unigram.yaml", None)


def test_a_model_of_another_package_is_in_help_and_completion(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(here, INSTALLED)
    shown = run_cli("train", "model=unigram", "--help").output
    assert "\n  unigram     one table of probabilities\n" in shown
    assert "model.start=0.0 " in shown
    monkeypatch.setenv("COMP_LINE", "vaetext train model=u")
    assert run_cli("-sc", "query=bash").output.split() == ["model=unigram"]


def test_the_options_of_a_model_of_another_package_are_checked(here: Path) -> None:
    install(here, INSTALLED)
    wrong = run_cli("train model=unigram model.start=-2")
    assert wrong.status == 1
    assert "error: model.start=-2.0 is out of range" in wrong.error


def test_what_a_model_of_another_package_declares_is_heeded(here: Path) -> None:
    install(here, INSTALLED)
    train = ["train", "model=unigram", "trainer=debug", *SIZES]
    assert run_cli(*train).status == 0
    latest = "outputs/grammar/unigram/latest"
    for more in ([], ["beam=3"], ["greedy=true"]):
        sampled = run_cli("sample", latest, "n=2", "max_length=5", *more)
        assert sampled.status == 0, sampled.error
        assert len(sampled.output.splitlines()) == 2
    frames = run_cli(*train, "data=sine-continuous", "data.noise=0.1")
    assert frames.status == 1
    message = "model=unigram: it takes data of kind symbols; this data set is of kind real"
    assert message in frames.error
    dropped = run_cli(*train, "trainer.word_dropout=0.1")
    assert "unigram's decoder takes no token inputs" in dropped.error


@pytest.mark.parametrize(
    ("text", "changed", "why"),
    [
        ("    Config = Config\n", "", "AttributeError"),
        ("class Config(Model)", "class Config", "TypeError: its Config must be"),
    ],
)
def test_a_broken_model_of_another_package_breaks_no_other(
    here: Path, caplog: pytest.LogCaptureFixture, text: str, changed: str, why: str
) -> None:
    install(here, {**INSTALLED, "unigram/__init__.py": MODEL.replace(text, changed)})
    ours = run_cli("train --cfg job")
    assert ours.status == 0
    assert "name: vrae" in ours.output
    assert f"model unigram of unigram:Unigram is left out: {why}" in caplog.text
    theirs = run_cli("train model=unigram")
    assert theirs.status == 1
    assert theirs.error.startswith("error: model/unigram.yaml: unknown model unigram; install the")
