"""Commands in messages."""

import shlex
from pathlib import Path

from vaetext.config.quoting import resuming


def test_the_command_that_resumes_a_run_can_be_pasted() -> None:
    assert resuming(Path("outputs/ptb/vrae/latest")) == "`vaetext resume outputs/ptb/vrae/latest`"
    assert shlex.split(resuming(Path("my runs/it's 5$")).strip("`")) == [
        "vaetext",
        "resume",
        "my runs/it's 5$",
    ]
