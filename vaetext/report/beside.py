"""What is written beside the lines of generated frames: pictures, and files to hear or read."""

from typing import Any

from vaetext.data.format import Format
from vaetext.report import plots


def files_beside(
    form: Format, columns: dict[str, list[Any]], tempo: float | None = None
) -> dict[str, bytes]:
    """File name -> content, of the last column and called after it; nothing for text.

    Args:
        form: of the sequences.
        columns: title -> sequences, beside each other in the picture.
        tempo: of music, quarter notes a minute; None takes the default.

    Raises:
        ValueError: a tempo is given for other data.
    """
    stem, generated = list(columns.items())[-1]
    return {**pictures(form, columns), **form.files(generated, stem, tempo)}


def pictures(form: Format, columns: dict[str, list[Any]]) -> dict[str, bytes]:
    """``<last column>.png``, of frames: the first sequences of each column."""
    if form.drawn is None:
        return {}
    shown = {title: [form.values(each) for each in part] for title, part in columns.items()}
    return {f"{list(columns)[-1]}.png": plots.png(plots.frames(form.drawn, shown))}
