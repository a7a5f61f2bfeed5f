"""Where a command writes its results, and the lines of text that it reads."""

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vaetext.data.atomic import atomic_write
from vaetext.data.contents import text_lines
from vaetext.data.files import read_lines
from vaetext.data.loader import Sequences
from vaetext.models.base import SequenceModel
from vaetext.report.console import show

log = logging.getLogger(__name__)


def output_folder() -> Path:
    """The folder that Hydra made for this job."""
    from hydra.core.hydra_config import HydraConfig

    return Path(HydraConfig.get().runtime.output_dir)


def given_overrides() -> list[str]:
    """The overrides of this job, as they were given on the command line."""
    from hydra.core.hydra_config import HydraConfig

    return [str(each) for each in HydraConfig.get().overrides.task]


def write_output(text: str, folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Writes all results of a command, then prints one of them to stdout.

    It is printed even where a file cannot be written.

    Args:
        text: to be printed.
        folder: of the files.
        files: name -> content.
    """
    try:
        for name, content in files.items():
            atomic_write(folder / name, content)
        log.info("written to %s", folder)
    finally:
        show(text.removesuffix("\n"))


def input_lines(source: str) -> list[tuple[int, str]]:
    """The stripped lines of a file, or of standard input for ``-``, with their numbers from 0.

    Empty lines are left out.

    Raises:
        ValueError: the file is missing or not UTF-8, or all lines are empty.
    """
    if source != "-" and not Path(source).exists():
        raise ValueError(
            f"input={source}: no such file; give a file with one sentence on each line, or - for"
            " standard input"
        )
    lines = _standard_input() if source == "-" else read_lines(Path(source))
    kept = [(number, line.strip()) for number, line in enumerate(lines) if line.strip()]
    if not kept:
        raise ValueError(
            f"input={source} holds no text; give a file with one sentence on each line, or lines on"
            " standard input"
        )
    return kept


def check_input_lengths(
    model: SequenceModel, sequences: Sequences, numbers: Sequence[int], source: str
) -> None:
    """Checks that no line of the input is longer than the model can read.

    Args:
        model: the model.
        sequences: the lines as the model reads them.
        numbers: of the lines, from 0.
        source: where the lines are from, for the message.

    Raises:
        ValueError: the longest one is too long; names its line, counted from 1.
    """
    lengths = np.array([len(each) for each in sequences])
    longest = int(lengths.argmax())
    model.check_lengths(
        lengths[longest : longest + 1], f"input={source}, line {numbers[longest] + 1},"
    )


def _standard_input() -> list[str]:
    content = sys.stdin.buffer.read() if sys.stdin else b""  # None where it was closed
    return text_lines(content, "input=-: standard input")
