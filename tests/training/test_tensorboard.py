"""Tensorboard: every number of a line of metrics is an event."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from vaetext.training.tensorboard import Tensorboard


class Writer:
    def __init__(self, folder: str, flush_secs: int, purge_step: int | None) -> None:
        self.purged = purge_step
        self.events: dict[str, tuple[float, int]] = {}
        self.texts: list[tuple[str, str, int]] = []

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        self.events[tag] = (value, step)

    def add_text(self, tag: str, text: str, step: int) -> None:
        self.texts.append((tag, text, step))


def test_a_line_of_metrics_is_an_event_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", SimpleNamespace(SummaryWriter=Writer))
    board = Tensorboard(tmp_path)
    board.report({"split": "steps", "step": 5, "rec": 9.0, "kl": {"z": 2.0}, "beta": 0.5})
    assert board._writer.events == {
        "steps/rec": (9.0, 5),
        "steps/kl.z": (2.0, 5),
        "steps/beta": (0.5, 5),
    }
    board.report(
        {"split": "steps", "step": 6, "kl": {}, "beta": 0.5, "kl_weights": {"z_1": 0.5, "z_2": 0.0}}
    )
    assert board._writer.events["steps/beta.z_2"] == (0.0, 6)
    assert board._writer.purged is None and Tensorboard(tmp_path, 7)._writer.purged == 8


def test_a_page_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", SimpleNamespace(SummaryWriter=Writer))
    board = Tensorboard(tmp_path)
    board.show("samples:\n<unk> *a*\n", 9)
    assert board._writer.texts == [("examples", "    samples:\n    <unk> *a*\n", 9)]
