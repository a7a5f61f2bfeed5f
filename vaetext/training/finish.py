"""What a run writes when its training is over."""

import json
import logging
from pathlib import Path

from vaetext.config.train import TrainConfig
from vaetext.data.atomic import atomic_write
from vaetext.data.corpora import Corpus
from vaetext.evaluation.metrics import Evaluation, evaluate
from vaetext.evaluation.results import RunResults, SplitResults
from vaetext.models.base import parameter_count
from vaetext.report import plots
from vaetext.report.examples import write_examples, write_pages
from vaetext.report.table import run_table
from vaetext.runs import checkpoint
from vaetext.runs.layout import DONE, RESULTS, TABLE
from vaetext.training.loop import Training

log = logging.getLogger(__name__)


def finish(config: TrainConfig, folder: Path, corpus: Corpus, training: Training) -> None:
    """Evaluates the best checkpoint and writes results, table, examples and plots.

    Several processes share the evaluation, and the first writes.
    """
    training.metrics.check()
    training.ranks.wait()  # the checkpoint is written
    groups, _ = checkpoint.load(training.best, training.device)
    checkpoint.load_weights(training.model, groups.get("model", {}), training.best)
    training.model.eval()
    chosen = training.criterion
    best = training.state.best_epoch
    log.info("evaluating the checkpoint of epoch %s: the lowest valid %s", best, chosen.title)
    valid = _evaluated("valid", config, corpus, training, chosen.samples, chosen.particles)
    test = _evaluated("test", config, corpus, training, max(config.trainer.iw_samples, 1))
    if not training.ranks.lead:
        return
    record = _results(config, training, {"valid": valid.results, "test": test.results}).to_json()
    training.metrics.check()
    atomic_write(folder / RESULTS, json.dumps(record, indent=2) + "\n")
    atomic_write(folder / TABLE, run_table(record))
    if config.trainer.examples:
        write_examples(training.model, corpus, folder, config.seed)
        plots.write(folder, test, corpus.splits["test"].factors)
        write_pages(test.pages, folder)
    training.metrics.check()
    atomic_write(folder / DONE, "")
    log.info("everything is in %s", folder)


def _evaluated(
    split: str,
    config: TrainConfig,
    corpus: Corpus,
    training: Training,
    samples: int,
    particles: int | None = None,
) -> Evaluation:
    return evaluate(
        training.model,
        corpus.splits[split],
        seed=config.seed,
        samples=samples,
        particles=particles,
        batch_tokens=config.trainer.eval_batch_tokens,
        device=training.device,
        corpus=corpus,
        ranks=training.ranks,
    )


def _results(
    config: TrainConfig, training: Training, splits: dict[str, SplitResults]
) -> RunResults:
    """What was trained, how fast, and the numbers of each split."""
    state = training.state
    return RunResults(
        model=config.model.name,
        data=config.data.label,
        trainer=config.trainer.name,
        seed=config.seed,
        parameters=parameter_count(training.model),
        best_epoch=state.best_epoch,
        splits=splits,
        epochs=state.epoch,
        train_seconds=state.seconds,
        tokens_per_second=state.tokens / max(state.seconds, 1e-9),
        precision=config.trainer.precision,
        chosen_by=training.criterion.key,
    )
