"""One run, from its configuration to a folder of results: what train and resume both do."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from vaetext.config.saved import override_trainer
from vaetext.config.train import TrainConfig
from vaetext.config.trainer import TECHNICAL
from vaetext.data import corpora
from vaetext.data.atomic import atomic_write
from vaetext.data.corpora import Corpus
from vaetext.models.base import SequenceModel, parameter_count
from vaetext.models.registry import build
from vaetext.report.console import DataProgress, TrainingProgress
from vaetext.runs.corpus import (
    changed_splits,
    check_corpus,
    read_domain,
    relocate_files,
    write_corpus,
)
from vaetext.runs.device import check_precision, choose, use_threads
from vaetext.runs.environment import environment
from vaetext.runs.folder import (
    check_links,
    has_trained,
    link_latest,
    load_config,
    read_overrides,
    resume_command,
    run_lock,
    save_config,
    write_overrides,
)
from vaetext.runs.layout import DONE, ENVIRONMENT, LAST, RESULTS, SOURCES
from vaetext.runs.results import checked_results, is_done, read_results
from vaetext.runs.signals import signal_of
from vaetext.training.examples import EpochExamples
from vaetext.training.finish import finish
from vaetext.training.initial import start_from
from vaetext.training.interrupts import Stopped
from vaetext.training.loop import Training
from vaetext.training.memory import check_memory
from vaetext.training.tensorboard import Tensorboard, require_tensorboard

log = logging.getLogger(__name__)


def begin(config: TrainConfig, folder: Path) -> float:
    """Trains in a folder; a run that was stopped there is resumed, a finished one is skipped.

    Returns:
        The best bound on valid, nats per sequence: -ELBO, or what ``trainer.bound`` trains on.

    Raises:
        ValueError, Stopped: as ``train`` does.
    """
    save_config(folder, config)
    if is_done(folder):
        log.info("%s has finished; skipped", folder)
        with checked_results(folder / RESULTS):
            record = read_results(folder)
            return float(record["valid"][record.get("chosen_by", "neg_elbo")])
    config = override_trainer(config, read_overrides(folder))
    return train(config, folder, resume=(folder / LAST).is_file())


def resume(folder: Path, overrides: dict[str, Any]) -> None:
    """Resumes a run with some of the trainer's options changed.

    A finished run is left as it is unless an option is changed.

    Raises:
        ValueError, Stopped: as ``train`` does.
    """
    if is_done(folder) and not overrides:
        log.info("%s has finished; nothing to resume", folder)
        return
    config = override_trainer(load_config(folder), overrides)
    train(config, folder, resume=(folder / LAST).is_file(), overrides=overrides)


def train(
    config: TrainConfig, folder: Path, resume: bool = False, overrides: dict[str, Any] | None = None
) -> float:
    """Trains in ``folder``, or resumes there from its last checkpoint, then writes every result.

    Nothing in the folder changes before the data, the model and the checkpoint are known to fit.

    Args:
        overrides: the trainer's options in ``config`` that differ from the folder's own; they are
            written there.

    Returns:
        The best bound on valid, nats per sequence.

    Raises:
        ValueError: another process trains there; the configuration, the data or the checkpoint does
            not fit; or a loss was not finite.
        Stopped: on an interrupt; `vaetext resume` continues.
    """
    folder = folder.resolve()  # it may be named by a link, ``latest`` say
    check_links(folder)
    if config.trainer.tensorboard:
        require_tensorboard()
    with run_lock(folder) as check:
        return _train(config, folder, resume, overrides or {}, check)


def _train(
    config: TrainConfig,
    folder: Path,
    resume: bool,
    overrides: dict[str, Any],
    check: Callable[[], None],
) -> float:
    use_threads(config.trainer.threads)
    device = choose(config.trainer.device)
    check_precision(config.trainer.precision, device)
    begun = (folder / SOURCES).is_file()  # a run may have stopped before its first checkpoint
    corpus = _load_corpus(config, folder, resume, begun)
    torch.manual_seed(config.seed)
    model = build(config.model, read_domain(folder) if resume else corpus.domain).to(device)
    _check_model(config, model, corpus)
    if config.trainer.init_from and not resume:
        start_from(model, config, corpus)
    training = Training(
        config.trainer,
        model,
        corpus.splits,
        folder,
        device,
        config.seed,
        segment=config.data.segment,
    )
    check_memory(training)
    if resume:
        training.restore()
        _check_unfinished(training, folder, overrides)
    if not begun:
        write_corpus(folder, corpus)
    if overrides:
        write_overrides(folder, overrides)
    (folder / DONE).unlink(missing_ok=True)  # a finished run that is resumed with more epochs
    atomic_write(folder / ENVIRONMENT, json.dumps(environment(device), indent=2) + "\n")
    training.metrics.check = check
    _keep_latest(training, resume)
    size = f"{parameter_count(model):,} parameters"
    names = f"{config.model.name} on {config.data.label}"
    log.info("%s: %s, %s, in %s", names, size, device, folder)
    with (
        TrainingProgress(config.trainer.epochs, lambda: training.epochs) as progress,
        _tensorboard(config, folder, training.state.step) as board,
    ):
        reports = [progress.report, *([board.report] if board else [])]
        training.report = lambda line: [report(line) for report in reports]
        if config.trainer.sample_every:
            shown = {"show": board.show} if board else {}
            training.validated = EpochExamples(training, corpus.format, **shown)
        training.fit()
    try:
        finish(config, folder, corpus, training)
    except KeyboardInterrupt as error:
        raise Stopped(
            signal_of(error),
            "training is done and saved, its evaluation is not; continue with"
            f" {resume_command(folder)}",
        ) from error
    assert training.state.best is not None
    return training.state.best


def _keep_latest(training: Training, resume: bool) -> None:
    """Points ``latest`` at the run as soon as it has a checkpoint."""

    def saved() -> None:
        link_latest(training.folder, create=not resume)
        training.saved = lambda: None

    if resume:
        saved()
    else:
        training.saved = saved


def _load_corpus(config: TrainConfig, folder: Path, resume: bool, begun: bool) -> Corpus:
    """The data, checked against what the run in ``folder`` has begun with."""
    with DataProgress() as progress:
        corpus = corpora.load(relocate_files(config.data, folder), progress.report)
    if not resume and has_trained(folder):
        raise ValueError(
            f"{folder / LAST} is missing, so training cannot be resumed; copy it again, or train a"
            " new run (this one stays as it is)"
        )
    if begun or resume:
        check_corpus(folder, corpus)
        if names := changed_splits(folder, corpus):
            raise ValueError(
                f"{folder}: data={corpus.name} holds other sequences now than in training"
                f" ({names}); put back what it was trained on, or train a new run"
            )
    return corpus


def _check_model(config: TrainConfig, model: SequenceModel, corpus: Corpus) -> None:
    """Raises ValueError where a model cannot be trained so, or its data is too long for it."""
    dropout = config.trainer.word_dropout
    if dropout and not model.reads_inputs:
        raise ValueError(
            f"trainer.word_dropout={dropout}: {config.model.name}'s decoder takes no token inputs;"
            " set trainer.word_dropout=0"
        )
    for name, split in corpus.splits.items():
        model.check_lengths(split.longest, f"{config.data.label} ({name})")


def _check_unfinished(training: Training, folder: Path, overrides: dict[str, Any]) -> None:
    """Raises ValueError where training is over and options would change nothing."""
    if not training.finished:
        return
    epoch = training.state.epoch
    if epoch < training.config.epochs:
        log.warning(
            "training had stopped early, since valid %s no longer improved; trainer.patience=0"
            " continues to trainer.epochs",
            training.criterion.title,
        )
    if unused := _changes_of_training(folder, overrides):
        raise ValueError(
            f"{folder}: training is over after {epoch} epochs, so"
            f" trainer.{unused[0]}={overrides[unused[0]]} would change nothing; raise"
            " trainer.epochs (where it had stopped early, with trainer.patience=0), or train a new"
            " run"
        )


def _changes_of_training(folder: Path, overrides: dict[str, Any]) -> list[str]:
    """The options in ``overrides`` that differ from the run's own and matter to training only."""
    own = asdict(load_config(folder).trainer) if overrides else {}
    return [key for key, value in overrides.items() if key not in TECHNICAL and own[key] != value]


@contextmanager
def _tensorboard(config: TrainConfig, folder: Path, step: int) -> Iterator[Tensorboard | None]:
    """Tensorboard from the optimizer step ``step`` on, if it is asked for."""
    if not config.trainer.tensorboard:
        yield None
        return
    with closing(Tensorboard(folder, step)) as board:
        yield board
