"""``vaetext train``: one run, from its configuration to a folder of tables, samples and plots."""

from vaetext.config.train import TrainConfig
from vaetext.report.console import show
from vaetext.report.output import given_overrides, output_folder
from vaetext.runs.folder import save_config
from vaetext.runs.layout import TABLE
from vaetext.runs.results import is_done
from vaetext.training.group import ranks_outside
from vaetext.training.session import begin


def run(config: TrainConfig) -> float:
    """Trains in Hydra's output folder, and prints the table.

    A job of a sweep that is run again is skipped if it has finished, and resumed if not.

    Returns:
        The best valid -ELBO, nats per sequence, which a sweeper may minimise.
    """
    ranks = ranks_outside(config.trainer)
    folder = ranks.from_lead(output_folder())
    if ranks.lead:
        save_config(folder, config, given_overrides())
    finished = is_done(folder)
    neg_elbo = begin(config, folder)
    if ranks.lead and not finished:
        show((folder / TABLE).read_text())
    return neg_elbo
