"""``vaetext evaluate``: a run's numbers anew, with more samples say."""

import json

from vaetext.config.verbs import EvaluateConfig
from vaetext.data.atomic import atomic_write
from vaetext.evaluation.scoring import evaluate
from vaetext.report.output import output_folder, write_output
from vaetext.report.table import run_table
from vaetext.runs.folder import load_run
from vaetext.runs.layout import RESULTS, TABLE


def run(config: EvaluateConfig) -> None:
    """Scores one split; results.json and table.md go to the run's evaluate/ folder, the table to stdout."""
    run = load_run(config.run, config.checkpoint, config.device, config.seed)
    split = run.corpus.splits[config.split]
    record = evaluate(
        run.model,
        split,
        seed=run.seed,
        samples=config.iw_samples,
        batch_tokens=config.batch_tokens,
        device=run.device,
    )
    size = sum(parameter.numel() for parameter in run.model.parameters())
    result = {
        "model": run.config.model.name,
        "data": run.config.data.name,
        "trainer": run.config.trainer.name,
        "seed": run.config.seed,
        "checkpoint": run.checkpoint,
        "best_epoch": run.epoch,
        "parameters": size,
        config.split: record,
    }
    write_output(run_table(result), output_folder() / TABLE)
    atomic_write(output_folder() / RESULTS, json.dumps(result, indent=2) + "\n")
