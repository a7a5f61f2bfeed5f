"""``vaetext sample``: sequences drawn from a trained model."""

from pathlib import Path
from typing import Any

import torch

from vaetext.config.verbs import SampleConfig
from vaetext.data.atomic import atomic_write
from vaetext.data.numbers import Numbers
from vaetext.data.tokenizer import Tokenizer
from vaetext.distributions.noise import KeyedNoise
from vaetext.models.base import Generator, SequenceModel
from vaetext.runner.files import hand_over, output_folder
from vaetext.runner.generation import Choice, generate, held, redrawn
from vaetext.runner.run_folder import load_run


def run(config: SampleConfig) -> None:
    """Draws ``n`` sequences: z from the prior, x from the decoder; to stdout and samples.txt."""
    run = load_run(config.run, config.checkpoint, config.device, config.seed)
    drawn = draw(run.model, config.n, run.seed, Choice.of(config), config.hold)
    hand_over(text_of(drawn, run.tokenizer), output_folder() / "samples.txt")


@torch.no_grad()
def draw(model: SequenceModel, n: int, seed: int, choice: Choice, hold: str | None = None) -> list[Any]:
    """``n`` sequences; the i-th depends on (seed, i) alone, and on the first one's code of a latent to ``hold``.

    Raises:
        ValueError: there is no latent of the name to hold.
    """
    device = next(model.parameters()).device
    noise = KeyedNoise(seed, torch.arange(n, device=device), range(1))
    codes = {name: z[0] for name, z in model.prior(noise).items()}
    if hold is not None:
        codes = redrawn(model, held(codes, hold, codes), hold, noise)
    return generate(model, codes, n, choice, seed)


def text_of(drawn: list[Any], tokenizer: Tokenizer | Numbers) -> str:
    """Sequences, a line each."""
    return "".join(f"{tokenizer.decode(sequence)}\n" for sequence in drawn)


def write_samples(model: SequenceModel, tokenizer: Tokenizer | Numbers, folder: Path, seed: int, n: int = 50) -> list[Any]:
    """samples.txt of a run folder, and its sequences; none where the model cannot be sampled from."""
    if not isinstance(model, Generator):
        return []
    drawn = draw(model, n, seed, Choice())
    atomic_write(folder / "samples.txt", text_of(drawn, tokenizer))
    return drawn
