"""A small run of the training loop, and what is compared of two."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from vaetext.config.models.vrae import VRAE
from vaetext.config.trainer import Trainer
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split
from vaetext.models.registry import build
from vaetext.runs import checkpoint
from vaetext.runs.metrics_line import read_line
from vaetext.training.loop import Training

CPU = torch.device("cpu")
OPTIONS: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 4,
    "log_every": 3,
    "lr": 0.01,
    "word_dropout": 0.1,
}


def splits() -> dict[str, Split]:
    sentences = [[2 + n % 4, 3 + n % 3, 2 + n % 5, 1][n % 3 :] for n in range(30)]
    return {"train": Split.of(sentences), "valid": Split.of(sentences[:7])}


def training(folder: Path, **options: Any) -> Training:
    torch.manual_seed(1)
    config = VRAE(name="vrae", embedding_dim=5, hidden_dim=6, latent_dim=2)
    return Training(
        Trainer(**{**OPTIONS, **options}),
        build(config, Symbols(8, 1, 0, 9)),
        splits(),
        folder,
        CPU,
        seed=1,
    )


class Killed(Exception):
    pass


def kill_at(run: Training, step: int) -> None:
    """Ends a run after some optimizer steps, as kill -9 would: nothing is saved."""
    update = run.update

    def counted() -> None:
        update()
        if run.state.step == step:
            raise Killed

    run.update = counted  # type: ignore[method-assign]


def resumed_after_kill(
    train: Callable[..., Training], folder: Path, step: int, **options: Any
) -> Training:
    """A run that was killed at a step, with a checkpoint at every step before, and read again."""
    run = train(folder, checkpoint_minutes=1e-9, **options)
    kill_at(run, step)
    with pytest.raises(Killed):
        run.fit()
    again = train(folder, **options)
    if again.last.exists():
        torch.manual_seed(99)
        again.restore()
    return again


def weights(folder: Path, which: str = "last") -> dict[str, torch.Tensor]:
    return checkpoint.load(folder / "checkpoints" / f"{which}.safetensors", CPU)[0]["model"]


def lines(folder: Path) -> list[dict[str, Any]]:
    return [
        {**read_line(line), "seconds": 0}
        for line in (folder / "metrics.jsonl").read_bytes().splitlines()
    ]


def same(one: Path, other: Path) -> None:
    assert lines(one) == lines(other)
    for which in ("last", "best"):
        expected, found = weights(one, which), weights(other, which)
        assert all(torch.equal(expected[name], found[name]) for name in expected)
