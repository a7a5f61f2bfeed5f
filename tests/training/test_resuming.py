"""A run that was killed or interrupted is resumed bit for bit."""

import math
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small import CPU, OPTIONS, Killed, kill_at, lines, resumed_after_kill, same, splits, training
from toys.length import ToyLength

from vaetext.config.data import Sine
from vaetext.config.models.vrae import VRAE
from vaetext.config.trainer import Trainer
from vaetext.data import corpora, order
from vaetext.data.domain import Symbols
from vaetext.models.registry import build
from vaetext.runs import checkpoint
from vaetext.runs.signals import SIGNALS
from vaetext.training.interrupts import Stopped
from vaetext.training.loop import Training


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": "sgd"},
        {"accumulate": 3},
        {"schedule": "plateau", "plateau_patience": 0},
        {"epoch_batches": 3},
        {"epoch_batches": 11},
        pytest.param({"precision": "bf16"}, marks=pytest.mark.bf16),
    ],
)
@pytest.mark.parametrize("step", [1, 2, 5, 7])
def test_a_killed_run_is_resumed_bit_for_bit(
    tmp_path: Path, step: int, options: dict[str, Any]
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    training(whole, **options).fit()
    resumed_after_kill(training, cut, step, **options).fit()
    same(whole, cut)


@pytest.mark.parametrize("options", [{}, {"accumulate": 3}, {"epoch_batches": 5}])
@pytest.mark.parametrize("step", [1, 2, 5])
def test_a_run_on_a_split_shuffled_by_blocks_is_resumed_bit_for_bit(
    tmp_path: Path, step: int, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "WINDOW", 10)
    monkeypatch.setattr(order, "BLOCK", 3)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    training(whole, **options).fit()
    resumed = resumed_after_kill(training, cut, step, **options)
    assert resumed.order(0).windows == 3  # type: ignore[attr-defined]
    resumed.fit()
    same(whole, cut)


@pytest.mark.parametrize("estimator", ["reinforce-ema", "enumerate"])
def test_running_means_of_the_objective_are_resumed(tmp_path: Path, estimator: str) -> None:
    def discrete(folder: Path, **options: Any) -> Training:
        torch.manual_seed(1)
        config = Trainer(
            **{**OPTIONS, "word_dropout": 0.0},
            estimator=estimator,
            free_bits=0.2,
            **options,
        )
        model = ToyLength(ToyLength.Config(), Symbols(8, 1, 0, 9))
        return Training(config, model, splits(), folder, CPU, seed=1)

    whole = tmp_path / "whole"
    cut = tmp_path / "cut"
    discrete(whole).fit()
    again = resumed_after_kill(discrete, cut, 11)
    assert float(again.objective.kl_z) > 0
    again.fit()
    same(whole, cut)


def test_a_killed_run_is_resumed_on_the_same_fresh_sequences(tmp_path: Path) -> None:
    def fresh(folder: Path, **options: Any) -> Training:
        corpus = corpora.load(Sine(name="sine", train_size=24, valid_size=10, test_size=10))
        torch.manual_seed(1)
        model = build(VRAE(name="vrae", embedding_dim=5, hidden_dim=6, latent_dim=2), corpus.domain)
        return Training(Trainer(**OPTIONS, **options), model, corpus.splits, folder, CPU, seed=1)

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    fresh(whole).fit()
    run = fresh(cut, checkpoint_minutes=1e-9)
    kill_at(run, 9)
    with pytest.raises(Killed):
        run.fit()
    again = fresh(cut)
    again.restore()
    assert (again.state.epoch, again.state.batch) == (1, 2)
    again.fit()
    same(whole, cut)


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupted_run_is_resumed_from_its_checkpoint(number: int, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    training(whole).fit()
    run = training(cut)
    run.report = lambda line: os.kill(os.getpid(), number) if line["step"] == 3 else None
    with pytest.raises(Stopped, match="is saved; continue with") as raised:
        run.fit()
    assert raised.value.number == number
    again = training(cut)
    again.restore()
    assert 0 < again.state.step < 20
    again.fit()
    same(whole, cut)


def test_a_second_signal_ends_training_at_once_if_it_is_sigint(tmp_path: Path) -> None:
    """A closed terminal sends SIGHUP twice: the checkpoint must be written all the same."""
    for second, at_once in ((signal.SIGHUP, False), (signal.SIGTERM, False), (signal.SIGINT, True)):
        run = training(tmp_path / str(second))

        def report(line: dict[str, Any], second: int = second) -> None:
            if line["step"] == 3:
                os.kill(os.getpid(), signal.SIGHUP)
                os.kill(os.getpid(), second)

        run.report = report
        with pytest.raises(KeyboardInterrupt) as raised:
            run.fit()
        assert isinstance(raised.value, Stopped) != at_once
        assert run.last.is_file() != at_once


def test_an_interrupt_in_the_last_validation_stops_training(tmp_path: Path) -> None:
    run = training(tmp_path, epochs=1)
    run.report = lambda line: (
        os.kill(os.getpid(), signal.SIGINT) if line["split"] == "valid" else None
    )
    with pytest.raises(Stopped):
        run.fit()
    again = training(tmp_path, epochs=1)
    again.restore()
    assert again.finished


def test_a_line_of_metrics_lost_in_part_is_cut_off(tmp_path: Path) -> None:
    training(tmp_path, epochs=2).fit()
    written = (tmp_path / "metrics.jsonl").read_bytes()
    (tmp_path / "metrics.jsonl").write_bytes(written[:-50])
    again = training(tmp_path)
    again.restore()
    again.fit()
    kept = written[:-50].rpartition(b"\n")
    assert (tmp_path / "metrics.jsonl").read_bytes().startswith(kept[0] + kept[1])
    assert [line["epoch"] for line in lines(tmp_path) if line["split"] == "valid"][-1] == 2


def test_checkpoints_and_the_metrics_before_them_are_synced_to_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, fsync = [], os.fsync

    def recorded(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded)
    training(tmp_path, epochs=1).fit()
    metrics, folder, last = (
        (tmp_path / name).stat().st_ino
        for name in ("metrics.jsonl", "checkpoints", "checkpoints/last.safetensors")
    )
    assert {metrics, folder, last} <= set(synced) and synced.index(metrics) < synced.index(last)


def test_a_kill_between_the_two_checkpoints_keeps_the_best_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = training(tmp_path, epochs=4)
    saving = Training.save

    def killed(self: Training) -> None:
        if self.state.epoch == 3:  # the best one of epoch 2 is written
            raise Killed
        saving(self)

    with monkeypatch.context() as patched:
        patched.setattr(Training, "save", killed)
        with pytest.raises(Killed):
            run.fit()
    assert checkpoint.load(tmp_path / "checkpoints/best.safetensors", CPU)[1]["epoch"] == 2
    again = training(tmp_path, epochs=4, lr=3.0)  # another rate, so that no later epoch is as good
    again.restore()
    state = again.fit()
    _, best = checkpoint.load(tmp_path / "checkpoints/best.safetensors", CPU)
    assert (state.best, state.best_epoch) == (best["neg_elbo"], best["epoch"]) and best[
        "epoch"
    ] == 2


def test_a_finished_run_is_resumed_with_more_epochs(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    training(whole, beta_epochs=1).fit()  # a share would be of all epochs
    training(cut, epochs=2, beta_epochs=1).fit()
    again = training(cut, beta_epochs=1)
    again.restore()
    assert not again.finished
    again.fit()
    same(whole, cut)


def test_metrics_before_the_first_checkpoint_are_written_again(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    training(whole).fit()
    run = training(cut)
    kill_at(run, 4)
    with pytest.raises(Killed):
        run.fit()
    assert lines(cut)
    training(cut).fit()
    same(whole, cut)


def test_another_batch_size_continues_at_the_same_share_of_the_epoch(tmp_path: Path) -> None:
    run = training(tmp_path, checkpoint_minutes=1e-9, schedule="cosine", beta_epochs=3)
    kill_at(run, 12)  # the fourth of eight batches of the second epoch is done, but not saved
    with pytest.raises(Killed):
        run.fit()
    assert run.config.batch_size == 4
    again = training(tmp_path, batch_size=8, accumulate=2, schedule="cosine", beta_epochs=3)
    again.restore()
    assert (again.state.step, again.state.batch, again.data.count) == (
        11,
        0,
        4,
    ) and again.epochs == 1
    again.fit()
    rates = [line["lr"] for line in lines(tmp_path) if line["split"] == "train"]
    assert rates == pytest.approx(
        [0.01 * 0.5 * (1 + math.cos(math.pi * epoch / 3)) for epoch in (7 / 8, 1.5, 2.5)]
    )  # two steps an epoch


def hostile(path: Path, change: Callable[[Any, dict[str, Any]], None]) -> None:
    """Changes the tensors and the state of a checkpoint, whose checksum fits again."""
    groups, state = checkpoint.load(path, CPU)
    change(groups, state)
    checkpoint.save(path, groups, state)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda g, s: g["optimizer"].update({"0.exp_avg": torch.zeros(1)}),
            "0.exp_avg is of shape",
        ),
        (lambda g, s: g["optimizer"].update({"0.step": torch.zeros(2)}), "0.step is of shape (2,)"),
        (
            lambda g, s: g["optimizer"].update({"99.step": torch.zeros(())}),
            "99.step is of shape ()",
        ),
        (lambda g, s: g["optimizer"].update({"x.step": torch.zeros(())}), "x.step is of shape ()"),
        (lambda g, s: g["optimizer"].pop("1.exp_avg_sq"), "1.exp_avg_sq is absent there"),
        (lambda g, s: g["optimizer"].update({"0.more": torch.zeros(1)}), "0.more is of shape (1,)"),
        (lambda g, s: g.pop("optimizer"), "0.step is absent there"),
        (lambda g, s: g.pop("model"), "absent there"),
        (lambda g, s: g["random"].update(cpu=torch.zeros(3)), "its random states do not fit"),
        (lambda g, s: g.pop("random"), "its random states do not fit"),
        (
            lambda g, s: g.update(objective={"kl_z": torch.zeros(3, 2)}),
            "its running means do not fit",
        ),
        (lambda g, s: s.update(epoch=-1), "it has epoch=-1"),
        (lambda g, s: s.update(step="3"), "it has step='3'"),
        (lambda g, s: s.update(best=math.nan), "it has best=nan"),
        (lambda g, s: s.update(batch=2.5), "it has batch=2.5"),
        (lambda g, s: s.update(window={"count": 1}), "its state has sums of count, not of"),
        (lambda g, s: s.update(more=1), "it has more=1"),
        (lambda g, s: s.pop("tokens"), "it has no tokens"),
    ],
)
def test_a_hostile_checkpoint_is_one_message_that_names_it(
    tmp_path: Path, change: Callable[[Any, dict[str, Any]], None], words: str
) -> None:
    training(tmp_path, epochs=1).fit()
    path = tmp_path / "checkpoints/last.safetensors"
    hostile(path, change)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}.*{re.escape(words)}") as raised:
        training(tmp_path).restore()
    assert "\n" not in str(raised.value)


