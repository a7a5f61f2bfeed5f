"""A saved configuration comes back typed, and can call nothing."""

from dataclasses import asdict
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from vaetext.config.saved import flat, override_trainer, read_config
from vaetext.config.store import typed
from vaetext.config.train import TrainConfig
from vaetext.runs.compose import compose_verb

COMPOSED = compose_verb("train", ["model.latent_dim=5", "trainer.betas=[0.8,0.9]"], [])


def test_a_saved_configuration_comes_back(tmp_path: Path) -> None:
    OmegaConf.save(COMPOSED, tmp_path / "config.yaml")
    assert asdict(read_config(tmp_path / "config.yaml")) == asdict(typed(COMPOSED, TrainConfig))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("latent_dim", "latent_size", "model.latent_size: vrae has no such option"),
        ("latent_dim: 5", "latent_dim: many", "model.latent_dim=many: must be an integer"),
        ("latent_dim: 5", "latent_dim: 0", "model.latent_dim=0 is out of range"),
        ("name: vrae", "name: other", "unknown model other; install the package"),
        ("name: grammar", "name: other", "'other' is unknown or missing"),
        ("outputs: outputs", "outputs: ${vaetext.claim:folder}", "calls a resolver"),
        ("outputs: outputs", "outputs: ${${a}:b}", "calls a resolver"),
        ("outputs: outputs", "outputs: !!python/object/apply:os.getcwd []", "not valid YAML"),
        ("model:", "model: [", "not valid YAML"),
    ],
)
def test_a_wrong_or_hostile_configuration_is_refused(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = tmp_path / "config.yaml"
    text = OmegaConf.to_yaml(COMPOSED)
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match="does not fit this version of vaetext: ") as raised:
        read_config(path)
    message = str(raised.value)
    assert words in message
    assert message.startswith(str(path))
    assert "\n" not in message


def test_an_empty_configuration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()
    with pytest.raises(ValueError, match="it is empty or damaged"):
        read_config(tmp_path / "config.yaml")


def test_options_of_the_trainer_can_be_overridden() -> None:
    config = typed(COMPOSED, TrainConfig)
    changed = override_trainer(config, {"epochs": 30, "lr": 0.5}).trainer
    assert (changed.epochs, changed.lr) == (30, 0.5)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("epoch", 3, "trainer.epoch: no such option; did you mean 'epochs'"),
        ("epochs", "many", "trainer.epochs=many: must be an integer"),
        ("lr", -1, "trainer.lr=-1.0 is out of range"),
    ],
)
def test_a_wrong_override_of_the_trainer_is_refused(key: str, value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        override_trainer(typed(COMPOSED, TrainConfig), {key: value})


def test_flat_keys_are_full_keys() -> None:
    assert flat({"a": {"b": 1, "c": {}}, "d": [2]}) == {"a.b": 1, "d": [2]}
