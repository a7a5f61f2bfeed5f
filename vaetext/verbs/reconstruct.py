"""``vaetext reconstruct``: each line, and what the decoder makes of its posterior mean."""

from vaetext.config.verbs import ReconstructConfig
from vaetext.report.examples import pairs
from vaetext.report.output import check_input_lengths, input_lines, output_folder, write_output
from vaetext.runs.layout import RECONSTRUCTIONS
from vaetext.runs.load import load


def run(config: ReconstructConfig) -> None:
    """Reconstructs each line of the input; pairs go to stdout and a file."""
    run = load(config.run, config.checkpoint, config.device, config.seed)
    numbers, lines = zip(*input_lines(config.input), strict=True)
    given = run.format.encode_all(list(lines))
    check_input_lengths(run.model, given, numbers, config.input)
    back = run.reconstruct(lines, hold=config.hold, **config.decoding)
    read = [run.format.decode(each) for each in given]
    page = pairs(read, back)
    write_output(page, output_folder(), {RECONSTRUCTIONS: page})
