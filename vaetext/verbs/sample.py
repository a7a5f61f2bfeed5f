"""``vaetext sample``: sequences drawn from a trained model."""

from pathlib import Path
from typing import Any

import torch

from vaetext.config.verbs import SampleConfig
from vaetext.data.atomic import atomic_write
from vaetext.data.standardizer import Standardizer
from vaetext.data.tokenizer import Tokenizer
from vaetext.distributions.noise import KeyedNoise
from vaetext.evaluation.decoding import DecodingOptions, generate, held, redrawn
from vaetext.models.base import Generator, SequenceModel
from vaetext.report.output import output_folder, write_output
from vaetext.runs.folder import load_run
from vaetext.runs.layout import SAMPLES


def run(config: SampleConfig) -> None:
    """Draws ``n`` sequences: z from the prior, x from the decoder; to stdout and samples.txt."""
    run = load_run(config.run, config.checkpoint, config.device, config.seed)
    drawn = draw(run.model, config.n, run.seed, DecodingOptions.of(config), config.hold)
    write_output(text_of(drawn, run.tokenizer), output_folder() / SAMPLES)


@torch.no_grad()
def draw(
    model: SequenceModel, n: int, seed: int, choice: DecodingOptions, hold: str | None = None
) -> list[Any]:
    """``n`` sequences; the i-th depends on (seed, i) alone, and on the first one's code of a latent to ``hold``.

    Raises:
        ValueError: there is no latent of the name to hold.
    """
    device = next(model.parameters()).device
    noise = KeyedNoise(seed, torch.arange(n, device=device), range(1))
    codes = {name: z[0] for name, z in model.sample_prior(noise).items()}
    if hold is not None:
        codes = redrawn(model, held(codes, hold, codes), hold, noise)
    return generate(model, codes, n, choice, seed)


def text_of(drawn: list[Any], tokenizer: Tokenizer | Standardizer) -> str:
    """Sequences, a line each."""
    return "".join(f"{tokenizer.decode(sequence)}\n" for sequence in drawn)


def write_samples(
    model: SequenceModel, tokenizer: Tokenizer | Standardizer, folder: Path, seed: int, n: int = 50
) -> list[Any]:
    """samples.txt of a run folder, and its sequences; none where the model cannot be sampled from."""
    if not isinstance(model, Generator):
        return []
    drawn = draw(model, n, seed, DecodingOptions())
    atomic_write(folder / SAMPLES, text_of(drawn, tokenizer))
    return drawn
