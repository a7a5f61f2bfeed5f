"""One run, from its configuration to a folder of tables, samples and plots."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from vaetext.config.train import TrainConfig
from vaetext.config.trainer import TECHNICAL
from vaetext.data import corpora
from vaetext.data.atomic import atomic_write
from vaetext.data.corpora import Corpus
from vaetext.evaluation.scoring import evaluate, score
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build
from vaetext.report import plots
from vaetext.report.console import DownloadProgress, TrainingProgress, show
from vaetext.report.nearest import write_nearest
from vaetext.report.table import run_table
from vaetext.runs import checkpoint
from vaetext.runs.device import check_precision, choose, use_threads
from vaetext.runs.environment import environment
from vaetext.runs.folder import (
    changed,
    has_trained,
    load_config,
    read_domain,
    relocate_files,
    require_corpus,
    resume_command,
    run_lock,
    write_corpus,
    write_overrides,
)
from vaetext.runs.layout import DONE, ENVIRONMENT, LAST, LATEST, PLOTS, RESULTS, SOURCES, TABLE
from vaetext.training.loop import Stopped, Training
from vaetext.training.tensorboard import Tensorboard, require_tensorboard
from vaetext.verbs.interpolate import write_interpolations
from vaetext.verbs.reconstruct import write_reconstructions
from vaetext.verbs.sample import write_samples

log = logging.getLogger(__name__)


def train(
    config: TrainConfig, folder: Path, resume: bool = False, overrides: dict[str, Any] | None = None
) -> float:
    """Trains in ``folder``, or goes on there from its last checkpoint, then writes every result.

    Nothing in the folder changes before the data, the model and the checkpoint are known to fit.

    Args:
        overrides: the trainer's options among ``config`` that differ from the folder's own; they are written there.

    Returns:
        The best valid -ELBO, nats per sequence.

    Raises:
        ValueError: another process trains there, the configuration, the data or the checkpoint does not fit, or training broke off.
        Stopped: on an interrupt; `vaetext resume` goes on.
    """
    folder = folder.resolve()  # it may be named by a link, ``latest`` say
    if config.trainer.tensorboard:
        require_tensorboard()
    with run_lock(folder):
        return _train(config, folder, resume, overrides or {})


def _train(config: TrainConfig, folder: Path, resume: bool, overrides: dict[str, Any]) -> float:
    use_threads(config.trainer.threads)
    device = choose(config.trainer.device)
    check_precision(config.trainer.precision, device)
    with DownloadProgress() as downloads:
        corpus = corpora.load(relocate_files(config.data, folder), downloads.report)
    begun = (folder / SOURCES).is_file()  # a run may have stopped before its first checkpoint
    if not resume and has_trained(folder):
        raise ValueError(
            f"{folder / LAST} is missing, so training cannot go on; copy it again, or train a new run (this one stays as it is)"
        )
    if begun or resume:
        require_corpus(folder, corpus)
        if names := changed(folder, corpus):
            raise ValueError(
                f"{folder}: data={corpus.name} holds other sequences now than in training ({names}); put back what it was trained on,"
                " or train a new run"
            )
    torch.manual_seed(config.seed)
    model = build(config.model, read_domain(folder) if resume else corpus.domain).to(device)
    if config.trainer.word_dropout and not model.reads_inputs:
        raise ValueError(
            f"trainer.word_dropout={config.trainer.word_dropout}: the decoder of {config.model.name} is fed no words; leave it at 0"
        )
    for name, split in corpus.splits.items():
        model.check_lengths(split.lengths, f"{config.data.name} ({name})")
    training = Training(config.trainer, model, corpus.splits, folder, device, config.seed)
    if resume:
        training.restore()
        if training.finished and training.state.epoch < config.trainer.epochs:
            log.warning(
                "training had stopped early, valid -ELBO having stalled; trainer.patience=0 goes on to trainer.epochs"
            )
        if training.finished and (idle := idle_options(folder, overrides)):
            raise ValueError(
                f"{folder}: training is over after {training.state.epoch} epochs, so trainer.{idle[0]}={overrides[idle[0]]} would change"
                " nothing; raise trainer.epochs (where it had stopped early, with trainer.patience=0), or train a new run"
            )
    if not begun:
        write_corpus(folder, corpus)
    if overrides:
        write_overrides(folder, overrides)
    (folder / DONE).unlink(missing_ok=True)  # a finished run that is resumed with more epochs
    atomic_write(folder / ENVIRONMENT, json.dumps(environment(device), indent=2) + "\n")
    link_latest(folder, anew=not resume)
    size = sum(parameter.numel() for parameter in model.parameters())
    log.info(
        "%s on %s: %s parameters, %s, in %s",
        config.model.name,
        config.data.name,
        f"{size:,}",
        device,
        folder,
    )
    with (
        TrainingProgress(config.trainer.epochs, lambda: training.epochs) as progress,
        reports(config, folder, training.state.step) as others,
    ):
        training.report = lambda line: [report(line) for report in (progress.report, *others)]
        training.fit()
    try:
        finish(config, folder, corpus, training)
    except KeyboardInterrupt as error:
        raise Stopped(
            f"training is done and saved, its evaluation is not; go on with {resume_command(folder)}"
        ) from error
    assert training.state.best is not None
    return training.state.best


def idle_options(folder: Path, overrides: dict[str, Any]) -> list[str]:
    """The options among ``overrides`` that are other than the run's own and matter to training alone."""
    own = asdict(load_config(folder).trainer) if overrides else {}
    return [key for key, value in overrides.items() if key not in TECHNICAL and own[key] != value]


