"""``metrics.jsonl``: a line for each epoch and split, and every few steps."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vaetext.config.trainer import Trainer
from vaetext.data.atomic import atomic_write, naming
from vaetext.objectives.objective import Objective
from vaetext.objectives.schedules import free_bits, kl_weight, kl_weights, learning_rate
from vaetext.runs.metrics_line import read_line, write_line
from vaetext.training.state import State

log = logging.getLogger(__name__)


class MetricsFile:
    """Lines of JSON, appended; a resumed run cuts off what was written after its checkpoint.

    Args:
        path: of the file.
        written: whether this process writes it; if not, nothing happens.

    Attributes:
        check: called before anything is written; raises where the run folder is gone.
    """

    def __init__(self, path: Path, written: bool = True) -> None:
        self.path = path
        self.written = written
        self.check: Callable[[], object] = lambda: None

    def append(self, line: dict[str, Any]) -> int:
        """Appends a line; returns the size of the file in bytes."""
        if not self.written:
            return 0
        self.check()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with naming(self.path), self.path.open("ab") as file:
            file.write(write_line(line))
            return file.tell()

    def sync(self) -> None:
        """Brings what was written to the disk."""
        self.check()
        if self.written and self.path.exists():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())

    def restore(self, size: int, step: int) -> int:
        """Keeps the whole lines in the first ``size`` bytes, up to an optimizer step.

        Lines that are damaged or lost are named by a warning. Nothing but the curve of training
        depends on them. Returns the size of what is kept, in bytes.
        """
        if not self.written:
            return 0
        content = self.path.read_bytes() if self.path.exists() else b""
        *lines, rest = content[:size].split(b"\n")
        steps = [_step(line) for line in lines]
        problems = [f"line {number} is damaged" for number, at in enumerate(steps, 1) if at is None]
        lost = size - len(content) + len(rest)
        if lost > 0:
            problems.append(f"its last {lost} bytes are lost")
        if problems:
            log.warning(
                "%s: %s; the curve of training lacks these lines, the results are the same (to have"
                " them again, copy the file again before the run is resumed)",
                self.path,
                ", ".join(problems),
            )
        kept = b"".join(
            line + b"\n"
            for line, at in zip(lines, steps, strict=True)
            if at is not None and at <= step
        )
        if kept != content:
            atomic_write(self.path, kept)
        return len(kept)

    def remove(self) -> None:
        """Deletes the file."""
        if self.written:
            self.path.unlink(missing_ok=True)


def _step(line: bytes) -> int | None:
    """The optimizer step of a line of metrics, or None where the line is damaged."""
    try:
        return int(read_line(line)["step"])
    except (ValueError, KeyError, TypeError):
        return None


def means_of(sums: dict[str, float]) -> dict[str, Any]:
    """A line of metrics from sums: means over sequences, nats, and the bound at KL weight 1."""
    means = {name: total / sums["count"] for name, total in sums.items() if name != "count"}
    kl = {
        name.removeprefix("kl."): value for name, value in means.items() if name.startswith("kl.")
    }
    plain = {name: value for name, value in means.items() if not name.startswith("kl.")}
    return {**plain, "kl": kl, "neg_elbo": means["rec"] + sum(kl.values())}


def schedules_of(
    config: Trainer, state: State, batches: int, objective: Objective
) -> dict[str, Any]:
    """The KL weight, learning rate and falling free bits of the last optimizer step.

    Args:
        batches: of an epoch.
        objective: whose multipliers lower the KL weights.
    """
    last = max(state.batch - 1, 0)
    first = last - last % config.accumulate  # schedules change once a step is done
    epochs = state.epoch + first / batches
    rate = learning_rate(config, epochs, max(state.step - 1, 0), state.reductions)
    found: dict[str, Any] = {"beta": kl_weight(config, epochs)}
    latents = list(objective.free_bits)
    if config.beta_delay or config.latents or config.free_bits_as == "constraint":
        weights = kl_weights(config, epochs, latents)
        of = objective.multipliers.of
        found["kl_weights"] = {name: weight - of(name) for name, weight in weights.items()}
    if config.fall_epochs:
        found["free_bits"] = free_bits(config, epochs, latents)
    return {**found, "lr": rate}
