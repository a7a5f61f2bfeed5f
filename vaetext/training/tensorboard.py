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
    """Writes each line of metrics to ``<run>/tensorboard``.

    Args:
        step: of the checkpoint that a run is resumed from; later events are replaced.
    """

    def __init__(self, folder: Path, step: int = 0) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(
            str(folder / TENSORBOARD), flush_secs=10, purge_step=step + 1 if step else None
        )

    def report(self, line: dict[str, Any]) -> None:
        """Takes one line of ``metrics.jsonl``.

        Tags are ``<split>/<quantity>``, steps are optimizer steps.
        """
        kl = {f"kl.{name}": value for name, value in line["kl"].items()}
        weights = {f"beta.{name}": value for name, value in line.get("kl_weights", {}).items()}
        floors = {f"free_bits.{name}": nats for name, nats in line.get("free_bits", {}).items()}
        values = {**line, **kl, **weights, **floors}
        for name, value in values.items():
            if isinstance(value, float):
                self._writer.add_scalar(f"{line['split']}/{name}", value, line["step"])

    def show(self, page: str, step: int) -> None:
        """Takes a page of examples, which is shown as it is."""
        text = "".join(f"    {line}\n" for line in page.splitlines())  # as code in Markdown
        self._writer.add_text("examples", text, step)

    def close(self) -> None:
        """Writes what is left."""
        self._writer.close()
