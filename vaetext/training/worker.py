"""One of the processes of ``trainer.devices``: ``python -m vaetext.training.worker FD``."""

import logging
import os
import pickle
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from logging.handlers import QueueHandler
from multiprocessing.connection import Connection
from typing import Any

from vaetext.parallel.ranks import connect
from vaetext.runs.signals import Ending, interrupts, signal_of
from vaetext.training.group import device_of
from vaetext.training.launch import Task
from vaetext.training.loop import Training
from vaetext.training.session import train_as


class Channel:
    """Sends messages, each a kind and its content, to the process that started this one."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.lock = threading.Lock()

    def send(self, kind: str, content: Any) -> None:
        """Sends one message; nobody may be there any more to take it."""
        with self.lock, suppress(OSError):
            self.connection.send((kind, content))


class Sent(QueueHandler):
    """Sends log records."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)  # type: ignore[arg-type]
        self.channel = channel

    def enqueue(self, record: logging.LogRecord) -> None:
        self.channel.send("log", record)


def main() -> None:
    """Takes a task, does it, and says how it ended."""
    connection = Connection(int(sys.argv[1]))
    task: Task = connection.recv()
    channel = Channel(connection)
    threading.Thread(target=_end_with_parent, args=[connection], daemon=True).start()
    root = logging.getLogger()
    root.setLevel(logging.INFO if task.rank == 0 else logging.ERROR)
    root.addHandler(Sent(channel))
    kind, content = _outcome(task, channel)
    channel.send(kind, content)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(kind == "failed")  # the others may be gone: nothing here waits for them


def _outcome(task: Task, channel: Channel) -> tuple[str, Any]:
    try:
        with interrupts(Ending()):
            return "done", _train(task, channel)
    except KeyboardInterrupt as error:
        return "stopped", (signal_of(error), str(error))
    except Exception as error:
        return "failed", _sendable(error)


def _train(task: Task, channel: Channel) -> float:
    @contextmanager
    def sent(training: Training) -> Iterator[Callable[[dict[str, Any]], object]]:
        yield lambda line: channel.send("line", (line, training.epochs))

    device = device_of(task.config.trainer, task.size, task.rank)
    ranks = connect(task.rank, task.size, task.rank, f"file://{task.meeting}", device)
    return train_as(ranks, task.config, task.folder, task.resume, task.overrides, sent, task.size)


def _sendable(error: Exception) -> Exception:
    """The error with its traceback, which does not travel by itself."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _end_with_parent(connection: Connection) -> None:
    """Ends this process as soon as the one that started it is gone."""
    with suppress(EOFError, OSError):
        connection.recv()
    os._exit(1)


if __name__ == "__main__":
    main()
