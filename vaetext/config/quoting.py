"""Values on a command line that Hydra reads."""

import re


def quote(value: str) -> str:
    """A value as Hydra's override grammar reads it back to the letter: quoted, with quotes, interpolations and backslashes escaped."""
    value = re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + "\\${", value)
    value = re.sub(r"(\\+)(?='|$)", lambda found: found[1] * 2, value)
    return "'" + value.replace("'", "\\'") + "'"
