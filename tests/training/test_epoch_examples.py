"""Samples during training: they change nothing, and a resumed run has each of them once."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from small import Killed, kill_at, resumed_after_kill, same, training
from tiny import contents

from vaetext.training.examples import EpochExamples
from vaetext.training.loop import Training

FORM: Any = SimpleNamespace(
    is_text=True, drawn=None, decode=lambda ids: " ".join(map(str, map(int, ids)))
)


def sampled(folder: Path, **options: Any) -> Training:
    run = training(folder, sample_every=2, epochs=5, **options)
    run.pages = []  # type: ignore[attr-defined]
    run.validated = EpochExamples(
        run,
        FORM,
        lambda page, step: run.pages.append((step, page)),  # type: ignore[attr-defined]
    )
    return run


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    training(tmp_path / "plain", epochs=5).fit()
    return tmp_path / "plain"


def test_training_is_the_same_bit_for_bit(
    plain: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = sampled(tmp_path / "run")
    with caplog.at_level("INFO"):
        run.fit()
    after = torch.get_rng_state()
    same(plain, tmp_path / "run")
    training(tmp_path / "again", epochs=5).fit()
    assert torch.equal(after, torch.get_rng_state())
    found = contents(tmp_path / "run" / "samples")
    assert sorted(found) == ["epoch-1.txt", "epoch-3.txt"]
    page = found["epoch-3.txt"].decode()
    assert page.startswith(f"epoch 3, step {4 * 8}\n\nsamples:\n")
    assert page.count("\n< ") == page.count("\n> ") == 5
    first = page.splitlines()[3]
    assert [each.getMessage() for each in caplog.records if "sample:" in each.getMessage()][
        -1
    ] == f"epoch 3 sample: {first}"
    assert [step for step, _ in run.pages] == [16, 32]  # type: ignore[attr-defined]


@pytest.mark.parametrize("step", [3, 15, 16, 17, 31, 33])
def test_a_resumed_run_has_the_same_examples(step: int, plain: Path, tmp_path: Path) -> None:
    sampled(tmp_path / "whole").fit()
    resumed_after_kill(sampled, tmp_path / "run", step).fit()
    same(plain, tmp_path / "run")
    assert contents(tmp_path / "run" / "samples") == contents(tmp_path / "whole" / "samples")


def test_an_epoch_that_is_shown_and_not_saved_is_shown_again(tmp_path: Path) -> None:
    """The page is written before the checkpoint, which tensorboard's events are cut back to."""
    run = sampled(tmp_path)
    saves = []

    def died() -> None:
        saves.append(run.state.step)
        if run.state.step == 16:
            raise Killed

    run.save = died  # type: ignore[method-assign]
    with pytest.raises(Killed):
        run.fit()
    assert contents(tmp_path / "samples").keys() == {"epoch-1.txt"}
    assert saves[-1] == 16


def test_none_are_written_between(tmp_path: Path) -> None:
    run = sampled(tmp_path)
    kill_at(run, 15)
    with pytest.raises(Killed):
        run.fit()
    assert not (tmp_path / "samples").exists()
