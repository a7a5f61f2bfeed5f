"""What is written beside the lines of generated frames: pictures, and files to hear or read."""

from typing import Any

import numpy as np

from vaetext.data.format import Format
from vaetext.report import plots


def files_beside(
    form: Format, columns: dict[str, list[Any]], tempo: float | None = None, given: int = 0
) -> dict[str, bytes]:
    """File name -> content, of the last column and called after it; nothing for text.

    Args:
        form: of the sequences.
        columns: title -> sequences, beside each other in the picture.
        tempo: of music, quarter notes a minute; None takes the default.
        given: steps that a prefix gave.

    Raises:
        ValueError: a tempo is given for other data.
    """
    stem, generated = list(columns.items())[-1]
    return {**pictures(form, columns, given), **form.files(generated, stem, tempo)}


def path_images(form: Format, first: Any, steps: list[Any], last: Any) -> list[np.ndarray | None]:
    """The images of a path's first end, its steps and its last end; nothing for other data.

    An end that is None has none.
    """
    if form.drawn is None or form.drawn.kind != "images":
        return []
    return [None if each is None else form.values(each) for each in (first, *steps, last)]


def pictures(form: Format, columns: dict[str, list[Any]], given: int = 0) -> dict[str, bytes]:
    """``<last column>.png``, of frames: the first sequences of each column.

    A line is drawn after the ``given`` steps of a prefix.
    """
    if form.drawn is None:
        return {}
    shown = {title: [form.values(each) for each in part] for title, part in columns.items()}
    *_, (stem, generated) = columns.items()
    mark = len(form.values(generated[0][:given])) if given else 0
    return {f"{stem}.png": plots.png(plots.frames(form.drawn, shown, mark))}