def test_a_hostile_best_checkpoint_is_refused(tmp_path: Path) -> None:
    training(tmp_path, epochs=1).fit()
    path = tmp_path / "checkpoints/best.safetensors"
    hostile(path, lambda groups, state: state.update(epoch="0"))
    with pytest.raises(ValueError, match=r"best\.safetensors has epoch='0'"):
        training(tmp_path).restore()


@pytest.mark.parametrize(("first", "then"), [("adam", "sgd"), ("sgd", "adamw")])
def test_another_optimizer_begins_with_averages_of_zero(
    tmp_path: Path, first: str, then: str, caplog: pytest.LogCaptureFixture
) -> None:
    training(tmp_path, epochs=1, optimizer=first).fit()
    again = training(tmp_path, optimizer=then)
    again.restore()
    assert "trainer.optimizer has changed: the averages of the new one begin at zero" in caplog.text
    again.fit()
    assert again.state.epoch == 3


def test_damaged_lines_of_metrics_are_named_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    training(tmp_path, epochs=2).fit()
    path = tmp_path / "metrics.jsonl"
    written = path.read_bytes().splitlines(keepends=True)
    damages = (
        written[1].replace(b"{", b"[", 1),
        written[1].replace(b"neg_elbo", b"neg_elbn"),
        written[1].replace(b'"rec": ', b'"rec":"'),
        b"\0" * (len(written[1]) - 1) + b"\n",
        b"\xff" + written[1][1:],
        b"3".ljust(len(written[1]) - 1) + b"\n",
        written[1].replace(b'"epoch": 0', b'"epoch": 1'),
        written[1].replace(b'"crc32"', b'"crc33"'),
    )
    for damaged in damages:
        path.write_bytes(b"".join([written[0], damaged, *written[2:]]))
        caplog.clear()
        again = training(tmp_path, epochs=2)
        again.restore()
        assert f"{path}: line 2 is damaged" in caplog.text
        assert path.read_bytes() == b"".join([written[0], *written[2:]])
    caplog.clear()
    again = training(tmp_path)
    again.restore()
    again.fit()
    assert again.state.epoch == 3


@pytest.mark.parametrize("tail", [b"", b"\0" * 60])
def test_a_lost_end_of_metrics_is_said(
    tmp_path: Path, tail: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    training(tmp_path, epochs=2).fit()
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(path.read_bytes()[:-60] + tail)
    training(tmp_path).restore()
    assert f"{path}: its last " in caplog.text
    assert "bytes are lost; the curve of training lacks these lines" in caplog.text
