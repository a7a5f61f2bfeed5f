"""``vaetext interpolate``: sentences on the way between two codes."""

import torch

from vaetext.config.verbs import InterpolateConfig
from vaetext.report import plots
from vaetext.report.examples import path_page
from vaetext.report.output import output_folder, write_output
from vaetext.runs.layout import INTERPOLATIONS
from vaetext.runs.load import load

FROM_PRIOR = "(drawn from the prior)"


def run(config: InterpolateConfig) -> None:
    """Decodes ``steps`` codes from a to b, sentences or samples of the prior.

    To stdout, interpolations.txt and interpolation.png.
    """
    run = load(config.run, config.checkpoint, config.device, config.seed)
    codes = run.path(
        config.a,
        config.b,
        config.steps,
        method=config.method,
        hold=config.hold,
        move=config.move,
    )
    lines = run.decode(codes, **config.decoding)
    ends = [
        FROM_PRIOR if text is None else run.format.decode(run.format.encode(text))
        for text in (config.a, config.b)
    ]
    page = path_page(ends, lines, config.hold, config.move)
    tensors = {name: torch.from_numpy(z) for name, z in codes.items()}
    picture = plots.png(plots.interpolation(tensors, lines, ends))
    write_output(page, output_folder(), {INTERPOLATIONS: page, "interpolation.png": picture})
