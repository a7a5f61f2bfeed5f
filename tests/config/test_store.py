"""Every yaml of ``conf/`` composes, to a typed and checked configuration."""

from dataclasses import asdict, fields
from functools import cache
from pathlib import Path

import pytest
import yaml

from vaetext.config.groups import group_options
from vaetext.config.store import schemas, typed
from vaetext.config.table import SCALES, Table
from vaetext.config.train import TrainConfig
from vaetext.config.verbs import VERBS
from vaetext.report.columns import ORDER, kind
from vaetext.runs.compose import compose_verb

CONF = Path(__file__).parents[2] / "conf"
GROUPS = (
    "model",
    "data",
    "trainer",
    "experiment",
    "table",
    "trainer_for_data",
    "trainer_for_model",
)
FILES = [(group, name) for group in GROUPS for name in group_options(group)]
OF_TRAINING = [(group, name) for group, name in FILES if group in VERBS["train"].groups]


@cache
def config(*overrides: str) -> TrainConfig:
    return typed(compose_verb("train", list(overrides), []), TrainConfig)


@cache
def tables(name: str) -> dict[str, Table]:
    composed = compose_verb("reproduce", [f"table={name}"], [])
    found: dict[str, Table] = typed(composed, VERBS["reproduce"].schema).tables
    return found


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_composes(verb: str) -> None:
    schema = VERBS[verb].schema
    overrides = ["run=x"] if "run" in VERBS[verb].operands else []
    assert type(typed(compose_verb(verb, overrides, []), schema)) is schema


def test_every_operand_is_an_option_of_its_verb() -> None:
    for verb in VERBS.values():
        assert set(verb.operands) <= {item.name for item in fields(verb.schema)}


@pytest.mark.parametrize(("group", "name"), OF_TRAINING)
def test_every_option_of_training_composes(group: str, name: str) -> None:
    composed = config(f"{group}={name}")
    assert group == "experiment" or getattr(composed, group).name == name


@pytest.mark.parametrize(("group", "name"), FILES)
def test_every_option_begins_with_a_line_about_itself(group: str, name: str) -> None:
    lines = (CONF / group / f"{name}.yaml").read_text().splitlines()
    assert [line for line in lines[:2] if line.startswith("# ") and "@" not in line]
    assert group_options(group)[name]


@pytest.mark.parametrize(
    ("group", "name", "other"),
    [
        *(("data", name, "ptb") for name in group_options("trainer_for_data")),
        *(("model", name, "vrae") for name in group_options("trainer_for_model")),
    ],
)
def test_a_trainer_has_other_options_for_one_data_set_or_model(
    group: str, name: str, other: str
) -> None:
    option, trainer = name.split("/")
    options = yaml.safe_load((CONF / f"trainer_for_{group}" / f"{name}.yaml").read_text()).items()
    assert options <= asdict(config(f"trainer={trainer}", f"{group}={option}").trainer).items()
    assert not options <= asdict(config(f"trainer={trainer}", f"{group}={other}").trainer).items()
    assert not options <= asdict(config("trainer=paper", f"{group}={option}").trainer).items()


@pytest.mark.parametrize("name", group_options("experiment"))
def test_an_experiment_holds_only_what_differs_from_defaults(name: str) -> None:
    experiment = yaml.safe_load((CONF / "experiment" / f"{name}.yaml").read_text())
    chosen = []
    for item in experiment["defaults"]:
        if isinstance(item, dict):
            ((key, option),) = item.items()
            chosen.append(f"{key.removeprefix('override /')}={option}")
        elif item != "_self_":
            chosen.append(f"experiment={item}")
    defaults = asdict(config(*chosen))
    for group in ("model", "data", "trainer"):
        for key, value in experiment.get(group, {}).items():
            assert defaults[group][key] != value, f"{group}.{key}={value} is the default"


def test_every_table_is_among_all() -> None:
    single = {name for name in group_options("table") if name in tables(name)}
    assert set(tables("all")) == single
    assert {"all", "pianoroll", "speech"} == set(group_options("table")) - single


@pytest.mark.parametrize(("name", "table"), tables("all").items())
def test_every_row_and_scale_of_a_table_composes(name: str, table: Table) -> None:
    assert table.name == name
    assert set(table.scales) == set(SCALES)
    assert len(table.rows_of("small")) == 2
    rows = [row["overrides"] for row in table.rows]
    runs = [[*row, *table.scales["full"]] for row in rows]
    runs += [[*rows[0], *scale] for scale in table.scales.values()]
    assert all(config(*overrides).trainer.epochs >= 1 for overrides in runs)


@pytest.mark.parametrize("table", tables("all").values(), ids=lambda table: table.name)
def test_published_results_have_a_column_of_ours(table: Table) -> None:
    published = {kind(key) for row in table.rows for key in row.get("published", {})}
    known = {*ORDER, "I", "mean", "other"}  # the last three are latent-seq's own
    assert published | set(table.columns) <= known


@pytest.mark.parametrize("table", tables("all").values(), ids=lambda table: table.name)
def test_figures_are_of_rows_of_the_table(table: Table) -> None:
    names = {row["name"] for row in table.rows}
    assert all({"title", "row", "file"} == set(each) for each in table.figures)
    assert all(each["row"] in names for each in table.figures)


def test_every_option_has_help() -> None:
    for _, name, schema in schemas():
        for item in fields(schema):
            assert item.metadata.get("help"), f"{name}: {item.name}"


def test_models_and_data_sets_have_a_schema_a_yaml_and_the_same_name() -> None:
    for group in ("model", "data"):
        assert set(group_options(group)) == {name for kind, name, _ in schemas() if kind == group}


def test_an_experiment_wins_over_defaults_and_an_override_over_both() -> None:
    assert type(config("model=rnnlm").model).__name__ == "RNNLM"
    paper = config("experiment=ptb/vrae")
    assert (paper.data.name, paper.trainer.name) == ("ptb", "paper")
    assert paper.trainer.halve_at == [10, 12, 14, 16, 18]
    assert config("experiment=ptb/vrae", "trainer.epochs=3").trainer.epochs == 3
