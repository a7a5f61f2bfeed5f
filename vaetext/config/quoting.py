"""Values and paths on a command line."""

import re
import shlex
from pathlib import Path


def quote(value: str) -> str:
    """A value as Hydra's override grammar reads it back to the letter: quoted, with quotes, interpolations and backslashes escaped."""
    value = re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + "\\${", value)
    value = re.sub(r"(\\+)(?='|$)", lambda found: found[1] * 2, value)
    return "'" + value.replace("'", "\\'") + "'"


def resuming(folder: Path) -> str:
    """The command that goes on with a run, as it can be pasted into a shell."""
    return f"`vaetext resume {shlex.quote(str(folder))}`"
