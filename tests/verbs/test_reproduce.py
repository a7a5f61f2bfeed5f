"""``vaetext reproduce``: which runs it starts, and what it says of those that fail."""

import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from vaetext.cli import main as cli
from vaetext.config.verbs import ReproduceConfig, Table
from vaetext.report.table import Row
from vaetext.runs.signals import Interrupted
from vaetext.verbs import reproduce

TABLE = Table(
    "t",
    "Title",
    "Note.",
    [{"name": "A row", "overrides": ["model=vrae"]}],
    {"full": [], "debug": ["trainer=debug"]},
)
SIZES = [
    "trainer=debug",
    "data.train_size=40",
    "data.valid_size=20",
    "data.test_size=20",
    "model.hidden_dim=4",
    "trainer.threads=1",
]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would be started; each ends with an error."""
    found: list[list[str]] = []

    def failing(command: list[str]) -> int:
        found.append(command)
        return 1

    monkeypatch.setattr(reproduce, "_status", failing)
    return found


def test_rows_are_trained_and_the_page_is_shown_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained: list[Any] = []
    monkeypatch.setattr(reproduce, "train", lambda *arguments: trained.append(arguments))
    monkeypatch.setattr(reproduce, "published_row", lambda row, folder: Row(row["name"], "ptb"))
    reproduce.run(ReproduceConfig(table=TABLE, scale="debug", outputs=str(tmp_path)))
    folder = tmp_path / "tables" / "t" / "debug"
    assert trained == [(["model=vrae", "trainer=debug"], folder / "A-row")]
    shown = capsys.readouterr().out
    assert shown.startswith("# Title (scale=debug, data=ptb)\n")
    assert shown == (folder / "table.md").read_text()


def test_an_unknown_scale_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="scale=tiny: table t has full, debug"):
        reproduce.run(ReproduceConfig(table=TABLE, scale="tiny", outputs=str(tmp_path)))


def test_an_interrupt_waits_for_the_run_and_says_how_to_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Process(nullcontext[Any]):
        waited = 0
        ended = 0

        def __enter__(self) -> Any:
            return self

        def wait(self) -> int:
            self.waited += 1
            if self.waited == 1:
                raise Interrupted(signal.SIGTERM)
            return 1

        def terminate(self) -> None:
            self.ended += 1

    process = Process()
    monkeypatch.setattr(reproduce.subprocess, "Popen", lambda *_, **__: process)
    message = f"the same command again.*{tmp_path} is kept"
    with pytest.raises(Interrupted, match=message) as raised:
        reproduce.train([], tmp_path)
    assert raised.value.number == signal.SIGTERM
    assert process.ended == 1
    assert process.waited == 2


def test_rows_are_trained_with_the_users_config_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]
) -> None:
    (tmp_path / "own/table").mkdir(parents=True)
    (tmp_path / "own/table/t.yaml").write_text(
        "defaults: [/schema/table/table@_here_, _self_]\n\n"
        "name: t\nrows: [{name: VRAE, overrides: [trainer=mine]}]\nscales: {full: []}\n"
    )
    monkeypatch.chdir(tmp_path)
    arguments = ["reproduce", "--config-dir", "own", "table=t", "scale=full"]
    monkeypatch.setattr(sys, "argv", ["vaetext", *arguments])
    with pytest.raises(SystemExit):
        cli.main()
    (command,) = commands
    assert command[3:7] == ["train", "--config-dir", str(tmp_path / "own"), "trainer=mine"]


def test_a_row_that_fails_is_an_error(tmp_path: Path, commands: list[list[str]]) -> None:
    with pytest.raises(ValueError, match=f"{tmp_path / 'out'} ended with status 1"):
        reproduce.train(["model=vrea"], tmp_path / "out")


def test_a_row_is_trained_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "out" / "results.json"
    reproduce.train(SIZES, tmp_path / "out")
    before = results.stat().st_mtime_ns
    reproduce.train(SIZES, tmp_path / "out")
    assert results.stat().st_mtime_ns == before
