"""``vaetext sample``: sentences from a trained model."""

from vaetext.config.verbs import SampleConfig
from vaetext.report.examples import lines_of
from vaetext.report.output import output_folder, write_output
from vaetext.runs.layout import SAMPLES
from vaetext.runs.load import load


def run(config: SampleConfig) -> None:
    """Samples ``n`` sentences, z from the prior and x from the decoder, to stdout and a file."""
    run = load(config.run, config.checkpoint, config.device, config.seed)
    page = lines_of(run.sample(config.n, hold=config.hold, **config.decoding))
    write_output(page, output_folder(), {SAMPLES: page})
