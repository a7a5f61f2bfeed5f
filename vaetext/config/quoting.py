"""Values and commands as they are written on a command line."""

import re
import shlex
from pathlib import Path


def quote(value: str) -> str:
    """A string as an override can hold it: quoted, so that Hydra reads back exactly this string."""
    value = re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + "\\${", value)
    value = re.sub(r"(\\+)(?='|$)", lambda found: found[1] * 2, value)
    return "'" + value.replace("'", "\\'") + "'"


def resuming(folder: Path) -> str:
    """The command that continues a run, to be pasted into a shell."""
    return f"`vaetext resume {shlex.quote(str(folder))}`"