@contextmanager
def reports(
    config: TrainConfig, folder: Path, step: int
) -> Iterator[list[Callable[[dict[str, Any]], None]]]:
    """What else takes each line of metrics after ``step``: tensorboard, if it is asked for."""
    if not config.trainer.tensorboard:
        yield []
        return
    with closing(Tensorboard(folder, step)) as tensorboard:
        yield [tensorboard.report]


def finish(config: TrainConfig, folder: Path, corpus: Corpus, training: Training) -> None:
    """Evaluates the best checkpoint on valid and test, and writes results, table, samples and plots."""
    groups, _ = checkpoint.load(training.best, training.device)
    model = training.model
    checkpoint.load_weights(model, groups["model"], training.best)
    model.eval()
    record = results(config, corpus, training)
    atomic_write(folder / RESULTS, json.dumps(record, indent=2) + "\n")
    table = run_table(record)
    atomic_write(folder / TABLE, table)
    write_examples(model, corpus, folder, config.seed)
    test = corpus.splits["test"]
    plots.write(folder, score(model, test, samples=1, **measures(config, training)), test.factors)
    atomic_write(folder / DONE, "")
    show(table)
    log.info("everything is in %s", folder)


def results(config: TrainConfig, corpus: Corpus, training: Training) -> dict[str, Any]:
    """``results.json``: what was trained, how fast, and both splits' records."""
    trainer, state = config.trainer, training.state
    common = measures(config, training)
    log.info("evaluating the checkpoint of epoch %s", state.best_epoch)
    return {
        "model": config.model.name,
        "data": config.data.name,
        "trainer": trainer.name,
        "seed": config.seed,
        "epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "parameters": sum(parameter.numel() for parameter in training.model.parameters()),
        "train_seconds": state.seconds,
        "tokens_per_second": state.tokens / max(state.seconds, 1e-9),
        "precision": trainer.precision,
        "valid": evaluate(training.model, corpus.splits["valid"], samples=1, **common),
        "test": evaluate(
            training.model, corpus.splits["test"], samples=max(trainer.iw_samples, 1), **common
        ),
    }


def measures(config: TrainConfig, training: Training) -> dict[str, Any]:
    """What every evaluation of a run has in common."""
    return {
        "seed": config.seed,
        "batch_tokens": config.trainer.eval_batch_tokens,
        "device": training.device,
    }


def write_examples(model: SequenceModel, corpus: Corpus, folder: Path, seed: int) -> None:
    """samples.txt beside the data, as text or as curves; reconstructions.txt and, where there is a latent, interpolations.txt."""
    drawn = write_samples(model, corpus.tokenizer, folder, seed, n=100 if corpus.curve else 50)
    if drawn and corpus.curve:
        plots.save(plots.samples(corpus, drawn), folder / PLOTS / "samples.png")
    elif drawn:
        write_nearest(drawn, corpus, folder)
    if model.latents:
        write_reconstructions(model, corpus.tokenizer, corpus.splits["test"], folder)
        write_interpolations(model, corpus.tokenizer, corpus.splits["test"], folder, seed=seed)


def link_latest(folder: Path, anew: bool) -> None:
    """Points ``latest`` beside the run folder at it, where the file system has links; what is no link stays.

    Args:
        anew: also where there is no ``latest`` yet; a run that goes on may have been moved to where none belongs.
    """
    link = folder.parent / LATEST
    temporary = folder.parent / f".latest.{folder.name}"
    if not link.is_symlink() and (link.exists() or not anew):
        return
    try:
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(folder.name)
        temporary.replace(link)
    except OSError as error:
        log.debug("no link %s: %s", link, error)
