"""How long a run may take, from a few timed steps."""

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from vaetext.config.train import TrainConfig
from vaetext.data import corpora
from vaetext.data.loader import Split
from vaetext.evaluation.scoring import score
from vaetext.models.registry import build
from vaetext.runs.device import choose, use_threads
from vaetext.training.loop import Training
from vaetext.training.modules import train_modules

STEPS = 4  # timed, the first left out
MOST_SEQUENCES = 64  # scored
SAMPLES = 4  # of each, where more are wanted


def seconds(config: TrainConfig, threads: int = 0) -> float:
    """The seconds that a run would take: its optimizer steps, validations and last evaluation.

    Steps differ in length and early stopping is not foreseen, so this is a rough upper figure.
    Nothing is left on disk but the data in the cache.

    Args:
        threads: of the process; 0: those of the configuration.

    Raises:
        ValueError: the data is missing, or the model does not take it.
    """
    use_threads(threads or config.trainer.threads)
    device = choose(config.trainer.device)
    corpus = corpora.load(config.data)
    torch.manual_seed(config.seed)
    model = build(config.model, corpus.domain).to(device)
    with TemporaryDirectory() as folder:
        training = Training(
            config.trainer,
            model,
            corpus.splits,
            Path(folder),
            device,
            config.seed,
            segment=config.data.segment,
        )
        order = training.order(0)
        model.setup(training.batch(index) for index in order[:1])
        train_modules(config.trainer.train_modules, model)
        step = _step_seconds(training, order)
        model.eval()
        valid = _scoring_seconds(training, "valid", training.criterion.samples)
        test = _scoring_seconds(training, "test", max(config.trainer.iw_samples, 1))
    return config.trainer.epochs * (len(order) * step + valid) + valid + test


def _step_seconds(training: Training, order: Sequence[Any]) -> float:
    """The mean of the first steps of an epoch, whose batches come in no order of length."""
    timed = []
    for index in order[:STEPS]:
        started = time.perf_counter()
        training.backward(training.batch(index), 1.0)
        training.update()
        timed.append(time.perf_counter() - started)
    later = timed[1:] or timed
    return sum(later) / len(later)


def _scoring_seconds(training: Training, split: str, samples: int) -> float:
    """Of the whole split, from a batch of sequences of all lengths."""
    whole = training.splits[split]
    tokens = training.config.eval_batch_tokens
    number = min(max(1, int(tokens / whole.lengths.mean())), MOST_SEQUENCES, len(whole))
    by_length = np.argsort(whole.lengths)
    picked = by_length[np.linspace(0, len(whole) - 1, number).astype(int)]
    drawn = min(samples, SAMPLES)
    started = time.perf_counter()
    score(
        training.model,
        Split.of([whole[n] for n in picked]),
        seed=0,
        samples=drawn,
        batch_tokens=tokens,
        device=training.device,
        codes=False,
    )
    return (time.perf_counter() - started) * len(whole) / number * samples / drawn
