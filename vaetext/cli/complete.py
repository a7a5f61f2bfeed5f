"""Tab completion: verbs, names of data sets, flags, groups and choices; the rest is Hydra's.

Imports no torch.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from vaetext.cli.arguments import FLAGS, KEY, config_folders
from vaetext.config.groups import group_options
from vaetext.config.verbs import VERBS
from vaetext.runs.compose import compose_verb


def complete(arguments: list[str], start: Callable[[str, list[str]], None]) -> None:
    """Prints what the last word of ``COMP_LINE`` can be completed to.

    Args:
        arguments: ``-sc query=SHELL``, or ``-sc install=SHELL``.
        start: runs a verb with arguments; for what Hydra completes.
    """
    line = os.environ.get("COMP_LINE", "")
    words = line.split() + [""] * (line[-1:] in ("", " "))
    if len(words) == 2:
        return _print(words[1], VERBS)
    verb = words[1] if len(words) > 2 and words[1] in VERBS else "train"
    given = words[2:-1]
    word = words[-1]
    overrides = [each for each in given if KEY.match(each)]
    folders = config_folders(given)
    if (choices := _choices(verb, given, overrides, folders, word)) is not None:
        return _print(word, choices)
    os.environ["COMP_LINE"] = " ".join([words[0], *overrides, word])
    start(verb, [*(f"--config-dir={each}" for each in folders), *arguments])


def _print(word: str, choices: Iterable[str]) -> None:
    print(" ".join(each for each in choices if each.startswith(word)))


def _choices(
    verb: str, given: list[str], overrides: list[str], folders: list[Path], word: str
) -> list[str] | None:
    """What may stand in a word's place, or None if only Hydra knows."""
    row = VERBS[verb]
    if word.startswith("-"):
        return [each for each in FLAGS if each.startswith("--")]
    first = next(iter(row.operands), None)
    if not given and first in row.groups and "=" not in word:
        return [*group_options(first, folders), f"{first}="]
    key, is_value, _ = word.partition("=")
    if not is_value:
        return None
    if key in row.groups:
        return [f"{key}={each}" for each in group_options(key, folders)]
    return [f"{key}={each}" for each in _values(verb, overrides, folders, key)] or None


def _values(verb: str, overrides: list[str], folders: list[Path], key: str) -> list[str]:
    """The values of an option that has a few; otherwise none."""
    try:
        node: Any = compose_verb(verb, overrides, folders)
        parent, _, name = key.rpartition(".")
        schema: Any = OmegaConf.get_type(OmegaConf.select(node, parent) if parent else node)
        option = schema.__dataclass_fields__[name]
    except Exception:  # an unfinished line may be wrong in any way, and no message may be printed
        return []
    booleans = ["true", "false"] if option.type in (bool, "bool") else []
    return list(option.metadata.get("choices", booleans))
