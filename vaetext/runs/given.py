"""What a user gives a run to read: lines, arrays, files, and the beginning of its samples."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vaetext.config.decoding import PARTICLES
from vaetext.config.options import closest
from vaetext.data.format import Format
from vaetext.data.loader import Sequences
from vaetext.evaluation.prefix import Prefix

log = logging.getLogger(__name__)


def given_sequences(form: Format, given: Sequence[Any]) -> Sequences:
    """The sequences of lines, or of arrays in the units of the data's files.

    Raises:
        ValueError: it is one line and no list, or empty, or one is no sequence of this kind.
    """
    if isinstance(given, str):
        raise ValueError(f"sentences={given!r}: give a list, as in [{given!r}]")
    if not len(given):
        raise ValueError("sentences=[]: give at least one")
    if all(isinstance(each, str) for each in given):
        return form.encode_all(list(given))
    return [form.encode(each) if isinstance(each, str) else form.sequence(each) for each in given]


def given_ends(form: Format, a: Any, b: Any) -> list[Any]:
    """The ends of a path, each a line, an array, or the first sequence of a file like the data's.

    Args:
        form: of the run.
        a, b: the ends; None stays None.

    Raises:
        ValueError: one is no sequence of this kind.
    """
    return [None if end is None else _end(form, end, name) for name, end in (("a", a), ("b", b))]


def _end(form: Format, given: Any, option: str) -> Any:
    if not isinstance(given, str):
        return form.sequence(given)
    if is_path(given) and form.reads(Path(given)):
        return _named(form.read(Path(given)), given, None, option)
    return _line(form, given, option)


def given_prefix(
    form: Format,
    prefix: Any,
    name: str | None = None,
    steps: int = 0,
    particles: int = PARTICLES,
) -> Prefix | None:
    """The beginning of every sample; None where none is given.

    Args:
        form: of the run.
        prefix: a line, a file of sequences, or an array; None for none.
        name: of the file's sequence, as ``vaetext encode`` calls it; None takes the first.
        steps: how many of its steps; 0 takes all.
        particles: see ``Prefix``.

    Raises:
        ValueError: it is no sequence of this kind, or the file has none of that name, or it has
            fewer steps.
    """
    if prefix is None:
        return None
    sequence = _prefix(form, prefix, name)
    if form.domain(1).eos is not None:
        sequence = sequence[:-1]
        if "<unk>" in (read := form.decode(sequence)):
            log.warning("prefix is read as %r", read)
    if steps > len(sequence):
        raise ValueError(
            f"prefix_steps={steps}: the prefix has {len(sequence)}; set prefix_steps to"
            f" {len(sequence)} or less, or 0 for all"
        )
    return Prefix(sequence[:steps] if steps else sequence, particles)


def _prefix(form: Format, prefix: Any, name: str | None) -> Any:
    if not isinstance(prefix, str):
        return form.sequence(prefix)
    if is_path(prefix):
        return _named(form.read(Path(prefix)), prefix, name)
    return _line(form, prefix, "prefix")


def _line(form: Format, given: str, option: str) -> Any:
    try:
        return form.encode(given)
    except ValueError as error:
        raise ValueError(f"{option}={given}: no such file, and as a line: {error}") from None


def _named(
    found: list[tuple[str, Any]], source: str, name: str | None, option: str = "prefix"
) -> Any:
    """The sequence of a file that has a name, or its first."""
    if not found:
        raise ValueError(f"{option}={source} holds no sequence; give a file with one")
    names = [each for each, _ in found]
    if name is None:
        if len(found) > 1:
            log.warning("%s=%s: of %s sequences, %s is taken", option, source, len(found), names[0])
        return found[0][1]
    if name not in names:
        raise ValueError(
            f"prefix_name={name}: {source} has {len(names)} sequences, {names[0]} to {names[-1]}"
            f"{closest(name, names)}"
        )
    return found[names.index(name)][1]


def is_path(text: str) -> bool:
    """Whether there is a file or folder of that name."""
    try:
        return bool(text) and Path(text).exists()
    except (OSError, ValueError):  # too long for a name, or a NUL byte
        return False
