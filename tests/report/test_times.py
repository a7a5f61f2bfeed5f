"""Seconds of training to a bound, as a column: from metrics that are known."""

from pathlib import Path

import pytest
from command_line import run_cli
from records import result
from test_collect import make_run

from vaetext.config.models.vrae import VRAE
from vaetext.report.collect import collect, find_runs
from vaetext.report.times import bounds_in, seconds_to
from vaetext.runs.layout import METRICS
from vaetext.runs.metrics_line import write_line

BOUNDS = [130.0, 112.0, 112.5, 106.0]  # -ELBO on valid after each epoch of 10 seconds


def run(folder: Path, seed: int = 0, size: int = 16, above: float = 0.0) -> Path:
    """A finished run whose bounds on valid are ``BOUNDS``, that much higher."""
    made = make_run(folder, result(100.0, {"z": 5.0}), seed, VRAE(name="vrae", latent_dim=size))
    lines = [
        {"epoch": epoch, "split": split, "neg_elbo": bound - lower, "seconds": 10.0 * (epoch + 1)}
        for epoch, bound in enumerate(each + above for each in BOUNDS)
        for split, lower in (("train", 50.0), ("valid", 0.0))
    ]
    (made / METRICS).write_bytes(b"".join(map(write_line, lines)))
    return made


def test_the_seconds_are_those_of_the_first_epoch_that_is_low_enough(tmp_path: Path) -> None:
    titles = [f"seconds to {bound}" for bound in ("200", "130", "112.2", "106", "105.9", "-7.5")]
    found = seconds_to(run(tmp_path / "run"), bounds_in(titles))
    assert found == dict(zip(titles, [10.0, 10.0, 20.0, 40.0, None, None], strict=True))


def test_only_such_titles_name_a_bound() -> None:
    assert bounds_in(["seconds per epoch", "seconds to x", "seconds to 1e5", "-ELBO"]) == {}
    assert bounds_in(["seconds to 108.1"]) == {"seconds to 108.1": 108.1}


def test_a_row_has_the_mean_over_seeds_or_none_where_one_never_got_there(tmp_path: Path) -> None:
    for seed, above in ((0, 0.0), (1, 5.0)):
        run(tmp_path / str(seed), seed, above=above)
    bounds = bounds_in(["seconds to 117", "seconds to 107"])
    (row,) = collect(find_runs([str(tmp_path)]), "test", bounds)
    assert row.values("seconds to 117") == [20.0, 20.0]
    assert row.mean("seconds to 107") is None


def test_the_table_sorts_and_explains_them(tmp_path: Path) -> None:
    for size, above in ((8, 9.0), (16, 0.0)):
        run(tmp_path / str(size), size=size, above=above)
    words = ("columns=[seconds to 115,seconds to 107]", "sort=seconds to 115")
    done = run_cli("tables", str(tmp_path), *words)
    assert done.status == 0, done.error
    lines = [line.replace(" ", "") for line in done.output.splitlines()]
    assert lines[0] == "|data|model|latent_dim|seeds|secondsto115|secondsto107|"
    assert lines[2:4] == ["|ptb|vrae|16|1|20.00|40.00|", "|ptb|vrae|8|1|40.00|-|"]
    assert "seconds to V: of training, without evaluation" in done.output.replace("\n", " ")
    csv = run_cli("tables", str(tmp_path), "columns=[seconds to 107]", "format=csv")
    assert [line.split(",")[5] for line in csv.output.splitlines()[1:]] == ["", "40.0"]


def test_damaged_metrics_are_named(tmp_path: Path) -> None:
    made = run(tmp_path / "run")
    (made / METRICS).write_bytes(write_line({"split": "valid", "neg_elbo": 3.0}))
    with pytest.raises(ValueError, match=rf"{METRICS} does not fit .*it lacks 'seconds'"):
        seconds_to(made, bounds_in(["seconds to 4"]))
