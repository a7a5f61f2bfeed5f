"""A saved configuration comes back typed, and can call nothing."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from vaetext.config.saved import config_text, flat, override_trainer, read_config, with_sum
from vaetext.config.store import typed
from vaetext.config.train import TrainConfig
from vaetext.runs.compose import compose_verb

COMPOSED = compose_verb("train", ["model.latent_dim=5", "trainer.betas=[0.8,0.9]"], [])
CONFIG = typed(COMPOSED, TrainConfig)


def write_summed(path: Path, text: str) -> Path:
    """A file whose checksum fits, as of somebody who means to send a hostile one."""
    path.write_text(with_sum(text))
    return path


@pytest.mark.parametrize(
    "overrides",
    [
        ["trainer.lr=1e-5", "trainer.min_improvement=0.1", "trainer.betas=[0.1,0.99999]"],
        ["data=text", "data.train='1e3'", "outputs='2026-11-25'", "sweep='null'"],
        [
            "data=text",
            "data.train='a: #b\\c'",
            "outputs='ü \"x\"'",
            "+trainer.latents.z.free_bits=2",
        ],
    ],
)
def test_a_saved_configuration_comes_back(tmp_path: Path, overrides: list[str]) -> None:
    config = typed(compose_verb("train", overrides, []), TrainConfig)
    (tmp_path / "config.yaml").write_text(config_text(config))
    assert asdict(read_config(tmp_path / "config.yaml")) == asdict(config)


def test_values_are_saved_in_place_of_references(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S", "1")
    overrides = ["seed=${oc.env:S}", "outputs=o_${now:%Y}", "model.hidden_dim=${trainer.epochs}"]
    config = typed(compose_verb("train", overrides, []), TrainConfig)
    path = tmp_path / "config.yaml"
    path.write_text(config_text(config))
    assert "${" not in path.read_text()
    monkeypatch.setenv("S", "2")
    assert read_config(path).seed == 1
    monkeypatch.delenv("S")
    assert asdict(read_config(path)) == asdict(config)


def test_a_value_that_would_be_read_as_a_reference_is_refused() -> None:
    composed = compose_verb("train", ["data=text", r"data.train='a\${b}.txt'"], [])
    with pytest.raises(ValueError, match=r"^data\.train='a\$\{b\}\.txt': a saved value cannot"):
        typed(composed, TrainConfig)


def test_a_configuration_that_is_not_as_it_was_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    text = config_text(CONFIG)
    lines = text.splitlines(keepends=True)
    shorter = ["".join(lines[:count]) for count in range(len(lines))]
    for changed in (*shorter, text[:-1], text.replace("seed: 0", "seed: 1"), "".join(lines[1:])):
        path.write_text(changed)
        with pytest.raises(ValueError, match="it is not as it was written") as raised:
            read_config(path)
        assert str(raised.value).startswith(str(path))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("latent_dim", "latent_size", "model.latent_size: vrae has no such option"),
        ("latent_dim: 5", "latent_dim: many", "model.latent_dim=many: must be an integer"),
        ("latent_dim: 5", "latent_dim: 0", "model.latent_dim=0 is out of range"),
        ("name: vrae", "name: other", "unknown model other; install the package"),
        ("name: grammar", "name: other", "'other' is unknown or missing"),
        ("outputs: outputs", "outputs: ${vaetext.claim:folder}", "saved value cannot contain ${"),
        ("outputs: outputs", "outputs: ${oc.env:HOME}", "saved value cannot contain ${"),
        ("outputs: outputs", "outputs: '\\\\${oc.env:HOME}'", "saved value cannot contain ${"),
        ("outputs: outputs", "'${oc.env:HOME}': outputs", "saved value cannot contain ${"),
        ("outputs: outputs", "outputs: !!python/object/apply:os.getcwd []", "not valid YAML"),
        ("model:", "model: [", "not valid YAML"),
    ],
)
def test_a_wrong_or_hostile_configuration_is_refused(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    text = config_text(CONFIG).partition("\n")[2]
    assert old in text
    path = write_summed(tmp_path / "config.yaml", text.replace(old, new, 1))
    with pytest.raises(ValueError, match="does not fit this version of vaetext: ") as raised:
        read_config(path)
    message = str(raised.value)
    assert words in message
    assert message.startswith(str(path))
    assert "\n" not in message


def test_an_empty_configuration_is_refused(tmp_path: Path) -> None:
    path = write_summed(tmp_path / "config.yaml", "")
    with pytest.raises(ValueError, match="it is empty or damaged"):
        read_config(path)


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
        ("name", "${oc.env:HOME}", "a saved value cannot contain"),
        ("latents", {"z": {"free_bits": "${oc.env:HOME}"}}, "a saved value cannot contain"),
    ],
)
def test_a_wrong_override_of_the_trainer_is_refused(key: str, value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        override_trainer(typed(COMPOSED, TrainConfig), {key: value})


def test_flat_keys_are_full_keys() -> None:
    assert flat({"a": {"b": 1, "c": {}}, "d": [2]}) == {"a.b": 1, "d": [2]}


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["data.name=xyz"], "data.name='xyz' is unknown; choose from ptb, "),
        (["data.name=ptb"], "data.name=ptb: the other options are those of another data set"),
        (["model.name=rnnlm"], "model.name=rnnlm: the other options are those of another model"),
        (["model.name=../../etc"], "model.name='../../etc' is unknown; choose from "),
        (["data.label=a/b"], "data.label='a/b' cannot name a folder"),
        (["data.label=.."], "data.label='..' cannot name a folder"),
    ],
)
def test_a_name_under_which_a_run_could_not_be_read_is_refused(
    overrides: list[str], words: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}"):
        typed(compose_verb("train", overrides, []), TrainConfig)


def test_a_label_is_the_name_unless_it_is_given(tmp_path: Path) -> None:
    labels = [
        typed(compose_verb("train", overrides, []), TrainConfig).data.label
        for overrides in (["data=sine"], ["data=text", "data.label=yelp-sent"])
    ]
    assert labels == ["sine", "yelp-sent"]
