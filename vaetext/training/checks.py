"""What is checked of a run before anything in its folder changes."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vaetext.config.train import TrainConfig
from vaetext.config.trainer import TECHNICAL
from vaetext.data import corpora
from vaetext.data.corpora import Corpus
from vaetext.models.base import SequenceModel
from vaetext.report.console import DataProgress
from vaetext.runs.corpus import changed_splits, check_corpus, relocate_files
from vaetext.runs.folder import has_trained, load_config
from vaetext.runs.layout import LAST
from vaetext.training.loop import Training

log = logging.getLogger(__name__)


def load_corpus(config: TrainConfig, folder: Path, resume: bool, begun: bool) -> Corpus:
    """The data, checked against what the run in ``folder`` has begun with."""
    root = getattr(config.data, "root", None)
    if root and not (begun or resume or Path(root).expanduser().is_dir()):
        raise ValueError(f"data.root={root}: no such folder; correct it, or leave data.root out")
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


def check_model(config: TrainConfig, model: SequenceModel, corpus: Corpus) -> None:
    """Raises ValueError where a model cannot be trained so, or its data is too long for it."""
    dropout = config.trainer.word_dropout
    if dropout and not model.reads_inputs:
        raise ValueError(
            f"trainer.word_dropout={dropout}: {config.model.name}'s decoder takes no token inputs;"
            " set trainer.word_dropout=0"
        )
    for name, split in corpus.splits.items():
        model.check_lengths(split.longest, f"{config.data.label} ({name})")


def check_unfinished(training: Training, folder: Path, overrides: dict[str, Any]) -> None:
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
