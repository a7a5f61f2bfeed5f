"""Published tables: our figures beside the published ones."""

import json
from pathlib import Path

import pytest
from records import record, result

from vaetext.config.verbs import Table
from vaetext.report.published import (
    not_converged,
    other_conventions,
    published_page,
    published_row,
    select_columns,
)
from vaetext.report.rows import Row
from vaetext.report.table import cells
from vaetext.runs.layout import METRICS, RESULTS
from vaetext.runs.metrics_line import write_line


def write_metrics(folder: Path, bounds: list[float]) -> None:
    lines = [write_line({"split": "valid", "neg_elbo": bound}) for bound in bounds]
    (folder / METRICS).write_bytes(b"".join(lines))


def test_a_page_shows_ours_beside_the_published(tmp_path: Path) -> None:
    row = {
        "name": "A row",
        "overrides": [],
        "published": {"NLL (rec)": 101.45, "KL (sum)": 4.86},
    }
    table = Table("t", "Title", "Note.", [row], {"full": []}, columns=["-ELBO"])
    found = {**result(1.0, {}), "test": record(100.0, {"z_1": 3.0, "z_2": 2.0})}
    (tmp_path / RESULTS).write_text(json.dumps(found))
    write_metrics(tmp_path, [9.0, 8.0])
    page = published_page(table, "full", [published_row(row, [tmp_path])])
    lines = [" ".join(line.split()) for line in page.splitlines()]
    assert lines[0] == "# Title (scale=full, data=ptb)"
    assert lines[2] == (
        "| model | KL (sum) | published KL (sum) | difference KL (sum) | -ELBO | NLL (rec)"
        " | published NLL (rec) | difference NLL (rec) |"
    )
    assert lines[4] == "| A row * | 5.000 | 4.860 | 0.140 | 105.00 | 100.00 | 101.45 | -1.450 |"
    assert lines[6].startswith("Note. difference: ours less the published figure")


def test_other_conventions_are_means_over_tokens_and_sums_over_latents() -> None:
    found = {"rec": 8.0, "kl": {"z_1": 3.0, "z_2": 1.0}, "sequences": 10, "tokens_no_eos": 160}
    assert other_conventions(found) == {
        "KL (sum)": 4.0,
        "ELBO (Petersen)": -4.5,
        "Reconstruction (Petersen)": -0.5,
    }
    assert other_conventions({**found, "kl": {}}) == {}
    assert other_conventions({**found, "tokens_no_eos": None}) == {}


def test_columns_are_the_published_ones_and_those_asked_for() -> None:
    exact = Row("exact", "d")
    exact.add({"-ELBO": 9.0, "PPL": 2.0, "published -ELBO": 10.0})
    ladder = Row("ladder", "d")
    ladder.add(
        {
            "KL z_2": 1.0,
            "KL z_1": 3.0,
            "-ELBO": 12.0,
            "IW-NLL(50)": 11.0,
            "PPL": 3.0,
            "published KL z_2": 5.0,
            "published BLEU": 7.0,
        }
    )
    titles = [
        "model",
        "KL z_2",
        "published KL z_2",
        "-ELBO",
        "published -ELBO",
        "IW-NLL(50)",
        "published BLEU",
    ]
    assert select_columns(cells([exact, ladder]), ["IW-NLL"]) == [
        titles,
        ["exact", "-", "-", "**9.000**", "10.00", "**9.000**", "-"],
        ["ladder", "1.000", "5.000", "12.00", "-", "11.00", "7.000"],
    ]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ([9.0, 8.0], True),
        ([9.0, 8.95], False),
        ([*[9.0] * 19, 8.0], True),
        ([*[9.0] * 18, 8.0, 8.5], True),
        ([8.0, 9.0], False),
        ([-8.0, -9.0], True),
        ([9.0], False),
    ],
)
def test_a_run_whose_bound_still_fell_had_not_converged(
    bounds: list[float], expected: bool, tmp_path: Path
) -> None:
    write_metrics(tmp_path, bounds)
    assert not_converged(tmp_path) == expected
