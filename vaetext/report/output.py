"""Where a command writes its results, and the lines of text that it reads."""

import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaetext import __version__
from vaetext.config.trained import ReadsRun
from vaetext.config.verbs import VERBS
from vaetext.data.atomic import atomic_write
from vaetext.data.contents import text_lines
from vaetext.data.files import content_sum, read_lines
from vaetext.data.format import Format
from vaetext.data.loader import Split
from vaetext.models.base import SequenceModel
from vaetext.report.console import show
from vaetext.runs.given import is_path
from vaetext.runs.layout import COMMAND
from vaetext.runs.run import Run

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
        if files:
            log.info("written to %s", folder)
    finally:
        show(text.removesuffix("\n"))


def command_record(config: ReadsRun, run: Run) -> dict[str, str]:
    """``command.json``, to be written beside a command's results: what it read, and its options.

    The run, checkpoint, epoch and seed are those that were used; ``files`` has the sha256 of each
    file that an option names (unpacked).
    """
    options = asdict(config)
    for name in ("run", "checkpoint", "seed"):
        del options[name]
    named = [each for each in options.values() if isinstance(each, str) and is_path(each)]
    record = {
        "command": next(name for name, verb in VERBS.items() if verb.schema is type(config)),
        "vaetext": __version__,
        "run": str(run.folder),
        "checkpoint": run.checkpoint,
        "epoch": run.epoch,
        "seed": run.seed,
        "files": {
            str(Path(each).resolve()): content_sum(Path(each))
            for each in named
            if Path(each).is_file()
        },
        "options": options,
    }
    return {COMMAND: json.dumps(record, indent=2, ensure_ascii=False) + "\n"}


@dataclass(frozen=True)
class Inputs:
    """A user's sequences.

    Attributes:
        sequences: as the model reads them.
        texts: what tables call each: its line, or its name in a file that holds no lines.
        numbers: of the lines or sequences, from 0.
        places: where each is, in messages.
        column: "line" or "name", as the column of ``texts``.
        total: lines or sequences of the input, empty lines counted.
    """

    sequences: list[Any]
    texts: list[str]
    numbers: list[int]
    places: list[str]
    column: str
    total: int


def read_inputs(form: Format, source: str) -> Inputs:
    """The sequences of a file or folder that ``form`` reads, or else of the lines of a file.

    Raises:
        ValueError: the file is missing or holds no such sequence.
    """
    if source != "-" and form.reads(Path(source)):
        names, sequences = (list(each) for each in zip(*form.read(Path(source)), strict=True))
        return Inputs(sequences, names, list(range(len(names))), names, "name", len(names))
    every = input_lines(source)
    numbers, lines = (list(each) for each in zip(*kept_lines(every, source), strict=True))
    places = [f"line {number + 1}" for number in numbers]
    try:
        sequences = form.encode_all(lines)
    except ValueError as error:
        raise ValueError(f"input={source}: {error}") from error
    return Inputs(sequences, lines, numbers, places, "line", len(every))


def split_inputs(form: Format, split: Split, name: str) -> Inputs:
    """The sequences of a split: lines of text, or frames by their number."""
    sequences = [split[n] for n in range(len(split))]
    places = [f"{name} {n + 1}" for n in range(len(split))]
    texts = [form.decode(each) for each in sequences] if form.is_text else places
    column = "line" if form.is_text else "name"
    return Inputs(sequences, texts, list(range(len(split))), places, column, len(split))


def input_lines(source: str) -> list[str]:
    """The lines of a file, or of standard input for ``-``.

    Raises:
        ValueError: the file is missing or not UTF-8.
    """
    if source != "-" and not Path(source).exists():
        raise ValueError(
            f"input={source}: no such file; give a file with one sentence on each line, or of the"
            " kind that the run was trained on, or - for standard input"
        )
    return _standard_input() if source == "-" else read_lines(Path(source))


def kept_lines(lines: list[str], source: str) -> list[tuple[int, str]]:
    """The lines that are not empty, stripped, with their numbers from 0.

    Raises:
        ValueError: all are empty.
    """
    kept = [(number, line.strip()) for number, line in enumerate(lines) if line.strip()]
    if not kept:
        raise ValueError(
            f"input={source} holds no text; give a file with one sentence on each line, or lines on"
            " standard input"
        )
    return kept


def check_input_lengths(model: SequenceModel, inputs: Inputs, source: str) -> None:
    """Checks that no sequence of the input is longer than the model can read.

    Args:
        model: the model.
        inputs: the sequences.
        source: where they are from, for the message.

    Raises:
        ValueError: the longest one is too long; names its place.
    """
    lengths = np.array([len(each) for each in inputs.sequences])
    longest = int(lengths.argmax())
    place = f"input={source}, {inputs.places[longest]},"
    model.check_lengths(int(lengths[longest]), place)


def _standard_input() -> list[str]:
    content = sys.stdin.buffer.read() if sys.stdin else b""  # None where it was closed
    return text_lines(content, "input=-: standard input")
