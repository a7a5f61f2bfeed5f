"""Runs the command line, in this process or in one of its own."""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from vaetext.cli.main import main


@dataclass
class Done:
    """What a command printed, and its exit status."""

    status: int
    output: str
    error: str


def run_cli(*words: str) -> Done:
    """Runs ``vaetext`` in this process and the current folder; several words may be one string."""
    output = io.StringIO()
    error = io.StringIO()
    status = 0
    arguments = words[0].split() if len(words) == 1 else list(words)
    with (
        mock.patch.object(sys, "argv", ["vaetext", *arguments]),
        mock.patch.dict(os.environ, {"HYDRA_FULL_ERROR": ""}),
        redirect_stdout(output),
        redirect_stderr(error),
    ):
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
    return Done(status, output.getvalue(), error.getvalue())


def run_cli_apart(*words: str, folder: Path, environment: Mapping[str, str] | None = None) -> Done:
    """Runs ``vaetext`` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "vaetext", *words],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return Done(done.returncode, done.stdout, done.stderr)
