"""``vaetext evaluate``: the numbers of a run's split again, with more samples for example."""

import json

from vaetext.config.verbs import EvaluateConfig
from vaetext.evaluation.results import RunResults
from vaetext.report import plots
from vaetext.report.output import command_record, output_folder, write_output
from vaetext.report.table import run_table
from vaetext.runs.layout import PLOTS, RESULTS, TABLE
from vaetext.runs.load import load


def run(config: EvaluateConfig) -> None:
    """Scores one split: results.json, table.md and the model's own pages, and prints the table.

    They are written to the run's evaluate/ folder.
    """
    run = load(config.run, config.checkpoint, config.device, config.seed)
    found = run.evaluation(
        config.split, iw_samples=config.iw_samples, batch_tokens=config.batch_tokens
    )
    corpus = run.corpus
    result = RunResults(
        model=run.config.model.name,
        data=run.config.data.label,
        trainer=run.config.trainer.name,
        seed=run.config.seed,
        parameters=run.parameters,
        best_epoch=run.epoch,
        splits={config.split: found.results},
        checkpoint=run.checkpoint,
        sequences_sha256=corpus.splits[config.split].digest if corpus.sums else None,
    ).to_json()
    table = run_table(result)
    results = json.dumps(result, indent=2) + "\n"
    files = {TABLE: table, RESULTS: results, **plots.files(found.pages)}
    files |= {f"{PLOTS}/{name}.png": plots.png(each) for name, each in plots.steps(found).items()}
    record = command_record(config, run)
    write_output(table, output_folder(), {**files, **record})
