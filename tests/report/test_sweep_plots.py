"""Pictures of many runs: the points, cells and lines that they show."""

from pathlib import Path

import pytest
from command_line import run_cli
from matplotlib.figure import Figure
from records import record, result, row
from test_collect import make_run

from vaetext.config.models.vrae import VRAE
from vaetext.report import plots
from vaetext.report.collect import collect, find_runs
from vaetext.report.rows import Row
from vaetext.runs.layout import METRICS
from vaetext.runs.metrics_line import write_line


def sweep(folder: Path) -> Path:
    """Runs of two sizes, two KL weights and two seeds; -ELBO is 100 + weight + size / 100."""
    for size in (8, 16):
        for beta in (0.5, 1.0):
            for seed in (0, 1):
                kl = 2.0 + seed
                rec = 100 - kl + beta + size / 100
                name = f"{size}-{beta}-{seed}"
                model = VRAE(name="vrae", latent_dim=size)
                run = make_run(folder / name, result(rec, {"z": kl}), seed, model, beta_max=beta)
                lines = [
                    {
                        "epoch": epoch,
                        "split": "valid",
                        "step": 40 * (epoch + 1),
                        "neg_elbo": rec + kl + 9 / (epoch + 1),
                        "seconds": 2.5 * (epoch + 1),
                    }
                    for epoch in range(3)
                ]
                (run / METRICS).write_bytes(b"".join(map(write_line, lines)))
    return folder


def swept_rows(folder: Path) -> list[Row]:
    return collect(find_runs([str(sweep(folder))]), "test")


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def test_rate_and_distortion_are_sums_over_latents_in_order_of_kl() -> None:
    rows = [
        row(
            "hvrae", record(95.0, {"z_g": 2.0, "z_l": 3.0}), record(97.0, {"z_g": 4.0, "z_l": 3.0})
        ),
        row("hvrae", record(99.0, {"z_g": 1.0, "z_l": 0.5})),
        row("rnnlm", record(102.0, {})),
        row("rnnlm", record(30.0, {}), data="grammar"),
    ]
    figure = plots.rate_distortion(rows)
    assert [axis.get_title() for axis in figure.axes] == ["ptb", "grammar"]
    first, second = (each.lines[0] for each in figure.axes[0].containers)
    assert first.get_xydata().tolist() == [[99.0, 1.5], [96.0, 6.0]]
    assert second.get_xydata().tolist() == [[102.0, 0.0]]
    equal = [line for line in figure.axes[0].lines if line.get_linestyle() == ":"]
    for line in equal[:-1]:  # the last one is for the legend
        assert len({round(x + y, 6) for x, y in line.get_xydata()}) == 1
    assert len(equal) > 3


def test_a_heat_map_has_a_cell_for_each_pair_of_values(tmp_path: Path) -> None:
    rows = swept_rows(tmp_path)
    figure = plots.heatmap(rows, ["-ELBO"], ["model.latent_dim", "trainer.beta_max"])
    panel = figure.axes[0]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["8", "16"]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["0.5", "1.0"]
    assert texts(figure) == ["100.58", "101.08", "100.66", "101.16"]
    assert [text.get_weight() == "bold" for text in panel.texts] == [True, False, False, False]


def test_a_heat_map_says_over_what_it_is_a_mean(tmp_path: Path) -> None:
    rows = swept_rows(tmp_path)
    for number, each in enumerate(rows):
        each.options = {**each.options, "trainer.lr": number % 2}
        each.options["trainer.beta_max"] = 1.0
    figure = plots.heatmap(rows, ["-ELBO"], ["model.latent_dim", "trainer.beta_max"])
    assert figure.axes[0].get_title() == "-ELBO, vrae on ptb, mean over lr"
    assert texts(figure) == ["100.83", "100.91"]


def test_the_curves_are_those_of_every_run(tmp_path: Path) -> None:
    (axis,) = plots.curves(swept_rows(tmp_path)).axes
    assert len(axis.lines) == 8
    assert [label.get_text() for label in axis.get_legend().get_texts()] == [
        f"vrae latent_dim={size} beta_max={beta}" for size in (8, 16) for beta in (0.5, 1.0)
    ]
    assert axis.lines[0].get_xydata().tolist()[2] == [2.0, pytest.approx(103.58)]


@pytest.mark.parametrize(
    ("over", "label", "last"),
    [("step", "optimizer step", 120.0), ("seconds", "seconds of training", 7.5)],
)
def test_curves_over_steps_or_seconds_show_where_a_bound_is_reached(
    over: str, label: str, last: float, tmp_path: Path
) -> None:
    (axis,) = plots.curves(swept_rows(tmp_path), over, [104.5]).axes
    assert axis.get_xlabel() == label
    assert axis.lines[0].get_xydata().tolist()[2] == [last, pytest.approx(103.58)]
    assert list(axis.lines[8].get_ydata()) == [104.5, 104.5]  # after those of eight runs


@pytest.mark.parametrize("plot", ["rate-distortion", "curves", "heatmap"])
def test_a_plot_is_written_to_the_folder_of_the_runs(plot: str, tmp_path: Path) -> None:
    folder = sweep(tmp_path / "foo")
    done = run_cli(f"tables {folder} plot={plot} columns=[-ELBO]")
    assert done.status == 0, done.error
    assert f"written to {folder}\n" in done.error
    assert done.output.startswith("| data | model | latent_dim | beta_max | seeds |")
    starts = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
    for form, start in starts.items():
        assert (folder / f"{plot}.{form}").read_bytes().startswith(start)


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    rows = swept_rows(tmp_path)
    for form in plots.PICTURES:
        first, second = (plots.picture(plots.curves(rows), form) for _ in range(2))
        assert first == second


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plot=heat"], "plot='heat': choose from rate-distortion, heatmap, curves"),
        (
            ["plot=heatmap", "axes=[latent_dim,beta]"],
            "axes=[latent_dim,beta]: a heat map takes two",
        ),
        (
            ["axes=[latent_dim,beta_max]"],
            "axes=['latent_dim', 'beta_max'] has an effect with plot=",
        ),
        (["over=seconds"], "over=seconds has an effect with plot=curves only"),
        (["descending=true"], "descending=True has an effect with sort="),
        (["columns=[ELBO]"], "columns: 'ELBO' is no figure"),
    ],
)
def test_a_wrong_option_is_named(words: list[str], message: str, tmp_path: Path) -> None:
    done = run_cli("tables", str(sweep(tmp_path)), *words)
    assert done.status == 1
    assert message in done.error
