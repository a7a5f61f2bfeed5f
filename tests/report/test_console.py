"""Results on stdout alone, logs on stderr, and progress with and without a terminal."""

import io
import logging
import os
from types import SimpleNamespace

import pytest
from rich.console import Console

from vaetext.report import console

STEP = {
    "epoch": 0,
    "split": "steps",
    "step": 5,
    "rec": 12.345,
    "kl": {"z_g": 1.5, "z_l": 0.25},
    "neg_elbo": 14.1,
    "beta": 0.5,
}
VALID = {
    "epoch": 0,
    "split": "valid",
    "step": 10,
    "rec": 12.0,
    "kl": {"z_g": 1.5, "z_l": 0.25},
    "neg_elbo": 13.75,
    "seconds": 3.4,
}


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> io.StringIO:
    """What the console prints, on a terminal or not."""
    stream = io.StringIO()
    monkeypatch.setattr(
        console,
        "console",
        Console(file=stream, force_terminal=request.param, width=120, color_system=None),
    )
    return stream


def report(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), console.TrainingProgress(20, lambda: 0.5) as progress:
        for line in (STEP, STEP, VALID):
            progress.report(line)


@pytest.mark.parametrize("screen", [False], indirect=True)
def test_without_a_terminal_each_epoch_is_one_line(
    screen: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    report(caplog)
    assert screen.getvalue().strip() == ""
    assert [each.getMessage() for each in caplog.records] == [
        "epoch 0 valid: rec 12.00 KL z_g 1.50 KL z_l 0.25 -ELBO 13.750 (3 s)"
    ]


@pytest.mark.parametrize("screen", [True], indirect=True)
def test_a_terminal_shows_a_bar_with_figures(
    screen: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    report(caplog)
    assert "rec 12.35 KL z_g 1.50 KL z_l 0.25 beta 0.500" in screen.getvalue()
    assert "epoch 0" in screen.getvalue()


@pytest.mark.parametrize("screen", [True], indirect=True)
def test_a_narrow_terminal_cuts_the_figures_before_the_times(
    screen: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.console, "width", 80)
    with console.TrainingProgress(20, lambda: 0.5) as progress:
        progress.report({**STEP, "kl": {f"z_{n}": 10.25 for n in range(1, 5)}})
    assert "0:00:00 -:--:-- rec 12.35 KL z_1 10.25" in screen.getvalue()


def test_only_results_go_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    console.show("| a [bold] | $ |")
    console.console.print("log")
    logging.getLogger("vaetext").warning("log")
    assert capsys.readouterr().out == "| a [bold] | $ |\n"


@pytest.mark.parametrize("screen", [False], indirect=True)
def test_a_long_record_is_one_line_without_markup(screen: io.StringIO) -> None:
    message = "[bold] $ %s " + "long " * 60
    console.LogHandler().emit(
        logging.LogRecord("vaetext", logging.WARNING, "", 0, message, ("<unk>",), None)
    )
    assert screen.getvalue()[9:] == message % "<unk>" + "\n"


def test_a_log_that_nobody_reads_ends_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as closed:
        logs = console.LogConsole(file=closed)
        for _ in range(3):
            logs.print("epoch 1")


@pytest.mark.parametrize("screen", [False], indirect=True)
def test_progress_of_data_is_logged_where_there_is_no_terminal(
    screen: io.StringIO, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    times = iter([0.0, 1.0, 20.0, 20.0, 25.0, 40.0, 40.0])
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=lambda: next(times)))
    with console.DataProgress() as progress:
        for done in (1, 2, 3):
            progress.report("tokenizing train", done, 4)
        progress.report("reading my.txt", 5000, None)
    assert caplog.messages == [
        "tokenizing train",
        "tokenizing train: 50%",
        "reading my.txt",
        "reading my.txt: 5,000",
    ]
    assert not screen.getvalue()


@pytest.mark.parametrize("screen", [True], indirect=True)
def test_a_terminal_shows_a_bar_of_what_is_done_with_the_data(screen: io.StringIO) -> None:
    with console.DataProgress() as progress:
        progress.report("tokenizing train", 1, 4)
        progress.bar.refresh()
        assert "tokenizing train" in screen.getvalue()
        assert "25%" in screen.getvalue()
