"""Several processes: what is refused, how they end, and that a run with two is that of one."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from command_line import run_cli
from tiny import GRAMMAR, SIZES, begin

from vaetext.config.trainer import Trainer
from vaetext.parallel.outside import outside
from vaetext.runs.device import use_threads
from vaetext.runs.folder import load_config
from vaetext.runs.metrics_line import read_line
from vaetext.training import launch
from vaetext.training.group import processes, ranks_outside
from vaetext.training.interrupts import Stopped
from vaetext.training.session import resume, train

OUTSIDE = {
    "RANK": "1",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "localhost",
    "MASTER_PORT": "29500",
}
SMALL = ("model=vrae", *GRAMMAR, "trainer.batch_size=7", "trainer.epochs=2", "trainer.log_every=1")


def test_a_number_of_processes_is_checked() -> None:
    for devices in ("0", "two", "-1", "1.5", "2000"):
        with pytest.raises(ValueError, match=f"devices={devices}: give the number of processes"):
            Trainer(devices=devices)


@pytest.mark.parametrize(
    ("options", "gpus", "error"),
    [
        ({"devices": "3"}, 2, "trainer.devices=3: this machine has 2 GPUs; set trainer.devices="),
        ({"devices": "2", "device": "cuda"}, 0, "trainer.device=cuda: this machine has 0 GPUs"),
        ({"devices": "2", "device": "cuda:1"}, 2, "trainer.device=cuda:1 is one GPU for 2 proc"),
        ({"devices": "4", "batch_size": 3}, 0, "trainer.batch_size=3: 4 processes share each"),
    ],
)
def test_what_processes_cannot_do_is_refused(
    options: dict[str, Any], gpus: int, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_gpus(gpus, monkeypatch)
    with pytest.raises(ValueError, match=error):
        processes(Trainer(**options))


@pytest.mark.parametrize(
    ("options", "gpus", "count"),
    [
        ({}, 2, 1),
        ({"devices": "auto"}, 2, 2),
        ({"devices": "auto"}, 0, 1),
        ({"devices": "auto", "device": "cpu"}, 2, 1),
        ({"devices": "auto", "device": "cuda:1"}, 2, 1),
        ({"devices": "3"}, 0, 3),
        ({"devices": "3", "device": "cpu"}, 2, 3),
    ],
)
def test_as_many_processes_as_are_asked_for(
    options: dict[str, Any], gpus: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_gpus(gpus, monkeypatch)
    assert processes(Trainer(**options)) == count


def with_gpus(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)


def test_processes_started_outside_are_those_of_torchs_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert outside() is None
    for name, value in OUTSIDE.items():
        monkeypatch.setenv(name, value)
    place = outside()
    assert place is not None and (place.rank, place.size, place.local) == (1, 4, 1)
    with pytest.raises(ValueError, match="WORLD_SIZE=4 processes are started already"):
        ranks_outside(Trainer(devices="2"))
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(ValueError, match="RANK=first"):
        outside()


def test_a_multirun_is_refused_where_processes_are_started_outside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in OUTSIDE.items():
        monkeypatch.setenv(name, value)
    done = run_cli("train -m seed=1,2")
    assert done.status == 1 and "-m: each of the processes that were started outside" in done.error
    assert not list(tmp_path.iterdir())


def test_processes_divide_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    try:
        monkeypatch.setenv("OMP_NUM_THREADS", "4")
        for count, sharing, threads in ((0, 2, 2), (0, 8, 1), (3, 2, 3), (0, 1, 4)):
            use_threads(count, sharing)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def trained(folder: Path, *overrides: str) -> Path:
    begin(folder, *SMALL, "trainer.examples=false", *overrides)
    train(load_config(folder), folder)
    return folder


def lines(folder: Path) -> list[dict[str, Any]]:
    found = (folder / "metrics.jsonl").read_bytes().splitlines()
    return [{**read_line(line), "seconds": 0} for line in found]


def results(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return record


def test_a_run_with_two_processes_is_that_of_one(tmp_path: Path) -> None:
    one = trained(tmp_path / "one")
    two = trained(tmp_path / "two", "trainer.devices=2")
    assert [(line["step"], line["split"]) for line in lines(two)] == [
        (line["step"], line["split"]) for line in lines(one)
    ]
    for ours, expected in zip(lines(two), lines(one), strict=True):
        assert ours["rec"] == pytest.approx(expected["rec"], rel=1e-5)
        assert ours["kl"]["z"] == pytest.approx(expected["kl"]["z"], rel=1e-4)
    assert json.loads((two / "env.json").read_text())["processes"] == 2

    evaluated = (two / "results.json").read_bytes()
    samples = load_config(two).trainer.iw_samples
    for count in (samples + 1, samples):  # the same weights once more, by one process
        resume(two, {"iw_samples": count, "devices": 1})
        assert ((two / "results.json").read_bytes() == evaluated) == (count == samples)


def test_a_process_that_dies_ends_the_run_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = launch.Group.watch

    def killing(group: launch.Group) -> None:
        group.processes[1].errors.write_text("no room\nis left\n")
        os.kill(group.processes[1].started.pid, signal.SIGKILL)
        watch(group)

    monkeypatch.setattr(launch.Group, "watch", killing)
    monkeypatch.setattr(launch, "GRACE", 0.2)
    error = r"process 1 of the 2 of trainer.devices was ended by SIGKILL .* no room / is left"
    with pytest.raises(ValueError, match=error):
        trained(tmp_path / "run", "trainer.devices=2")


@pytest.mark.slow
def test_an_interrupt_saves_once_and_another_number_of_processes_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(tmp_path / "whole")
    take = launch.Group._take

    def interrupting(group: launch.Group, *arguments: Any) -> None:
        take(group, *arguments)
        if group.epochs and not group.signal:
            group.interrupt(signal.SIGTERM)

    folder = tmp_path / "cut"
    with monkeypatch.context() as patched:
        patched.setattr(launch.Group, "_take", interrupting)
        with pytest.raises(Stopped, match="is saved; continue with") as stopped:
            trained(folder, "trainer.devices=2")
    assert stopped.value.number == signal.SIGTERM
    resume(folder, {"devices": 1})
    assert [line["step"] for line in lines(folder)] == [line["step"] for line in lines(whole)]
    ours, expected = results(folder)["test"], results(whole)["test"]
    assert ours["neg_elbo"] == pytest.approx(expected["neg_elbo"], rel=1e-4)


@pytest.mark.slow
def test_processes_started_outside_train_in_one_folder(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    given = {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    words = ["train", "trainer=debug", "trainer.examples=false", *SMALL, *SIZES]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "vaetext", *words],
            cwd=tmp_path,
            env={**os.environ, **given, "RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    said = [each.communicate(timeout=300) for each in started]
    assert [each.returncode for each in started] == [0, 0]
    assert "-ELBO" in said[0][0] and said[1] == ("", "")
    (run,) = [
        each
        for each in (tmp_path / "outputs/grammar/vrae").iterdir()
        if each.is_dir() and not each.is_symlink()
    ]
    assert (run / "DONE").is_file()
    assert [each.name for each in tmp_path.iterdir()] == ["outputs"]
