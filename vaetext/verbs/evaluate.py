"""``vaetext evaluate``: the numbers of a split again, or of other sequences."""

import json
import logging
from dataclasses import dataclass

from vaetext.config.data import Generated
from vaetext.config.trained import EvaluateConfig
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split
from vaetext.evaluation.metrics import Evaluation
from vaetext.evaluation.results import RunResults
from vaetext.report import plots
from vaetext.report.output import (
    check_input_lengths,
    command_record,
    output_folder,
    read_inputs,
    write_output,
)
from vaetext.report.table import run_table
from vaetext.runs.layout import PLOTS, RESULTS, TABLE
from vaetext.runs.load import load
from vaetext.runs.run import Run

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scored:
    """What is scored.

    Attributes:
        split: the sequences.
        name: of the split.
        other: the input, or the data set; None of the run's own data.
        kept: whether their checksum is kept, as of all that come from files.
    """

    split: Split
    name: str
    other: str | None
    kept: bool


def run(config: EvaluateConfig) -> None:
    """Scores one split, or other sequences in the run's vocabulary or scale, and prints the table.

    Writes results.json, table.md and the model's own pages.
    """
    run = load(config.run, config.checkpoint, config.device, config.seed)
    scored = to_score(run, config)
    if scored.other:
        warn_of_unknown(run, scored)
    found = run.evaluation(
        scored.split,
        config.iw_samples,
        config.batch_tokens,
        corpus=None if scored.other else run.diagnosed(),
    )
    result = results(run, scored, found).to_json()
    table = run_table(result)
    files = {TABLE: table, RESULTS: json.dumps(result, indent=2) + "\n", **plots.files(found.pages)}
    files |= {f"{PLOTS}/{name}.png": plots.png(each) for name, each in plots.steps(found).items()}
    record = command_record(config, run)
    write_output(table, output_folder(), {**files, **record})


def to_score(run: Run, config: EvaluateConfig) -> Scored:
    """The sequences of the input, or of a split of the run's data or of another data set.

    Raises:
        ValueError: they are missing, too long, or of another kind than the run's.
    """
    if config.input is not None:
        inputs = read_inputs(run.format, config.input)
        check_input_lengths(run.model, inputs, config.input)
        return Scored(Split.of(inputs.sequences), config.split, config.input, kept=True)
    split = run.split(config.split, config.data)
    data = config.data or run.config.data
    other = config.data.label if config.data else None
    return Scored(split, config.split, other, kept=not isinstance(data, Generated))


def warn_of_unknown(run: Run, scored: Scored) -> None:
    """Logs how many tokens the run's vocabulary lacks: each costs what its unknown token does."""
    domain = run.model.domain
    count = int((scored.split.x == domain.unk).sum()) if isinstance(domain, Symbols) else 0
    if count:
        total = int((scored.split.x != domain.eos).sum())
        log.warning(
            "%s: %s of %s tokens (%.1f %%) are not in the run's vocabulary and are read as <unk>",
            *(scored.other, f"{count:,}", f"{total:,}", 100 * count / total),
        )


def results(run: Run, scored: Scored, found: Evaluation) -> RunResults:
    """``results.json`` of an evaluation."""
    return RunResults(
        model=run.config.model.name,
        data=scored.other or run.config.data.label,
        trainer=run.config.trainer.name,
        seed=run.config.seed,
        parameters=run.parameters,
        best_epoch=run.epoch,
        splits={scored.name: found.results},
        checkpoint=run.checkpoint,
        sequences_sha256=scored.split.digest if scored.kept else None,
        other=scored.other,
    )
