"""``vaetext train``: one run, from its configuration to a folder of tables, samples and plots."""

import logging

from vaetext.config.store import override_trainer
from vaetext.config.train import TrainConfig
from vaetext.report.output import output_folder
from vaetext.runs.folder import checked_results, is_done, read_overrides, read_results
from vaetext.runs.layout import LAST, RESULTS
from vaetext.training.train_run import train

log = logging.getLogger(__name__)


def run(config: TrainConfig) -> float:
    """Trains in Hydra's output folder; returns the best valid -ELBO, nats per sequence.

    A job of a sweep that was run before is skipped if it has finished, and goes on from its checkpoint if not.
    """
    folder = output_folder()
    if is_done(folder):
        log.info("%s has finished; skipped", folder)
        with checked_results(folder / RESULTS):
            return float(read_results(folder)["valid"]["neg_elbo"])
    return train(
        override_trainer(config, read_overrides(folder)), folder, resume=(folder / LAST).is_file()
    )
