"""Cells as Markdown, CSV and LaTeX."""

import csv

import pytest

from vaetext.report.formats import csv_text, latex, markdown

TABLE = [["model", "-ELBO"], ["a_b|c", "**1,234.50**"], ["d\ne", "-"]]


def test_markdown_is_aligned_and_escapes_bars() -> None:
    assert markdown(TABLE) == (
        "| model  |        -ELBO |\n"
        "| ------ | -----------: |\n"
        "| a_b\\|c | **1,234.50** |\n"
        "| d e    |            - |\n"
    )


def test_markdown_aligns_columns_of_words_to_the_left() -> None:
    assert markdown([["a", "b"], ["1234", "5678"]], words=2).splitlines()[1] == "| ---- | ---- |"


def test_csv_quotes_and_leaves_none_empty() -> None:
    table = [["a,b", 'c "d"'], [None, 0.5]]
    assert list(csv.reader(csv_text(table).splitlines())) == [table[0], ["", "0.5"]]


def test_latex_is_a_booktabs_tabular() -> None:
    assert latex([["model", "rec"], ["vrae", "1.00"]]).splitlines() == [
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"model & rec \\",
        r"\midrule",
        r"vrae & 1.00 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (
            "a_b & 50% {x} \\ <unk> ~^#$|",
            r"a\_b \& 50\% \{x\} \textbackslash{} \textless{}unk\textgreater{} "
            r"\textasciitilde{}\textasciicircum{}\#\$\textbar{}",
        ),
        ("102.00", "102.00"),
        ("**102.00**", r"\textbf{102.00}"),
        ("-0.5", "$-0.5$"),
        ("-1,234.50", "$-1{,}234.50$"),
        ("**-0.500**", r"\textbf{\boldmath $-0.500$}"),
        ("105.50 ± 0.71", r"105.50 $\pm$ 0.71"),
        ("-105.50 ± 0.71", r"$-105.50$ $\pm$ 0.71"),
        ("8.20e+307", "8.20e+307"),
        ("-ELBO", "$-$ELBO"),
        ("published -ELBO", "published $-$ELBO"),
        ("IW-NLL(50)", "IW-NLL(50)"),
        ("vrae lr=1e-05", "vrae lr=1e-05"),
        ("-", "--"),
    ],
)
def test_latex_escapes_words_and_sets_numbers_as_math(cell: str, expected: str) -> None:
    assert latex([["model"], [cell]]).splitlines()[4] == rf"{expected} \\"
