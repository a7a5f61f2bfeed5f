"""Every data set has a schema, a module and a yaml, and is found by its name."""

from pathlib import Path

import pytest

from vaetext import conf
from vaetext.config.data import DATA, Data, TextData
from vaetext.data import corpora, sets


def test_every_schema_has_a_module_and_a_yaml() -> None:
    modules = {path.stem for path in Path(sets.__path__[0]).glob("*.py")} - {"__init__"}
    configs = {path.stem for path in Path(conf.__path__[0], "data").glob("*.yaml")}
    assert modules == {name.replace("-", "_") for name in DATA}
    assert configs == set(DATA)


def test_an_unknown_name_gets_the_known_ones_and_a_suggestion() -> None:
    with pytest.raises(
        ValueError, match=r"'ptp' is unknown; choose from ptb, .*did you mean 'ptb'"
    ):
        corpora.load(TextData(name="ptp"))
    with pytest.raises(ValueError, match="'' is unknown"):
        corpora.load(Data(name=""))


def test_a_name_with_the_options_of_another_data_set_is_refused() -> None:
    with pytest.raises(ValueError, match=r"data\.name=grammar: .* set data=grammar"):
        corpora.load(TextData(name="grammar"))
