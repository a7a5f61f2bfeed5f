"""Values and commands as they are written on a command line."""

import re
import shlex
from pathlib import Path
from typing import Any


def quote(value: str) -> str:
    """A string as an override can hold it: quoted, so that Hydra reads back exactly this string."""
    value = re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + "\\${", value)
    value = re.sub(r"(\\+)(?='|$)", lambda found: found[1] * 2, value)
    return "'" + value.replace("'", "\\'") + "'"


def resuming(folder: Path) -> str:
    """The command that continues a run, to be pasted into a shell."""
    return f"`vaetext resume {shlex.quote(str(folder))}`"


def check_plain(value: Any, key: str = "") -> None:
    """Checks that no text in a value would be interpolated by whoever reads it.

    Raises:
        ValueError: a text, or a key, contains ``${``; names its full key.
    """
    if isinstance(value, dict):
        for name, child in value.items():
            check_plain(name, f"{key}.{name}".lstrip("."))
            check_plain(child, f"{key}.{name}".lstrip("."))
    elif isinstance(value, (list, tuple)):
        for child in value:
            check_plain(child, key)
    elif isinstance(value, str) and "${" in value:
        raise ValueError(
            f"{key}={value!r}: a saved value cannot contain ${{, which is read as a reference to"
            " another; use a name without it"
        )
