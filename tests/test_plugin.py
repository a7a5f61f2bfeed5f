"""A model from another package, installed as any package is: found, configured, trained and sampled from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODEL = '''
from dataclasses import dataclass

import torch
from torch import nn

from vaetext.config.options import option
from vaetext.config.model import Model
from vaetext.models.base import Generator, SequenceModel


@dataclass
class Config(Model):
    """One table of log-probabilities."""

    start: float = option(0.0, "every logit at first", min=-1.0)


class Unigram(SequenceModel, Generator):
    """log p(x) = sum_t log p(x_t)."""

    Config = Config

    def __init__(self, config, symbols):
        super().__init__(symbols)
        self.logits = nn.Parameter(torch.full((symbols.size,), config.start))

    def posterior(self, batch):
        return None

    def sample(self, posterior, noise):
        return {}

    def log_px(self, batch, codes):
        return (self.logits.log_softmax(0)[batch.x] * batch.mask).sum(1)[None]

    def sample_prior(self, noise):
        return {}

    def start(self, codes, rows):
        return None

    def step(self, state, token):
        return self.logits.log_softmax(0).expand(len(token), -1), state

    def select(self, state, index):
        return state
'''


def vaetext(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, "-m", "vaetext", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def install(folder: Path, model: str = MODEL) -> None:
    """Writes the package as pip would, and a yaml for ``--config-dir``."""
    files = {
        "unigram.py": model,
        "unigram-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: unigram\nVersion: 1.0\n",
        "unigram-1.0.dist-info/entry_points.txt": "[vaetext.models]\nunigram = unigram:Unigram\n",
        "conf/model/unigram.yaml": "# my own\n"
        "defaults: [/schema/model/unigram@_here_, _self_]\n\nname: unigram\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_a_model_with_a_yaml_of_the_users_own_trains(tmp_path: Path) -> None:
    install(tmp_path)
    sizes = ["data.train_size=40", "data.valid_size=10", "data.test_size=10"]
    train = ["train", "--config-dir", "conf", "model=unigram", "trainer=debug", *sizes]
    trained = vaetext(tmp_path, *train)
    assert trained.returncode == 0, trained.stderr
    assert "NLL" in trained.stdout


def test_the_options_of_a_model_of_another_package_are_checked(tmp_path: Path) -> None:
    install(tmp_path)
    wrong = vaetext(tmp_path, "train", "--config-dir", "conf", "model=unigram", "model.start=-2")
    assert wrong.returncode == 1
    assert "model.start=-2.0 is out of range" in wrong.stderr


@pytest.mark.parametrize(
    ("text", "changed", "why"),
    [
        ("    Config = Config\n", "", "AttributeError"),
        ("class Config(Model)", "class Config", "TypeError: its Config must be"),
    ],
)
def test_a_broken_model_of_another_package_breaks_no_other(
    tmp_path: Path, text: str, changed: str, why: str
) -> None:
    install(tmp_path, MODEL.replace(text, changed))
    ours = vaetext(tmp_path, "train", "--cfg", "job")
    assert ours.returncode == 0
    assert "name: vrae" in ours.stdout
    assert f"model unigram of unigram:Unigram is left out: {why}" in ours.stderr


def test_a_broken_model_of_another_package_is_unknown(tmp_path: Path) -> None:
    install(tmp_path, MODEL.replace("    Config = Config\n", ""))
    theirs = vaetext(tmp_path, "train", "--config-dir", "conf", "model=unigram")
    assert theirs.returncode == 1
    assert (
        "error: model/unigram.yaml: unknown model unigram; install the package that provides it"
        in theirs.stderr
    )
