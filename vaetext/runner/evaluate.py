"""``vaetext evaluate``: a run's numbers anew, with more samples say."""

import json

from vaetext.config.verbs import EvaluateConfig
from vaetext.data.atomic import atomic_write
from vaetext.runner.evaluation import evaluate
from vaetext.runner.files import hand_over, output_folder
from vaetext.runner.run_folder import load_run
from vaetext.runner.table import run_table


def run(config: EvaluateConfig) -> None:
    """Scores one split; results.json and table.md go to the run's evaluate/ folder, the table to stdout."""
    run = load_run(config.run, config.checkpoint, config.device, config.seed)
    split = run.corpus.splits[config.split]
    record = evaluate(run.model, split, seed=run.seed, samples=config.iw_samples, batch_tokens=config.batch_tokens, device=run.device)
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
    hand_over(run_table(result), output_folder() / "table.md")
    atomic_write(output_folder() / "results.json", json.dumps(result, indent=2) + "\n")
