"""Metrics as tensorboard events, beside metrics.jsonl, for those who want them."""

from pathlib import Path
from typing import Any


class Tensorboard:
    """Writes each line of metrics to ``<run>/tensorboard``.

    Raises:
        ValueError: tensorboardX is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise ValueError("trainer.tensorboard=true needs tensorboardX: pip install 'vaetext[tensorboard]'") from error
        self._writer = SummaryWriter(str(folder / "tensorboard"), flush_secs=10)

    def report(self, line: dict[str, Any]) -> None:
        """Takes one line of ``metrics.jsonl``; tags are ``<split>/<quantity>``, steps are optimizer steps."""
        named = {"kl": line["kl"], "beta": line.get("betas", {})}
        values = {**line, **{f"{kind}.{name}": value for kind, each in named.items() for name, value in each.items()}}
        for name, value in values.items():
            if isinstance(value, float):
                self._writer.add_scalar(f"{line['split']}/{name}", value, line["step"])

    def close(self) -> None:
        """Writes what is left."""
        self._writer.close()
