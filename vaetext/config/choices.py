"""Whether the names of a model, a data set and a trainer are those of the options chosen."""

from collections.abc import Mapping
from typing import Any

from vaetext.config.data import DATA
from vaetext.config.groups import option_file
from vaetext.config.train import TrainConfig, models


def check_choices(config: Any, choices: Mapping[str, str | None]) -> None:
    """Checks that no options of training have the name of others.

    The name of a data set or model is what it is loaded or built by, so a yaml of one's own has one
    of ours; that of a trainer is for tables alone, so it has any but ours.

    Args:
        config: of a verb; only that of ``train`` has such names.
        choices: group -> its option, as in ``data=ptb``.

    Raises:
        ValueError: a name is that of other options; names both.
    """
    if not isinstance(config, TrainConfig):
        return
    for group, known in (("model", models()), ("data", DATA)):
        name, choice = getattr(config, group).name, choices.get(group)
        if choice in known and name != choice:
            note = " (data.label changes the name in tables and folders)" * (group == "data")
            raise ValueError(
                f"{group}.name={name}: the options are those of {group}={choice}; set"
                f" {group}={name}{note}"
            )
    name, choice = config.trainer.name, choices.get("trainer")
    if name != choice and option_file("trainer", name):
        raise ValueError(
            f"trainer.name={name}: the options are those of trainer={choice}; set trainer={name},"
            " or give them a name of their own (name: mine in mine.yaml)"
        )
