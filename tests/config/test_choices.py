"""Names of a model, a data set and a trainer are those of the options chosen."""

from pathlib import Path

import pytest

from vaetext.runs.compose import compose


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["data=yelp13", "data.name=yelp13-small"],
            r"^data.name=yelp13-small: the options are those of data=yelp13; set"
            r" data=yelp13-small \(data.label",
        ),
        (
            ["experiment=yelp13/vrae", "data.name=yelp13-small"],
            "options are those of data=yelp13; set",
        ),
        (
            ["trainer=paper", "trainer.name=default"],
            "^trainer.name=default: the options are those of trainer=paper; set trainer=default",
        ),
    ],
)
def test_the_name_of_other_options_is_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compose(overrides)


def test_yaml_of_ones_own_may_name_a_data_set_and_a_new_trainer(tmp_path: Path) -> None:
    for group, base, lines in (
        ("data", "ptb", "label: mine"),
        ("model", "vrae", "latent_dim: 3"),
        ("trainer", "paper", "name: mine"),
    ):
        (tmp_path / group).mkdir()
        (tmp_path / group / "mine.yaml").write_text(f"defaults: [{base}, _self_]\n{lines}\n")
    overrides = ["data=mine", "model=mine", "trainer=mine"]
    config = compose(overrides, config_dir=tmp_path)
    assert (config.data.name, config.model.name, config.trainer.name) == ("ptb", "vrae", "mine")
    assert compose(["trainer=paper", "trainer.name=slow"]).trainer.name == "slow"
    with pytest.raises(ValueError, match=r"are those of trainer=mine; .*\(name: mine in mine.yaml"):
        compose([*overrides, "trainer.name=paper"], config_dir=tmp_path)
