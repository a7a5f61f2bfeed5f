"""Rows of tables: which are chosen, their order and their columns."""

from pathlib import Path
from typing import Any

import pytest

from vaetext.report.rows import Finished, Row, best_rows, named_titles, sort_rows


def row(size: int | None, bound: float | None, data: str = "ptb", *, seeds: int = 1) -> Row:
    """A row whose -ELBO on test is above that on valid by the size."""
    options = {} if size is None else {"model.latent_dim": size}
    made = Row("vrae", data, options=options)
    for seed in range(seeds):
        results: dict[str, Any] = {"valid": {"neg_elbo": bound, "kl": {"z": 1.0}, "fivo_nll": None}}
        made.runs.append(Finished(Path(f"{seed}"), seed, {}, {}, results))
        made.add({"-ELBO": None if bound is None else bound + (size or 0), "KL z": 1.0})
    return made


def sizes(rows: list[Row]) -> list[Any]:
    return [each.options.get("model.latent_dim") for each in rows]


def test_the_best_row_is_that_of_the_lowest_mean_on_valid() -> None:
    rows = [row(8, 10.0), row(16, 9.0, seeds=2), row(32, 9.5), row(4, 30.0, "yelp13")]
    assert sizes(best_rows(rows, "valid.neg_elbo")) == [16, 4]
    assert [each.mean("-ELBO") for each in best_rows(rows, "valid.neg_elbo")] == [25.0, 34.0]


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ("test.neg_elbo", "best=test.neg_elbo: rows are chosen by a figure on valid"),
        ("valid.nelbo", "choose from valid.kl.z, valid.neg_elbo; did you mean 'valid.neg_elbo'"),
        ("valid.fivo_nll", "'valid.fivo_nll' is no figure"),
    ],
)
def test_a_figure_that_cannot_choose_is_refused(figure: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        best_rows([row(8, 10.0)], figure)


def test_rows_are_sorted_by_a_column_or_an_option_within_their_data_set() -> None:
    rows = [row(8, 10.0), row(None, 1.0), row(16, 9.0), row(4, None), row(3, 50.0, "aaa")]
    assert sizes(sort_rows(rows, "-ELBO")) == [3, None, 8, 16, 4]
    assert sizes(sort_rows(rows, "-ELBO", descending=True)) == [3, 16, 8, None, 4]
    for name in ("latent_dim", "model.latent_dim"):
        assert sizes(sort_rows(rows, name, descending=True)) == [3, 16, 8, 4, None]
    assert sizes(sort_rows(rows, "KL")) == [3, 8, None, 16, 4]


def test_columns_are_named_by_title_or_kind() -> None:
    titles = ["rec", "KL z_g", "KL z_l", "-ELBO", "IW-NLL(5)", "IW-NLL(50)", "PPL (no EOS)"]
    assert named_titles(["-ELBO", "KL"], titles) == ["-ELBO", "KL z_g", "KL z_l"]
    assert named_titles(["IW-NLL(50)", "PPL (no EOS)"], titles) == ["IW-NLL(50)", "PPL (no EOS)"]
    assert named_titles(["IW-NLL"], titles) == ["IW-NLL(5)", "IW-NLL(50)"]


def test_unknown_names_are_answered_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"columns: 'ELBO' is no figure .*did you mean '-ELBO'"):
        named_titles(["ELBO"], ["rec", "-ELBO"])
    with pytest.raises(ValueError, match=r"sort: 'latent' is .* choose from latent_dim, KL z, -E"):
        sort_rows([row(8, 10.0), row(16, 9.0)], "latent")
