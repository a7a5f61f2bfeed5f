"""``vaetext sample``: sequences from a trained model."""

from vaetext.config.trained import SampleConfig
from vaetext.evaluation.generation import sample
from vaetext.report.beside import files_beside
from vaetext.report.examples import lines_of
from vaetext.report.output import command_record, output_folder, write_output
from vaetext.runs.given import given_prefix
from vaetext.runs.layout import SAMPLES
from vaetext.runs.load import load


def run(config: SampleConfig) -> None:
    """Samples ``n`` sequences, z from the prior and x from the decoder, to stdout and a file.

    Beside it, what frames are seen or heard by: pictures, MIDI, WAV or arrays.
    """
    run = load(config.run, config.checkpoint, config.device, config.seed)
    run.format.check_max_length(config.max_length)
    run.format.check_tempo(config.tempo)
    given = (config.prefix, config.prefix_name, config.prefix_steps, config.particles)
    prefix = given_prefix(run.format, *given)
    sequences = sample(run.model, config.n, run.seed, config, config.hold, prefix, config.length)
    page = lines_of([run.format.decode(each) for each in sequences])
    steps = 0 if prefix is None else len(prefix.x)
    files = files_beside(run.format, {"samples": sequences}, config.tempo, steps)
    record = command_record(config, run)
    write_output(page, output_folder(), {SAMPLES: page, **files, **record})
