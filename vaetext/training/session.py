"""One run, from its configuration to a folder of results: what train and resume both do."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch

from vaetext.config.saved import override_trainer
from vaetext.config.train import TrainConfig
from vaetext.data.atomic import atomic_write
from vaetext.data.corpora import Corpus
from vaetext.models.base import SequenceModel, parameter_count
from vaetext.models.registry import build
from vaetext.parallel.outside import outside
from vaetext.parallel.ranks import ALONE, Ranks
from vaetext.report.console import TrainingProgress
from vaetext.runs.corpus import (
    read_domain,
    write_corpus,
)
from vaetext.runs.device import check_precision, use_threads
from vaetext.runs.environment import environment
from vaetext.runs.folder import (
    check_links,
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
from vaetext.training.checks import check_model, check_unfinished, load_corpus
from vaetext.training.examples import EpochExamples
from vaetext.training.finish import finish
from vaetext.training.group import device_of, processes, ranks_outside
from vaetext.training.initial import start_from
from vaetext.training.interrupts import Stopped
from vaetext.training.launch import launch
from vaetext.training.loop import Training
from vaetext.training.memory import check_memory
from vaetext.training.tensorboard import Tensorboard, require_tensorboard

log = logging.getLogger(__name__)
Report = Callable[[dict[str, Any]], object]  # takes a line of metrics
Shown = Callable[[Training], AbstractContextManager[Report]]


def begin(config: TrainConfig, folder: Path) -> float:
    """Trains in a folder; a run that was stopped there is resumed, a finished one is skipped.

    Returns:
        The best bound on valid, nats per sequence: -ELBO, or what ``trainer.bound`` trains on.

    Raises:
        ValueError, Stopped: as ``train`` does.
    """
    ranks = ranks_outside(config.trainer)
    if ranks.lead:
        save_config(folder, config)
    if ranks.from_lead(is_done(folder)):
        log.info("%s has finished; skipped", folder)
        with checked_results(folder / RESULTS):
            record = read_results(folder)
            return float(record["valid"][record.get("chosen_by", "neg_elbo")])
    config = override_trainer(config, ranks.from_lead(read_overrides(folder)))
    return train(config, folder, resume=ranks.from_lead((folder / LAST).is_file()))


def resume(folder: Path, overrides: dict[str, Any]) -> None:
    """Resumes a run with some of the trainer's options changed.

    A finished run is left as it is unless an option is changed.

    Raises:
        ValueError, Stopped: as ``train`` does.
    """
    ranks = ranks_outside(load_config(folder).trainer) if outside() else ALONE
    if ranks.from_lead(is_done(folder)) and not overrides:
        log.info("%s has finished; nothing to resume", folder)
        return
    config = override_trainer(load_config(folder), overrides)
    resume = ranks.from_lead((folder / LAST).is_file())
    train(config, folder, resume=resume, overrides=overrides)


def train(
    config: TrainConfig, folder: Path, resume: bool = False, overrides: dict[str, Any] | None = None
) -> float:
    """Trains in ``folder``, or resumes there from its last checkpoint, then writes every result.

    ``trainer.devices`` processes share each batch; one of several that were started outside, as by
    torchrun, does its part, and the first of them writes.

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
    ranks = ranks_outside(config.trainer)
    size = processes(config.trainer) if ranks.size == 1 else 1
    if size > 1:
        return launch(config, folder, resume, overrides or {}, size)
    return train_as(ranks, config, folder, resume, overrides or {}, _shown)


def train_as(
    ranks: Ranks,
    config: TrainConfig,
    folder: Path,
    resume: bool,
    overrides: dict[str, Any],
    shown: Shown,
    sharing: int = 1,
) -> float:
    """``train`` as one of some processes.

    Args:
        shown: takes each line of metrics.
        sharing: processes that share the cores which this one may use.
    """
    with run_lock(folder) if ranks.lead else nullcontext(lambda: None) as check:
        use_threads(config.trainer.threads, sharing)
        return _train(ranks, config, folder, resume, overrides, shown, check)


def _train(
    ranks: Ranks,
    config: TrainConfig,
    folder: Path,
    resume: bool,
    overrides: dict[str, Any],
    shown: Shown,
    check: Callable[[], None],
) -> float:
    device = device_of(config.trainer, ranks.size, ranks.local)
    check_precision(config.trainer.precision, device)
    # a run may have stopped before its first checkpoint
    begun = ranks.from_lead((folder / SOURCES).is_file())
    with ranks.in_turn():
        corpus = load_corpus(config, folder, resume, begun)
    torch.manual_seed(config.seed)
    model = build(config.model, read_domain(folder) if resume else corpus.domain).to(device)
    check_model(config, model, corpus)
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
        ranks=ranks,
    )
    check_memory(training)
    if resume:
        training.restore()
        check_unfinished(training, folder, overrides)
    if ranks.lead:
        if not begun:
            write_corpus(folder, corpus)
        if overrides:
            write_overrides(folder, overrides)
        (folder / DONE).unlink(missing_ok=True)  # a finished run that is resumed with more epochs
        made_with = json.dumps(environment(device, ranks.size), indent=2)
        atomic_write(folder / ENVIRONMENT, made_with + "\n")
        _keep_latest(training, resume)
        log.info("%s", _title(config, model, device, ranks, folder))
    training.metrics.check = check
    with _reported(training, config, corpus, shown) if ranks.lead else nullcontext():
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


def _title(
    config: TrainConfig, model: SequenceModel, device: torch.device, ranks: Ranks, folder: Path
) -> str:
    size = f"{parameter_count(model):,} parameters"
    names = f"{config.model.name} on {config.data.label}"
    place = f"{ranks.size} processes ({device.type})" if ranks.size > 1 else str(device)
    return f"{names}: {size}, {place}, in {folder}"


@contextmanager
def _shown(training: Training) -> Iterator[Report]:
    """A bar in the terminal, or a line each epoch."""
    with TrainingProgress(training.config.epochs, lambda: training.epochs) as progress:
        yield progress.report


@contextmanager
def _reported(
    training: Training, config: TrainConfig, corpus: Corpus, shown: Shown
) -> Iterator[None]:
    """Metrics are shown meanwhile, and examples written, as the trainer's options say."""
    with (
        shown(training) as show,
        _tensorboard(config, training.folder, training.state.step) as board,
    ):
        reports = [show, *([board.report] if board else [])]
        training.report = lambda line: [report(line) for report in reports]
        if config.trainer.sample_every:
            pages = {"show": board.show} if board else {}
            training.validated = EpochExamples(training, corpus.format, **pages)
        yield


def _keep_latest(training: Training, resume: bool) -> None:
    """Points ``latest`` at the run as soon as it has a checkpoint."""

    def saved() -> None:
        link_latest(training.folder, create=not resume)
        training.saved = lambda: None

    if resume:
        saved()
    else:
        training.saved = saved


@contextmanager
def _tensorboard(config: TrainConfig, folder: Path, step: int) -> Iterator[Tensorboard | None]:
    """Tensorboard from the optimizer step ``step`` on, if it is asked for."""
    if not config.trainer.tensorboard:
        yield None
        return
    with closing(Tensorboard(folder, step)) as board:
        yield board
