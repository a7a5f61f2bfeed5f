"""``vaetext interpolate``: sentences on the way between two codes."""

import torch

from vaetext.config.trained import InterpolateConfig
from vaetext.evaluation.generation import decode
from vaetext.report import plots
from vaetext.report.beside import files_beside, path_images
from vaetext.report.examples import path_page
from vaetext.report.output import command_record, output_folder, write_output
from vaetext.runs.given import given_ends
from vaetext.runs.layout import INTERPOLATIONS
from vaetext.runs.load import load

FROM_PRIOR = "(drawn from the prior)"


def run(config: InterpolateConfig) -> None:
    """Decodes ``steps`` codes from a to b, sentences or samples of the prior.

    To stdout, interpolations.txt and interpolation.png; of frames, to pictures and sound too.
    """
    run = load(config.run, config.checkpoint, config.device, config.seed)
    run.format.check_max_length(config.max_length)
    codes = run.path(
        config.a,
        config.b,
        config.steps,
        method=config.method,
        hold=config.hold,
        move=config.move,
    )
    sequences = decode(run.model, codes, config, run.seed)
    lines = [run.format.decode(each) for each in sequences]
    given = given_ends(run.format, config.a, config.b)
    ends = [FROM_PRIOR if each is None else run.format.decode(each) for each in given]
    images = path_images(run.format, given[0], sequences, given[1])
    page = path_page(ends, lines, config.hold, config.move)
    tensors = {name: torch.from_numpy(z) for name, z in codes.items()}
    picture = plots.png(plots.interpolation(tensors, lines, ends, images))
    beside = files_beside(run.format, {"interpolations": sequences})
    files: dict[str, str | bytes] = {INTERPOLATIONS: page, "interpolation.png": picture, **beside}
    record = command_record(config, run)
    write_output(page, output_folder(), {**files, **record})
