"""Commands in processes: how many run at a time, their logs, and an interrupt."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from vaetext.runs import processes
from vaetext.runs.processes import Job, last_lines, run_jobs
from vaetext.runs.signals import Interrupted


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``sh -c`` runs the arguments, in place of ``python -m vaetext``."""
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\nshift 2\nexec sh -c "$1"\n')
    program.chmod(0o755)
    monkeypatch.setattr(processes.sys, "executable", str(program))
    monkeypatch.setattr(processes, "WAIT", 0.01)


def test_every_job_ends_with_its_status_and_its_log(tmp_path: Path) -> None:
    jobs = [Job(["echo a; exit 3"], tmp_path / "logs/a"), Job(["echo b >&2"], tmp_path / "logs/b")]
    ended: dict[str, int] = {}
    run_jobs(jobs, 1, lambda job, status, seconds: ended.update({job.log.name: status}))
    assert ended == {"a": 3, "b": 0}
    assert (last_lines(jobs[0].log), last_lines(jobs[1].log)) == ("a", "b")


def test_as_many_run_at_a_time_as_are_allowed(tmp_path: Path) -> None:
    everything = tmp_path / "log"
    two = f'[ "$(grep -c + "{everything}")" -ge 2 ]'  # have begun; none of both ends before
    mark = f"echo +; until {two}; do sleep 0.05; done; sleep 0.2; echo -"
    run_jobs([Job([mark], everything) for _ in range(4)], 2, lambda *_: None)
    running = [1 if line == "+" else -1 for line in everything.read_text().split()]
    assert max(sum(running[:n]) for n in range(len(running) + 1)) == 2


def test_an_interrupt_ends_the_processes_first(tmp_path: Path) -> None:
    def interrupted(*_: object) -> None:
        raise Interrupted(signal.SIGTERM)

    stop = "trap 'echo saved; exit 1' TERM; echo on; while true; do sleep 0.05; done"
    slow = Job([stop], tmp_path / "slow")
    quick = Job([f"while ! grep -q on {slow.log}; do sleep 0.05; done"], tmp_path / "quick")
    started = time.monotonic()
    with pytest.raises(Interrupted):
        run_jobs([slow, quick], 2, interrupted)
    assert last_lines(slow.log) == "on / saved"
    assert time.monotonic() - started < 30


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process that its parent died")
def test_processes_end_with_one_that_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    stop = "trap 'echo saved; exit 1' TERM; echo on; while true; do sleep 0.05; done"
    parent = os.fork()
    if not parent:
        run_jobs([Job([stop], log)], 1, lambda *_: None)
        os._exit(0)
    while not log.is_file() or "on" not in log.read_text():
        time.sleep(0.05)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    deadline = time.monotonic() + 30
    while "saved" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert last_lines(log) == "on / saved"


def test_the_end_of_a_log_is_one_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_lines(log) == "no log was written"
    log.write_text("")
    assert last_lines(log) == "nothing was printed"
    log.write_text("1\n2\n\n3\n4\n")
    assert last_lines(log) == "2 / 3 / 4"
