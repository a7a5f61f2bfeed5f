"""``vaetext reconstruct``: each sequence, and what the decoder makes of its posterior mean."""

from vaetext.config.trained import ReconstructConfig
from vaetext.evaluation.generation import reconstruct
from vaetext.report.beside import files_beside
from vaetext.report.examples import pairs
from vaetext.report.output import (
    check_input_lengths,
    command_record,
    output_folder,
    read_inputs,
    write_output,
)
from vaetext.runs.layout import RECONSTRUCTIONS
from vaetext.runs.load import load


def run(config: ReconstructConfig) -> None:
    """Reconstructs each sequence of the input; pairs go to stdout and a file.

    Beside it, what frames are seen or heard by: pictures, MIDI, WAV or arrays.
    """
    run = load(config.run, config.checkpoint, config.device, config.seed)
    run.format.check_max_length(config.max_length)
    run.format.check_tempo(config.tempo)
    given = read_inputs(run.format, config.input)
    check_input_lengths(run.model, given, config.input)
    back = reconstruct(run.model, given.sequences, config, run.seed, config.hold)
    before, after = ([run.format.decode(each) for each in part] for part in (given.sequences, back))
    page = pairs(before, after)
    columns = {"input": given.sequences, "reconstructions": back}
    files = files_beside(run.format, columns, config.tempo)
    record = command_record(config, run)
    write_output(page, output_folder(), {RECONSTRUCTIONS: page, **files, **record})
