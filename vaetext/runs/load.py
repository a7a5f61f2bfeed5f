"""Reading a run folder: configuration, format and weights. A run folder is data, never code."""

import logging
from pathlib import Path

from vaetext.config.trained import ReadsRun
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build
from vaetext.runs import checkpoint as checkpoint_file
from vaetext.runs.corpus import read_domain, read_format
from vaetext.runs.device import choose, use_threads
from vaetext.runs.folder import load_config
from vaetext.runs.layout import BEST, LAST
from vaetext.runs.run import Run

log = logging.getLogger(__name__)


def load(
    path: str | Path, checkpoint: str = "best", device: str = "auto", seed: int | None = None
) -> Run:
    """Reads a run folder.

    Args:
        path: the run folder, such as ``outputs/grammar/vrae/latest``.
        checkpoint: "best" (lowest valid -ELBO; of a run that was stopped before it had one, the
            last) or "last".
        device: auto, cpu, cuda or cuda:N.
        seed: of the noise; None takes that of the run.

    Raises:
        ValueError: the folder holds no run, lacks that checkpoint, or comes from another version.
    """
    ReadsRun(checkpoint=checkpoint, device=device, seed=seed)
    config = load_config(Path(path))
    folder = Path(path).resolve()  # ``latest`` may point at another run later
    use_threads(config.trainer.threads)
    where = choose(device, "device")
    model = build(config.model, read_domain(folder)).to(where)
    which = _checkpoint(folder, checkpoint)
    source = folder / (BEST if which == "best" else LAST)
    return Run(
        folder=folder,
        config=config,
        format=read_format(folder),
        model=model.eval(),
        device=where,
        epoch=_load_weights(model, source),
        seed=config.seed if seed is None else seed,
        checkpoint=which,
    )


def _checkpoint(folder: Path, wanted: str) -> str:
    """The checkpoint that is read: the last one where there is no best one yet."""
    if wanted == "best" and (folder / LAST).is_file() and not (folder / BEST).is_file():
        log.warning(
            "%s was stopped before its first validation: its last checkpoint is read", folder
        )
        return "last"
    return wanted


def _load_weights(model: SequenceModel, source: Path) -> int:
    """Puts a checkpoint's weights into the model; returns the epoch they come from."""
    device = next(model.parameters()).device
    groups, state = checkpoint_file.load(source, device)
    checkpoint_file.load_weights(model, groups.get("model", {}), source)
    epoch = state.get("epoch")
    if type(epoch) is not int or epoch < 0:
        raise ValueError(f"{source} has epoch={epoch!r}; copy it again, or train a new run")
    between_epochs = state.get("batch") == 0  # the state then counts the epochs that are done
    return epoch - int(between_epochs)
