"""Pictures: what they show, and that every text and shape can be drawn."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from records import record
from torch import Tensor

from vaetext.config.data import Sine
from vaetext.data import corpora
from vaetext.data.drawn import Drawn
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.latent import Latent
from vaetext.evaluation.codes import LatentCodes
from vaetext.evaluation.metrics import Evaluation
from vaetext.evaluation.results import BoundsByK, SplitResults
from vaetext.evaluation.scoring import Scores
from vaetext.models.diagnostics import Panel, Series
from vaetext.report import plots
from vaetext.report.plots.diagrams import diagram
from vaetext.runs.metrics_line import write_line

PNG = b"\x89PNG\r\n\x1a\n"


def metrics(latents: tuple[str, ...]) -> list[dict[str, Any]]:
    lines = []
    for step in range(10, 210, 10):
        figures = {
            "step": step,
            "rec": 100 / step,
            "kl": dict.fromkeys(latents, 2.0),
            "neg_elbo": 100 / step + 2,
            "beta": step / 200,
            "lr": 0.1,
        }
        lines.append({"split": "steps", **figures})
        if step % 50 == 0:
            lines.append({"split": "train", "epoch": step // 50, **figures})
            lines.append({"split": "valid", "epoch": step // 50, **figures})
    return lines


def code(mean: Tensor, axes: tuple[str, ...] = ("dimension",)) -> LatentCodes:
    """Means of a latent; without axes its KL is sampled jointly."""
    return LatentCodes(
        latent=Latent("z"),
        z=mean,
        q=Gaussian(mean, torch.zeros_like(mean)),
        mean=mean,
        prior_mean=None,
        kl=0.5 * mean**2 if axes else torch.zeros(len(mean)),
        axes=axes,
        lengths=None,
    )


def scores(**codes: LatentCodes) -> Scores:
    count = len(next(iter(codes.values())).mean) if codes else 3
    return Scores(
        log_px=torch.zeros(1, count),
        kl={},
        log_weight=torch.zeros(1, count),
        codes=codes,
        tokens=torch.arange(count) + 1,
        words=torch.arange(count),
        truth=None,
    )


def legend(axis: Axes) -> list[str]:
    return [text.get_text() for text in axis.get_legend().get_texts()]


@pytest.mark.parametrize("dimensions", [{}, {"z": 16}, {"z_g": 1, "z_l": 3}])
def test_a_run_folder_gets_its_plots(tmp_path: Path, dimensions: dict[str, int]) -> None:
    (tmp_path / "metrics.jsonl").write_bytes(b"".join(map(write_line, metrics(tuple(dimensions)))))
    drawn = {
        name: code(torch.randn(40, size), ("dimension",) if size > 1 else ())
        for name, size in dimensions.items()
    }
    results = SplitResults(**record(1.0, {}))
    plots.write(tmp_path, Evaluation(results, scores(**drawn), []))
    found = {path.name for path in (tmp_path / "plots").iterdir()}
    assert found == (
        {"training.png", "kl_per_dimension.png", "codes.png"} if dimensions else {"training.png"}
    )
    assert all(path.read_bytes().startswith(PNG) for path in (tmp_path / "plots").iterdir())


def test_curves_show_the_bound_that_was_trained_on() -> None:
    drawn = metrics(("z",))
    for line in drawn:
        line["loss"] = 7.0
        if line["split"] == "valid":
            line |= {"fivo_nll": 6.0, "fivo_samples": 8}
    curves = {str(line.get_label()): line for line in plots.training(drawn).axes[0].lines}
    assert set(np.asarray(curves["FIVO-NLL(8), train"].get_ydata())) == {7.0}
    assert set(np.asarray(curves["FIVO-NLL(8), valid"].get_ydata())) == {6.0}


def test_the_kl_of_a_step_is_a_mean_over_the_sequences_that_reach_it() -> None:
    kl = torch.tensor([[1.0, 1.0], [3.0, 0.0], [4.0, 4.0]])  # of lengths 2 and 1
    steps = replace(
        code(kl), latent=Latent("z", per_step=True), kl=kl, lengths=torch.tensor([2, 1])
    )
    figure = plots.steps(Evaluation(SplitResults(**record(1.0, {})), scores(z=steps), []))
    axis, other = figure["kl_per_step"].axes
    np.testing.assert_allclose(axis.lines[0].get_ydata(), [5.0, 3.0])
    np.testing.assert_allclose(other.lines[0].get_ydata(), [2, 1])
    assert axis.get_ylim() == (0, pytest.approx(5.25))  # the highest value is not on the border
    assert other.get_ylim() == (0, pytest.approx(2.1))
    assert plots.png(figure["kl_per_step"]).startswith(PNG)


def test_bounds_are_shown_over_k_with_their_gap() -> None:
    found = BoundsByK([1, 2, 4], [3.0, 2.5, 2.25], [3.0, 2.25, 2.0], 3.5, 20, 400)
    results = SplitResults(**{**record(1.0, {}), "by_samples": found})
    figure = plots.steps(Evaluation(results, scores(), []))["bounds"]
    (axis,) = figure.axes
    assert legend(axis) == ["-ELBO", "IW-NLL(K)", "FIVO-NLL(K)"]
    assert axis.get_xlabel() == "K (gap between the two at 4: 0.250)"
    assert axis.get_title() == "bounds, first 20 sequences (400 steps)"
    assert plots.png(figure).startswith(PNG)


def test_the_gap_between_bounds_that_are_alike_has_no_sign() -> None:
    found = BoundsByK([1], [3.0], [3.00001], 3.5, 1, 20)
    results = SplitResults(**{**record(1.0, {}), "by_samples": found})
    (axis,) = plots.steps(Evaluation(results, scores(), []))["bounds"].axes
    assert axis.get_xlabel() == "K (gap between the two at 1: 0.000)"
    assert axis.get_title() == "bounds, first sequence (20 steps)"


def test_curves_show_the_figures_of_training() -> None:
    loss, kl, settings = plots.training(metrics(("z",))).axes[:3]
    curves = {str(line.get_label()): line for line in loss.lines}
    assert list(np.asarray(curves["-ELBO, valid"].get_xdata())) == [50, 100, 150, 200]
    assert list(np.asarray(curves["rec, valid"].get_ydata())) == [
        2.0,
        1.0,
        pytest.approx(2 / 3),
        0.5,
    ]
    assert [str(line.get_label()) for line in kl.lines] == ["KL z, train", "KL z, valid"]
    assert list(np.asarray(settings.lines[0].get_ydata()))[-1] == 1.0


def test_the_kl_legend_has_an_entry_for_each_latent_and_hides_no_curve() -> None:
    figure = plots.training(metrics(tuple(f"z_{n}" for n in range(1, 11))))
    kl = figure.axes[1]
    assert legend(kl) == [f"KL z_{n}" for n in range(1, 11)]
    assert len(kl.lines) == 20
    FigureCanvasAgg(figure).draw()
    box = kl.get_legend().get_window_extent()
    assert not any(box.overlaps(axis.get_window_extent()) for axis in figure.axes[1:])
    assert figure.bbox.y0 <= box.y0


def test_separate_kl_weights_are_lines_in_their_latents_colours() -> None:
    lines = metrics(("z_1", "z_2"))
    for line in lines:
        line["kl_weights"] = {"z_1": line["beta"], "z_2": line["beta"] / 2}
    _, kl, settings = plots.training(lines).axes[:3]
    first, second = settings.lines
    assert list(np.asarray(first.get_ydata())) == [step / 200 for step in range(10, 210, 10)]
    assert list(np.asarray(second.get_ydata())) == [step / 400 for step in range(10, 210, 10)]
    assert {line.get_color() for line in settings.lines} == {line.get_color() for line in kl.lines}
    assert legend(settings) == ["z_1", "z_2"]


def test_bars_are_the_kl_of_each_dimension_largest_first() -> None:
    mean = torch.tensor([[1.0, 0.0, 3.0], [-1.0, 0.0, -3.0]])
    left, right = plots.kl_per_dimension(scores(z=code(mean))).axes
    assert [bar.get_height() for bar in left.patches] == pytest.approx([4.5, 0.5, 0.0])
    variances = [bar.get_height() for bar in right.patches]  # as the table counts active units
    assert variances == pytest.approx([18.0, 2.0, 0.0])
    assert left.get_title() == "KL of z: 5.00 nats (one sample)"
    assert right.get_title() == "active units of z: 2 of 3"


def test_one_sequence_has_no_active_unit() -> None:
    right = plots.kl_per_dimension(scores(z=code(torch.ones(1, 3)))).axes[1]
    assert right.get_title() == "active units of z: 0 of 3"
    assert right.get_yscale() == "log"


def test_the_bar_of_the_smallest_variance_is_visible() -> None:
    mean = torch.tensor([1.0, 1e-3]) * torch.linspace(-1, 1, 40)[:, None]
    right = plots.kl_per_dimension(scores(z=code(mean))).axes[1]
    assert right.get_ylim()[0] == pytest.approx(min(bar.get_height() for bar in right.patches) / 2)


def test_a_map_has_a_bar_for_each_position_and_dimension() -> None:
    found = scores(z=code(torch.randn(20, 3, 4), ("position", "dimension")))
    left, right = plots.kl_per_dimension(found).axes
    assert len(left.patches) == len(right.patches) == 12
    assert right.get_title() == "active units of z: 12 of 12"
    assert len(plots.codes(found).axes) == 2


def test_codes_are_coloured_by_known_factors_or_length() -> None:
    drawn = scores(z=code(torch.randn(30, 4)))
    factors = {"a": np.linspace(-1, 1, 30), "b": np.zeros(30)}
    by_a, by_b, bar_a, bar_b = plots.codes(drawn, factors).axes
    np.testing.assert_array_equal(by_a.collections[0].get_array(), factors["a"])
    np.testing.assert_array_equal(by_b.collections[0].get_array(), factors["b"])
    assert [bar.get_ylabel() for bar in (bar_a, bar_b)] == ["a", "b"]
    by_length, bar = plots.codes(drawn).axes
    np.testing.assert_array_equal(by_length.collections[0].get_array(), drawn.tokens.numpy())
    assert bar.get_ylabel() == "tokens with EOS"


def test_factors_that_are_names_have_a_legend() -> None:
    names = np.array(["past", "future", "past"] * 10)
    (axis,) = plots.codes(scores(z=code(torch.randn(30, 4))), {"tense": names}).axes
    dots = axis.collections[-1]  # the others are those of the legend
    assert len(dots.get_offsets()) == 30  # type: ignore[arg-type]
    colours = [tuple(each) for each in np.asarray(dots.get_facecolor())]
    assert sorted(colours.count(each) for each in set(colours)) == [10, 20]
    assert len(set(colours[:10])) == 2  # neither kind is drawn over the other
    assert axis.get_legend().get_title().get_text() == "tense"
    assert legend(axis) == ["future", "past"]


def test_a_long_sentence_is_cut() -> None:
    figure = plots.interpolation({"z": torch.zeros(2, 3)}, ["a" * 200, "b  c"], ["A", "B"])
    shown = [text.get_text() for text in figure.axes[1].texts]
    assert "a" * 94 + " …" in shown
    assert "b  c" in shown


def test_a_path_between_images_shows_them_and_the_ends_that_are_there() -> None:
    images = [np.eye(4), np.zeros((4, 4)), np.ones((4, 4)), None]
    figure = plots.interpolation({"z": torch.zeros(2, 3)}, ["a", "b"], ["A", "B"], images)
    right = figure.axes[1]
    assert [shown.get_array().mean() for shown in right.images] == [0.25, 0, 1]  # type: ignore[union-attr]
    assert [text.get_text() for text in right.texts] == ["A"]
    assert plots.png(figure).startswith(PNG)


def test_images_are_shown_in_grids_of_ten() -> None:
    columns = {"test data": [np.eye(4)] * 23, "samples": [np.zeros((4, 4))] * 3}
    figure = plots.frames(Drawn("images"), columns, given=2)
    shapes = [axis.images[0].get_size() for axis in figure.axes]
    assert shapes == [(3 * 5 - 1, 10 * 5 - 1), (4, 3 * 5 - 1)]
    assert [axis.get_title() for axis in figure.axes] == ["test data", "samples"]


def test_a_diagnostic_with_many_kinds_of_points_names_them_beside_its_image() -> None:
    points = [Series(f"{n}", np.zeros(3), np.zeros(3), "points") for n in range(20)]
    described = [Panel("codes", "x", "y", points), Panel("grid", "x", "y", image=np.eye(5))]
    figure = diagram(described)
    codes, grid = figure.axes
    colours = {tuple(each.get_facecolor()[0]) for each in codes.collections}
    assert len(colours) == 20
    legend = codes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [f"{n}" for n in range(20)]
    assert {handle.get_alpha() for handle in legend.legend_handles if handle is not None} == {1}
    np.testing.assert_array_equal(grid.images[0].get_array(), np.eye(5))  # type: ignore[arg-type]
    assert plots.png(figure).startswith(PNG)


def test_codes_have_a_row_for_each_latent_and_a_column_for_each_factor() -> None:
    drawn = {f"z_{n}": code(torch.randn(30, 4)) for n in range(1, 6)}
    figure = plots.codes(scores(**drawn), {"a": np.zeros(30), "b": np.ones(30)})
    panels = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title().split()[2] for axis in panels] == [
        f"{name}," for name in drawn for _ in "ab"
    ]
    places = [axis.get_subplotspec().get_geometry() for axis in panels]  # type: ignore[union-attr]
    assert places == [(5, 2, n, n) for n in range(10)]


def test_samples_are_shown_beside_the_data() -> None:
    corpus = corpora.load(Sine(name="sine", train_size=5, valid_size=5, test_size=5))
    drawn = corpus.format.encode_all(["0123", "9" * 16, ""])
    data, samples = plots.samples(corpus, drawn).axes
    first = [int(digit) for digit in corpus.format.decode(corpus.splits["test"][0])]
    assert list(np.asarray(data.lines[0].get_ydata())) == first
    assert [list(np.asarray(line.get_ydata())) for line in samples.lines] == [
        [0, 1, 2, 3],
        [9] * 16,
        [],
    ]
    assert data.get_ylim() == samples.get_ylim()
    assert samples.get_ylim()[1] > 9
    assert data.get_title() == "3 sequences: test data"
    assert samples.get_title() == "3 sequences: samples"


def test_principal_axes_are_those_of_the_largest_variance() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(500, 4)) * [5.0, 2.0, 0.1, 0.1] + 7
    rotation, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    plane, shares = plots.principal(points @ rotation)
    assert plane.shape == (500, 2)
    assert shares.sum() > 0.99
    centred = points[:, :2] - points[:, :2].mean(0)
    for axis in (0, 1):
        assert abs(np.corrcoef(plane[:, axis], centred[:, axis])[0, 1]) > 0.99
    alone, share = plots.principal(points[:, :1])
    assert alone.shape == (500, 2)
    assert share.tolist() == pytest.approx([1.0, 0.0])
    assert plots.principal(np.ones((3, 2)))[1].tolist() == [0.0, 0.0]


def test_training_curves_are_means_over_epochs_not_over_batches_of_like_length() -> None:
    rng = np.random.default_rng(0)
    lengths = np.sort(rng.integers(1, 60, 640)).reshape(20, 32).mean(1)
    lines = []
    for epoch in range(3):  # of a model that does not change: rec is 2 nats a token
        for number, length in enumerate(rng.permutation(lengths)):
            line = {**metrics(())[0], "step": 20 * epoch + number, "neg_elbo": 2 * length}
            lines.append(line)
        lines += [
            {**line, "split": split, "neg_elbo": 2 * lengths.mean()} for split in ("train", "valid")
        ]
    curves = {str(line.get_label()): line for line in plots.training(lines).axes[0].lines}
    assert np.ptp(np.asarray(curves["NLL, train"].get_ydata())) == 0
    assert list(np.asarray(curves["NLL, train"].get_xdata())) == [19, 39, 59]


@pytest.mark.parametrize(
    "line",
    [
        "$ N million and $ N",
        "a_b ^ \\frac {x} %",
        "\u65e5\u672c\u8a9e \U0001f600",
        "word " * 200,
        "",
    ],
)
def test_any_sentence_can_be_drawn(tmp_path: Path, line: str) -> None:
    path = {"z_g": torch.randn(3, 4), "z_l": torch.zeros(3, 2, 2)}
    plots.save(plots.interpolation(path, [line] * 3, [line, "(drawn)"]), tmp_path / "a" / "one.png")
    assert (tmp_path / "a" / "one.png").read_bytes().startswith(PNG)
    assert [each.name for each in (tmp_path / "a").iterdir()] == ["one.png"]


@pytest.mark.parametrize(("given", "kept"), [("of_a_notebook", ""), ("svg", "svg")])
def test_pictures_need_no_backend(given: str, kept: str) -> None:
    """A notebook sets MPLBACKEND, and matplotlib refuses one that is not installed."""
    lines = "import vaetext.report.plots, matplotlib; print(matplotlib.get_backend())"
    done = subprocess.run(
        [sys.executable, "-c", lines],
        env={**os.environ, "MPLBACKEND": given},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert kept in done.stdout


def titles(figure: Figure) -> list[str]:
    return [axis.get_title() for axis in figure.axes if axis.get_visible()]


def test_rolls_are_bars_over_the_steps_that_a_note_is_held() -> None:
    roll = np.zeros((5, 88))
    roll[1:3, 39] = roll[4, 40] = 1
    drawn = Drawn("roll", "step", "MIDI note", first=21)
    figure = plots.frames(drawn, {"test data": [roll, roll], "samples": [roll]}, given=2)
    assert titles(figure) == ["test data, 1", "samples, 1", "test data, 2"]
    first = figure.axes[0]
    bars = first.collections[0].get_segments()  # type: ignore[attr-defined]
    assert [bar.tolist() for bar in bars] == [[[1, 60], [3, 60]], [[4, 61], [5, 61]]]
    assert first.get_ylim() == (57.5, 63.5)
    assert figure.axes[1].get_xlabel() == figure.axes[2].get_xlabel() == "step"
    assert np.asarray(first.lines[0].get_xdata()).tolist() == [2, 2]
    assert plots.png(figure).startswith(PNG)


def test_waves_are_drawn_over_seconds_and_curves_over_steps() -> None:
    wave = plots.frames(Drawn("wave", "seconds", step=0.25), {"samples": [np.arange(5.0)] * 9})
    assert len(wave.axes) == 7  # rows
    assert np.asarray(wave.axes[0].lines[0].get_xdata()).tolist() == [0, 0.25, 0.5, 0.75, 1]
    curves = plots.frames(Drawn("curves"), {"samples": [np.ones((4, 1)), np.ones((3, 1))]})
    assert [len(np.asarray(line.get_xdata())) for line in curves.axes[0].lines] == [4, 3]
    several = plots.frames(Drawn("curves"), {"samples": [np.ones((4, 3)), np.ones((3, 3))]})
    assert [len(axis.lines) for axis in several.axes] == [3, 3]
    for figure in (wave, curves, several):
        assert plots.png(figure).startswith(PNG)


def test_a_silent_roll_can_be_drawn() -> None:
    figure = plots.frames(Drawn("roll"), {"samples": [np.zeros((3, 88))]})
    assert plots.png(figure).startswith(PNG)
