"""Tab completion: verbs, the data set that is an operand, flags and a option's choices; the rest is Hydra's own. Imports no torch."""

import os
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from vaetext.cli.help import compose_verb, group_options
from vaetext.cli.main import ALONE, KEY, VERBS, WITH_VALUE


def complete(arguments: list[str], hydra: Callable[[str, list[str]], None]) -> None:
    """Prints what the last word of ``COMP_LINE`` may become.

    Args:
        arguments: -sc query=SHELL, or -sc install=SHELL.
        hydra: runs a verb with arguments, for what is Hydra's to complete.
    """
    line = os.environ.get("COMP_LINE", "")
    words = line.split() + [""] * (line[-1:] in ("", " "))
    if len(words) == 2:
        return _print(words[1], VERBS)
    verb = words[1] if len(words) > 2 and words[1] in VERBS else "train"
    given, word = words[2:-1], words[-1]
    overrides = [each for each in given if KEY.match(each)]
    folders = [Path(folder) for flag, folder in pairwise(given) if flag in ("--config-dir", "-cd")]
    if word.startswith("-"):
        return _print(word, [each for each in (*ALONE, *WITH_VALUE) if each.startswith("--")])
    if verb == "data" and len(words) == 3 and "=" not in word:
        return _print(word, [*group_options("data", folders), "data="])
    if choices := _choices(verb, overrides, folders, word.partition("=")[0]):
        return _print(word, [f"{word.partition('=')[0]}={each}" for each in choices])
    os.environ["COMP_LINE"] = " ".join([words[0], *overrides, word])
    hydra(verb, [*(f"--config-dir={each}" for each in folders), *arguments])


def _print(word: str, choices: Iterable[str]) -> None:
    print(" ".join(each for each in choices if each.startswith(word)))


def _choices(verb: str, overrides: list[str], folders: list[Path], key: str) -> list[str]:
    """What a option may be, as far as its declaration lists it; nothing for one of any other kind, a group, or no option."""
    try:
        node: Any = compose_verb(verb, overrides, folders)
        parent, _, name = key.rpartition(".")
        schema: Any = OmegaConf.get_type(OmegaConf.select(node, parent) if parent else node)
        option = schema.__dataclass_fields__[name]
    except Exception:  # an unfinished line may be wrong in any way; no message may stand in it
        return []
    return list(
        option.metadata.get("choices", ["true", "false"] if option.type in (bool, "bool") else [])
    )
