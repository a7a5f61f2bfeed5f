"""``vaetext reconstruct``: lines through the posterior's mean and back."""

from pathlib import Path

import numpy as np
import torch

from vaetext.config.verbs import ReconstructConfig
from vaetext.data.atomic import atomic_write
from vaetext.data.domain import Frames
from vaetext.data.loader import Sequences, Split, collate, evaluation_order
from vaetext.data.standardizer import Standardizer
from vaetext.data.tokenizer import Tokenizer
from vaetext.distributions.noise import MeanNoise
from vaetext.evaluation.decoding import (
    GREEDY,
    Codes,
    DecodingOptions,
    generate,
    held,
    require_decoded,
)
from vaetext.models.base import Generator, SequenceModel
from vaetext.report.output import check_input_lengths, input_lines, output_folder, write_output
from vaetext.runs.folder import load_run
from vaetext.runs.layout import RECONSTRUCTIONS

BATCH_TOKENS = 4096  # padded tokens encoded together: bounds memory, and changes no result


def run(config: ReconstructConfig) -> None:
    """Reconstructs each line of the input; pairs go to stdout and reconstructions.txt."""
    run = load_run(config.run, config.checkpoint, config.device, config.seed)
    numbers, lines = zip(*input_lines(config.input), strict=True)
    given = run.tokenizer.encode_all(list(lines))
    check_input_lengths(run.model, given, numbers, config.input)
    text = pairs(run.model, run.tokenizer, given, DecodingOptions.of(config), run.seed, config.hold)
    write_output(text, output_folder() / RECONSTRUCTIONS)


@torch.no_grad()
def mean_codes(model: SequenceModel, sequences: Sequences) -> Codes:
    """Latent name -> z [rows, ...], each posterior's mean.

    Raises:
        ValueError: the model has no latent.
    """
    if not model.latents:
        raise ValueError(
            f"model {model.name} has no latent, so no code to decode; use a run of a model that has one, such as vrae"
        )
    split = Split.of(sequences)
    model.check_lengths(split.lengths, "the sentences given")
    device, parts = next(model.parameters()).device, []
    order = list(evaluation_order(split, BATCH_TOKENS))
    for index in order:
        batch = collate(split, index, model.domain).to(device)
        parts.append(model.sample(model.posterior(batch), MeanNoise(len(batch), device)))
    back = torch.from_numpy(np.argsort(np.concatenate(order))).to(device)
    return {name: torch.cat([part[name].z[0] for part in parts])[back] for name in parts[0]}


def pairs(
    model: SequenceModel,
    tokenizer: Tokenizer | Standardizer,
    sequences: Sequences,
    choice: DecodingOptions,
    seed: int = 0,
    hold: str | None = None,
) -> str:
    """Each sequence as the model reads it (unknown tokens shown), and its reconstruction below; frames are as many as were given.

    With a latent to ``hold``, every one is reconstructed with the first one's code of that latent.

    Raises:
        ValueError: there is no latent of the name to hold, or the decoder does not read it.
    """
    require_decoded(model, hold)
    codes = mean_codes(model, sequences)
    outputs = generate(
        model,
        held(codes, hold, codes),
        len(sequences),
        choice,
        seed,
        frames=max(map(len, sequences)),
    )
    if isinstance(model.domain, Frames):
        outputs = [back[: len(given)] for given, back in zip(sequences, outputs, strict=True)]
    shown = [
        (tokenizer.decode(given), tokenizer.decode(back))
        for given, back in zip(sequences, outputs, strict=True)
    ]
    return "\n".join(f"< {given}\n> {back}\n" for given, back in shown)


def write_reconstructions(
    model: SequenceModel,
    tokenizer: Tokenizer | Standardizer,
    split: Split,
    folder: Path,
    n: int = 20,
) -> None:
    """reconstructions.txt of a run folder: the first sentences of a split, where the model has a latent and can be decoded."""
    if not (model.latents and isinstance(model, Generator)):
        return
    sequences = [split[row] for row in range(min(n, len(split)))]
    atomic_write(folder / RECONSTRUCTIONS, pairs(model, tokenizer, sequences, GREEDY))
