"""``metrics.jsonl``: a line for each epoch and split, and every few steps."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vaetext.config.trainer import Trainer
from vaetext.data.atomic import naming
from vaetext.objectives.schedules import kl_weight, kl_weights, learning_rate
from vaetext.training.state import State


class MetricsFile:
    """Lines of JSON, appended; a resumed run cuts off what was written after its checkpoint.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, line: dict[str, Any]) -> int:
        """Appends a line; returns the size of the file in bytes."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with naming(self.path), self.path.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            return file.tell()

    def sync(self) -> None:
        """Brings what was written to the disk."""
        if self.path.exists():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())

    def truncate(self, size: int) -> None:
        """Keeps the whole lines in the first ``size`` bytes."""
        if self.path.exists():
            line, end, _ = self.path.read_bytes()[:size].rpartition(b"\n")
            with self.path.open("r+b") as file:
                file.truncate(len(line + end))

    def remove(self) -> None:
        """Deletes the file."""
        self.path.unlink(missing_ok=True)


def means_of(sums: dict[str, float]) -> dict[str, Any]:
    """A line of metrics from sums: means over sequences, nats, and the bound at KL weight 1."""
    means = {name: total / sums["count"] for name, total in sums.items() if name != "count"}
    kl = {
        name.removeprefix("kl."): value for name, value in means.items() if name.startswith("kl.")
    }
    plain = {name: value for name, value in means.items() if not name.startswith("kl.")}
    return {**plain, "kl": kl, "neg_elbo": means["rec"] + sum(kl.values())}


def schedules_of(
    config: Trainer, state: State, batches: int, latents: Sequence[str]
) -> dict[str, Any]:
    """The KL weight and learning rate of the last optimizer step.

    Args:
        batches: of an epoch.
        latents: names, each with its own KL weight where they follow one another.
    """
    last = max(state.batch - 1, 0)
    first = last - last % config.accumulate  # schedules change once a step is done
    epochs = state.epoch + first / batches
    rate = learning_rate(config, epochs, max(state.step - 1, 0), state.reductions)
    found: dict[str, Any] = {"beta": kl_weight(config, epochs)}
    if config.beta_delay or config.latents:
        found["kl_weights"] = kl_weights(config, epochs, latents)
    return {**found, "lr": rate}
