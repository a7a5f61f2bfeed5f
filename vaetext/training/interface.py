"""``vaetext.train``: a run from overrides, without a command line."""

import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path

from vaetext.config.train import TrainConfig
from vaetext.report.console import LogHandler
from vaetext.runs.compose import compose
from vaetext.runs.folder import check_same_config, is_bare, make_folder
from vaetext.runs.layout import LOG
from vaetext.runs.load import load
from vaetext.runs.run import Run
from vaetext.training.group import ranks_outside
from vaetext.training.session import begin


def train(
    overrides: Sequence[str] = (),
    folder: str | Path | None = None,
    config_dir: str | Path | Sequence[str | Path] = (),
) -> Run:
    """Trains one run and returns it, with the weights of its best checkpoint.

    The run folder is that of ``vaetext train``. A run that was stopped in ``folder`` is resumed,
    and a finished one is returned as it is.

    Args:
        overrides: as on the command line: ``["model=vrae", "data=ptb", "trainer.epochs=3"]``.
        folder: of the run; None makes ``<outputs>/<data>/<model>/<date>_<time>``.
        config_dir: a folder, or several, with yaml files of your own.

    Raises:
        ValueError: an override, the data or the folder does not fit, or a loss was not finite.
        KeyboardInterrupt: on an interrupt, after a checkpoint; the same call with ``folder``
            continues.
    """
    config = compose(overrides, config_dir)
    ranks = ranks_outside(config.trainer)
    place = _place(config, folder) if ranks.lead else Path()
    place = ranks.from_lead(place)
    try:
        with logged(place / LOG) if ranks.lead else nullcontext():
            begin(config, place)
    except BaseException:
        if ranks.lead and folder is None and is_bare(place):
            shutil.rmtree(place)
        raise
    return load(place, device=config.trainer.device)


def _place(config: TrainConfig, folder: str | Path | None) -> Path:
    return _default_folder(config) if folder is None else _given_folder(Path(folder), config)


def _default_folder(config: TrainConfig) -> Path:
    time = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    return make_folder(Path(config.outputs, config.data.label, config.model.name, time))


def _given_folder(folder: Path, config: TrainConfig) -> Path:
    check_same_config(folder, config)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Writes the package's log to ``path``, and to stderr unless the application logs itself.

    The root logger stays as it is.
    """
    package = logging.getLogger("vaetext")
    level = package.level
    file = logging.FileHandler(path)
    file.setFormatter(logging.Formatter("[%(asctime)s] %(levelname)s %(message)s"))
    handlers = [file] if logging.getLogger().handlers else [file, LogHandler()]
    package.setLevel(logging.INFO)
    for handler in handlers:
        package.addHandler(handler)
    try:
        yield
    finally:
        package.setLevel(level)
        for handler in handlers:
            package.removeHandler(handler)
            handler.close()
