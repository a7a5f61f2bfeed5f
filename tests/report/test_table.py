"""Tables of one run and of many: means over seeds, the best, and the three formats."""

import csv
from pathlib import Path
from typing import Any

from records import record, result, row

from vaetext.report.columns import columns
from vaetext.report.rows import Finished, Row
from vaetext.report.table import Shown, cells, csv_table, latex_table, markdown_table, run_table


def cell(table: list[list[str]], line: int, title: str) -> str:
    return table[line][table[0].index(title)]


def test_seeds_are_averaged_and_the_best_bound_of_each_data_set_is_bold() -> None:
    seeds = [record(rec, {"z": 5.0}, 50) for rec in (100.0, 101.0, 102.0)]
    table = cells(
        [
            row("vrae", *seeds),
            row("rnnlm", record(102.0, {})),
            row("rnnlm", record(30.0, {}), data="grammar"),
        ]
    )
    assert cell(table, 1, "seeds") == "3"
    assert cell(table, 1, "-ELBO") == "106.00 ± 1.00"
    assert cell(table, 2, "-ELBO") == "**102.00**"
    assert cell(table, 3, "-ELBO") == "30.00"  # the only row of its data
    assert cell(table, 2, "KL z") == "-"


def test_the_reconstruction_alone_is_never_the_best() -> None:
    table = cells([row("vrae", record(100.0, {"z": 5.0})), row("rnnlm", record(102.0, {}))])
    assert cell(table, 1, "rec") == "100.00"
    assert cell(table, 1, "NLL (rec)") == "100.00"


def test_a_model_without_a_latent_is_exact_for_every_number_of_samples() -> None:
    table = cells(
        [
            row("vrae", record(100.0, {"z": 5.0}, 50)),
            row("vrae", record(99.0, {"z": 5.0}, 500)),
            row("rnnlm", record(102.0, {})),
        ]
    )
    assert cell(table, 3, "IW-NLL(50)") == "**102.00**"
    assert cell(table, 3, "IW-NLL(500)") == "**102.00**"
    assert cell(table, 1, "IW-NLL(500)") == "-"
    assert "IW-NLL(50)" not in cells([row("rnnlm", record(102.0, {}))])[0]


def test_a_column_that_some_seeds_lack_is_left_out() -> None:
    vrae = Row("vrae", "ptb")
    vrae.add({"KL z": 1.0, "-ELBO": 30.0, "IW-NLL(3)": 29.0})
    vrae.add({"KL z": 2.0, "-ELBO": 31.0})
    hvrae = Row("hvrae", "ptb", 1, {"KL z": [1.0], "-ELBO": [40.0], "IW-NLL(3)": [39.0]})
    table = cells([vrae, hvrae])
    assert cell(table, 1, "IW-NLL(3)") == "-"
    assert cell(table, 2, "IW-NLL(3)") == "39.00"


def test_a_bound_of_few_effective_samples_is_marked() -> None:
    few = record(100.0, {"z": 25.0}, 50, effective=2.0)
    rows = [row("many", record(100.0, {"z": 5.0}, 50)), row("few", few), row("few seeds", few, few)]
    table = cells(rows)
    assert cell(table, 1, "IW-NLL(50)") == "**104.50**"
    assert cell(table, 2, "IW-NLL(50)") == "124.50†"
    assert cell(table, 3, "IW-NLL(50)") == "124.50 ± 0.00†"
    assert cell(table, 2, "-ELBO") == "125.00"
    assert r"124.50\dag{}" in latex_table(Shown(rows))
    assert " 124.50† |" in run_table({**result(100.0, {}), "test": few})


def test_the_table_of_one_run_has_a_line_for_each_quantity() -> None:
    text = run_table(result(100.0, {"z": 5.0}))
    assert "# vrae on ptb, trainer=paper, seed 0" in text
    assert "1,234,567 parameters" in text
    lines = {
        line.split("|")[1].strip(): [part.strip() for part in line.split("|")[2:4]]
        for line in text.splitlines()
        if line.startswith("|")
    }
    assert lines[""] == ["valid", "test"]
    assert lines["-ELBO"] == ["106.00", "105.00"]
    assert lines["IW-NLL(50)"] == ["-", "104.50"]
    assert lines["AU z"] == ["3", "3"]
    assert "\nNats per sequence" in text


def test_the_note_names_the_bound_that_chose_the_weights() -> None:
    for key, title in (("neg_elbo", "-ELBO"), ("fivo_nll", "FIVO-NLL")):
        text = run_table({**result(100.0, {"z": 5.0}), "chosen_by": key}).replace("\n", " ")
        assert f"weights of the lowest valid {title} unless" in text


def test_a_very_large_perplexity_is_a_power_of_ten() -> None:
    test = {**record(100.0, {}), "ppl": 8.2e307, "ppl_no_eos": None}
    assert "8.20e+307" in run_table({**result(100.0, {}), "test": test})


