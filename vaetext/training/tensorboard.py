"""Metrics as tensorboard events, beside metrics.jsonl, for those who want them."""

import importlib.util
from pathlib import Path
from typing import Any

from vaetext.runs.layout import TENSORBOARD


def require_tensorboard() -> None:
    """Raises ValueError where tensorboardX is not installed."""
    if importlib.util.find_spec("tensorboardX") is None:
        raise ValueError(
            "trainer.tensorboard=true needs tensorboardX: pip install 'vaetext[tensorboard]'"
        )


class Tensorboard:
    """Writes each line of metrics to ``<run>/tensorboard``; of a run that goes on after ``step``, later ones are not shown twice."""

    def __init__(self, folder: Path, step: int = 0) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(
            str(folder / TENSORBOARD), flush_secs=10, purge_step=step + 1 if step else None
        )

    def report(self, line: dict[str, Any]) -> None:
        """Takes one line of ``metrics.jsonl``; tags are ``<split>/<quantity>``, steps are optimizer steps."""
        named = {"kl": line["kl"], "beta": line.get("kl_weights", {})}
        values = {
            **line,
            **{
                f"{kind}.{name}": value
                for kind, each in named.items()
                for name, value in each.items()
            },
        }
        for name, value in values.items():
            if isinstance(value, float):
                self._writer.add_scalar(f"{line['split']}/{name}", value, line["step"])

    def close(self) -> None:
        """Writes what is left."""
        self._writer.close()
