"""Every yaml composes, saved configurations come back typed, and a run folder can call nothing."""

from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from vaetext.config.groups import group_options
from vaetext.config.saved import override_trainer, read_config
from vaetext.config.store import register, schemas, typed
from vaetext.config.train import TrainConfig
from vaetext.config.verbs import VERBS
from vaetext.report.columns import ORDER, kind

CONF = Path(__file__).parents[2] / "conf"
GROUPS = ("model", "data", "trainer", "experiment", "table")
OPTIONS = [(group, name) for group in GROUPS for name in group_options(group)]


@pytest.fixture(autouse=True)
def _hydra() -> Iterator[None]:
    register()
    with initialize_config_module("vaetext.conf", version_base="1.3"):
        yield


def config(*overrides: str) -> TrainConfig:
    return typed(compose("train", overrides=list(overrides)), TrainConfig)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_composes(verb: str) -> None:
    composed = compose(
        verb,
        overrides=["run=x"]
        if hasattr(VERBS[verb].schema, "checkpoint") or verb == "resume"
        else [],
    )
    assert isinstance(typed(composed, VERBS[verb].schema), VERBS[verb].schema)


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_every_option_composes(group: str, name: str) -> None:
    composed = (
        typed(compose("reproduce", overrides=[f"table={name}"]), VERBS["reproduce"].schema)
        if group == "table"
        else config(f"{group}={name}")
    )
    if group in ("model", "data", "trainer", "table"):
        assert getattr(composed, group).name == name


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_every_option_begins_with_a_line_about_itself(group: str, name: str) -> None:
    lines = (CONF / group / f"{name}.yaml").read_text().splitlines()
    assert [line for line in lines[:2] if line.startswith("# ") and "@" not in line]


@pytest.mark.parametrize("name", group_options("trainer_for_data"))
def test_a_trainer_has_other_options_on_one_data_set(name: str) -> None:
    data, trainer = name.split("/")
    options = yaml.safe_load((CONF / "trainer_for_data" / f"{name}.yaml").read_text()).items()
    assert options <= asdict(config(f"trainer={trainer}", f"data={data}").trainer).items()
    assert not options <= asdict(config(f"trainer={trainer}", "data=ptb").trainer).items()
    assert not options <= asdict(config("trainer=paper", f"data={data}").trainer).items()


@pytest.mark.parametrize("name", group_options("experiment"))
def test_an_experiment_holds_only_what_differs_from_defaults(name: str) -> None:
    experiment = yaml.safe_load((CONF / "experiment" / f"{name}.yaml").read_text())
    overrides = []
    for item in experiment["defaults"]:
        if isinstance(item, dict):
            overrides += [f"{key.split('/')[-1]}={value}" for key, value in item.items()]
        elif item != "_self_":
            overrides.append(f"experiment={item}")
    defaults = asdict(config(*overrides))
    for group in ("model", "data", "trainer"):
        for key, value in experiment.get(group, {}).items():
            assert defaults[group][key] != value, f"{group}.{key}={value} is the default"


@pytest.mark.parametrize("name", group_options("table"))
def test_every_row_and_scale_of_a_table_composes(name: str) -> None:
    table = compose("reproduce", overrides=[f"table={name}"]).table
    first, *scales = table.scales.values()
    runs = [[*row.overrides, *first] for row in table.rows]
    runs += [[*table.rows[0].overrides, *scale] for scale in scales]
    assert all(config(*overrides).trainer.epochs >= 1 for overrides in runs)


def test_what_is_published_has_a_column_of_ours() -> None:
    for path in CONF.glob("table/*.yaml"):
        table = compose("reproduce", overrides=[f"table={path.stem}"]).table
        assert {kind(name) for row in table.rows for name in row.get("published", {})} | set(
            table.columns
        ) <= set(ORDER)


def test_every_knob_is_documented() -> None:
    for _, name, schema in schemas():
        for item in fields(schema):  # type: ignore[arg-type]
            assert item.metadata.get("help"), f"{name}: {item.name}"


def test_values_are_typed_and_an_experiment_wins() -> None:
    assert type(config("model=rnnlm").model).__name__ == "RNNLM"
    paper = config("experiment=ptb/vrae")
    assert (paper.data.name, paper.trainer.name, paper.trainer.halve_at) == (
        "ptb",
        "paper",
        [10, 12, 14, 16, 18],
    )
    assert config("experiment=ptb/vrae", "trainer.epochs=3").trainer.epochs == 3


def test_a_saved_configuration_comes_back(tmp_path: Path) -> None:
    composed = compose("train", overrides=["model.latent_dim=5", "trainer.betas=[0.8,0.9]"])
    OmegaConf.save(composed, tmp_path / "config.yaml")
    assert asdict(read_config(tmp_path / "config.yaml")) == asdict(typed(composed, TrainConfig))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("latent_dim", "latent_size", "model.latent_size: vrae has no such option"),
        ("latent_dim: 16", "latent_dim: many", "model.latent_dim=many: must be an integer"),
        ("latent_dim: 16", "latent_dim: 0", "model.latent_dim=0"),
        ("name: vrae", "name: other", "other"),
        ("outputs: outputs", "outputs: ${vaetext.claim:folder}", "resolver"),
        ("outputs: outputs", "outputs: ${${a}:b}", "resolver"),
        ("outputs: outputs", "outputs: !!python/object/apply:os.getcwd []", "python"),
        ("model:", "model: [", ""),
    ],
)
def test_a_foreign_or_hostile_configuration_is_refused(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = tmp_path / "config.yaml"
    text = OmegaConf.to_yaml(compose("train"))
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match="does not fit this version") as raised:
        read_config(path)
    assert words in str(raised.value) and str(path) in str(raised.value)
    assert "full_key" not in str(raised.value)


def test_the_trainer_of_a_run_can_be_overridden() -> None:
    assert override_trainer(config(), {"epochs": 30, "lr": 0.5}).trainer.epochs == 30
    for overrides, words in (
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"epochs": "many"}, "trainer.epochs"),
        ({"lr": -1}, "trainer.lr=-1"),
    ):
        with pytest.raises(ValueError, match=words):
            override_trainer(config(), overrides)