def test_markdown_has_the_note_below() -> None:
    rows = [row("vrae latent_dim=8", record(100.0, {"z": 5.0})), row("rnnlm", record(102.0, {}))]
    text = markdown_table(Shown(rows))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == 4
    assert lines[1].startswith("| ---- | ")
    assert "over the whole test split" in " ".join(text.split())
    assert "The best bound of each data set is bold." in " ".join(text.split())


def finished(seed: int, record: dict[str, Any], **options: Any) -> Finished:
    setting = {"model.name": "vrae", "data.label": "ptb", "data.name": "ptb", **options}
    return Finished(Path(f"/runs/{seed}"), seed, setting, columns(record), {}, "abc")


def test_csv_has_a_line_for_each_run_with_every_option_that_differs() -> None:
    of = {"model.latent_dim": 8, "trainer.name": "paper", "trainer.lr": 0.1, "model.tied": True}
    wide = {**of, "model.latent_dim": 16, "trainer.name": "fast", "model.tied": None}
    rows = [
        Row(
            *("vrae", "ptb"),
            options={"model.latent_dim": setting["model.latent_dim"]},
            runs=[finished(seed, record(rec, {"z": 5.0}, 50), **setting) for seed, rec in runs],
        )
        for setting, runs in ((of, ((1, 100.0), (2, 1101.0))), (wide, ((3, 99.0),)))
    ]
    titles = ["rec", "IW-NLL(50)"]
    head, *body = csv.reader(csv_table(Shown(rows, titles=titles)).splitlines())
    lines = [dict(zip(head, each, strict=True)) for each in body]
    keys = ["data", "model", "latent_dim", "trainer", "tied", "seed", "split"]
    assert head == [*keys, *titles, "folder", "commit"]
    assert [line["rec"] for line in lines] == ["100.0", "1101.0", "99.0"]
    assert [line["latent_dim"] for line in lines] == ["8", "8", "16"]
    assert [line["tied"] for line in lines] == ["true", "true", "null"]
    assert [line["trainer"] for line in lines] == ["paper", "paper", "fast"]
    assert lines[1]["seed"] == "2" and lines[1]["folder"] == "/runs/2"
    assert {line["commit"] for line in lines} == {"abc"}


def test_an_option_has_a_column_and_the_full_key_where_two_would_be_equal() -> None:
    rows = [
        Row("vrae", "ptb", 1, {"rec": [1.0]}, {"model.layers": 1, "trainer.lr": 0.1}),
        Row("hvrae", "ptb", 1, {"rec": [2.0]}, {"data.layers": True, "model.layers": 2}),
    ]
    assert cells(rows) == [
        ["data", "model", "model.layers", "lr", "data.layers", "seeds", "rec"],
        ["ptb", "vrae", "1", "0.1", "-", "1", "1.000"],
        ["ptb", "hvrae", "2", "-", "true", "1", "2.000"],
    ]


def test_the_legend_is_of_what_the_table_has() -> None:
    few = record(100.0, {"z": 25.0}, 50, effective=2.0)
    one = markdown_table(Shown([row("vrae", few)], titles=["-ELBO"])).replace("\n", " ")
    for absent in ("IW-NLL", "†", "±", "bold", "AU"):
        assert absent not in one
    marked = markdown_table(Shown([row("a", few, few), row("b", few)], titles=["IW-NLL(50)"]))
    for present in ("† where", "± is", "bold"):
        assert present in marked.replace("\n", " ")


def test_latex_has_the_note_as_a_comment() -> None:
    seeds = [record(rec, {"z_g": 5.0}, 50) for rec in (100.0, 101.0)]
    text = latex_table(Shown([row("a & b", *seeds), row("rnnlm", record(102.0, {}))]))
    lines = text.splitlines()
    comment = [line for line in lines if line.startswith("% ")]
    assert lines[: len(comment)] == comment
    assert comment[-1] == r"% \usepackage{booktabs}"
    assert lines[len(comment) : len(comment) + 2] == [r"\begin{table}", r"\centering"]
    assert lines[-1] == r"\end{table}"
    caption, label, tabular = lines[len(comment) + 2 : len(comment) + 5]
    assert caption.startswith(r"\caption{Results on the test split of ptb, in nats per sequence. ")
    assert r"$\pm$ is the standard deviation over seeds." in caption
    assert label == r"\label{tab:ptb-test}"
    assert tabular.startswith(r"\begin{tabular}{llrr")
    assert r"KL z\_g" in text
    assert r"\textbf{102.00}" in text
    assert r"105.50 $\pm$ 0.71" in text
    body = [line for line in lines if line.endswith(r"\\")]
    assert len({line.replace(r"\&", "").count("&") for line in body}) == 1
