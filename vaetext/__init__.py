"""Variational autoencoders of sequences and text: train, evaluate, compare.

``import vaetext`` is quick: torch is imported by the first call that needs it. See docs/python.md.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaetext.config.train import TrainConfig
    from vaetext.runs.run import Run

__version__ = "0.2.0"
__all__ = ["Run", "TrainConfig", "__version__", "compose", "load", "train"]


def load(
    run: str | Path, checkpoint: str = "best", device: str = "auto", seed: int | None = None
) -> "Run":
    """Reads a run folder, such as ``outputs/grammar/vrae/latest``.

    Args:
        run: the folder.
        checkpoint: "best" (the lowest valid -ELBO) or "last".
        device: auto, cpu, cuda or cuda:N.
        seed: of the noise; None takes that of the run.

    Raises:
        ValueError: the folder holds no run, lacks that checkpoint, or comes from another version.
    """
    from vaetext.runs.load import load

    return load(run, checkpoint, device, seed)


def train(
    overrides: Sequence[str] = (),
    folder: str | Path | None = None,
    config_dir: str | Path | Sequence[str | Path] = (),
) -> "Run":
    """Trains one run, as ``vaetext train`` does, and returns it.

    Args:
        overrides: as on the command line: ``["model=vrae", "data=ptb", "trainer.epochs=3"]``.
        folder: of the run; None makes ``<outputs>/<data>/<model>/<date>_<time>``. A run that was
            stopped there is resumed, and a finished one is returned as it is.
        config_dir: a folder, or several, with yaml files of your own.

    Raises:
        ValueError: an override, the data or the folder does not fit, or a loss was not finite.
        KeyboardInterrupt: on an interrupt, after a checkpoint; the same call with ``folder``
            continues.
    """
    from vaetext.training.interface import train

    return train(overrides, folder, config_dir)


def compose(
    overrides: Sequence[str] = (), config_dir: str | Path | Sequence[str | Path] = ()
) -> "TrainConfig":
    """The configuration of ``vaetext train`` with these overrides, every value checked.

    Args:
        overrides: as on the command line.
        config_dir: a folder, or several, with yaml files of your own.

    Raises:
        ValueError: an override is unknown, of the wrong type or out of range.
    """
    from vaetext.runs.compose import compose

    return compose(overrides, config_dir)


def __getattr__(name: str) -> Any:
    """The classes, imported on first use."""
    if name == "Run":
        from vaetext.runs.run import Run

        return Run
    if name == "TrainConfig":
        from vaetext.config.train import TrainConfig

        return TrainConfig
    raise AttributeError(f"module 'vaetext' has no attribute {name!r}")
