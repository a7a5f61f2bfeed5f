"""Cells as Markdown, CSV and LaTeX.

Cells are text, numbers written with ``.`` and ``,``, and bold ones between ``**``.

No library is used: neither tabulate nor pandas' Styler escapes ``|`` in Markdown, or sets minus
signs as math and bold cells in LaTeX.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

_LATEX = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "†": r"\dag{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_NEGATIVE = re.compile(r"(?<![\w.-])-(\d[\d.,]*)")
_MINUS = re.compile(r"(?<![\w.-])-(?=[A-Za-z])")


def markdown(table: Sequence[Sequence[str]], words: int = 1) -> str:
    """A Markdown table whose first row is the header, padded so that it reads well as plain text.

    Args:
        table: the rows, equally long.
        words: how many of the first columns are text; the others are aligned to the right.
    """
    lines = [[_markdown_cell(cell) for cell in row] for row in table]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * width for width in widths[:words]]
    rule += ["-" * (width - 1) + ":" for width in widths[words:]]
    padded = [
        [cell.ljust(width) for cell, width in zip(line[:words], widths, strict=False)]
        + [cell.rjust(width) for cell, width in zip(line[words:], widths[words:], strict=True)]
        for line in lines
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in [padded[0], rule, *padded[1:]])


def latex(table: Sequence[Sequence[str]], words: int = 1) -> str:
    """A LaTeX tabular whose first row is the header; needs the package booktabs.

    Args:
        table: the rows, equally long.
        words: how many of the first columns are text; the others are aligned to the right.
    """
    head, *body = (" & ".join(map(_latex_cell, row)) + r" \\" for row in table)
    alignment = "l" * words + "r" * (len(table[0]) - words)
    lines = [rf"\begin{{tabular}}{{{alignment}}}", r"\toprule", head, r"\midrule"]
    return "\n".join([*lines, *body, r"\bottomrule", r"\end{tabular}"]) + "\n"


def latex_float(tabular: str, caption: str, label: str) -> str:
    """A LaTeX table environment around a tabular.

    Args:
        tabular: in LaTeX.
        caption: plain text.
        label: letters, digits, ``:`` and ``-``.
    """
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{_latex_text(caption)}}}"]
    return "\n".join([*lines, rf"\label{{{label}}}", f"{tabular}\\end{{table}}"]) + "\n"


def csv_text(table: Iterable[Iterable[object]]) -> str:
    """Comma-separated values, None as an empty cell."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(table)
    return buffer.getvalue()


def _markdown_cell(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")


def _latex_cell(cell: str) -> str:
    if cell == "-":
        return "--"
    text = _latex_text(cell.replace("**", ""))
    if not cell.startswith("**"):
        return text
    return rf"\textbf{{\boldmath {text}}}" if "$" in text else rf"\textbf{{{text}}}"


def _latex_text(plain: str) -> str:
    """Text with its signs escaped, and with minus signs as math."""
    text = "".join(_LATEX.get(sign, sign) for sign in plain)
    text = _NEGATIVE.sub(lambda number: f"$-{number[1].replace(',', '{,}')}$", text)
    return _MINUS.sub("$-$", text)
