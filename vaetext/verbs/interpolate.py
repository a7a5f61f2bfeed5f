"""``vaetext interpolate``: sentences on the way between two codes."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vaetext.config.verbs import InterpolateConfig
from vaetext.data.atomic import atomic_write
from vaetext.data.loader import Split
from vaetext.data.standardizer import Standardizer
from vaetext.data.tokenizer import Tokenizer
from vaetext.distributions.noise import KeyedNoise, MeanNoise
from vaetext.evaluation.decoding import (
    GREEDY,
    Codes,
    DecodingOptions,
    generate,
    held,
    redrawn,
    require_decoded,
    require_latent,
)
from vaetext.models.base import Generator, SequenceModel
from vaetext.report import plots
from vaetext.report.output import output_folder, write_output
from vaetext.runs.folder import load_run
from vaetext.runs.layout import INTERPOLATIONS, PLOTS
from vaetext.verbs.reconstruct import mean_codes

DRAWN = "(drawn from the prior)"
STEPS = 7  # of each path in a run folder


def run(config: InterpolateConfig) -> None:
    """Decodes ``steps`` points from a to b (sentences, or prior draws); to stdout, interpolations.txt and interpolation.png.

    Raises:
        ValueError: the model has no latent, no latent of the name to hold or to move, or none whose holding shows in the sentences given.
    """
    run = load_run(config.run, config.checkpoint, config.device, config.seed)
    if config.b is not None and config.move is None:
        require_decoded(run.model, config.hold)
    a = end(run.model, run.tokenizer, config.a, run.seed, 0)
    b = end(run.model, run.tokenizer, config.b, run.seed, 1, config.hold, a)
    require_moving(set(run.model.decoded) - {config.hold}, config.hold)
    codes = path(a, b, config.steps, config.method, config.hold, config.move)
    if config.move:
        codes = follow(run.model, codes, config.move, config.hold)
    lines = decode(
        run.model, run.tokenizer, codes, config.steps, DecodingOptions.of(config), run.seed
    )
    ends = [
        DRAWN if text is None else run.tokenizer.decode(run.tokenizer.encode(text))
        for text in (config.a, config.b)
    ]
    write_output(page(ends, lines, config.hold, config.move), output_folder() / INTERPOLATIONS)
    plots.save(plots.interpolation(codes, lines, ends), output_folder() / "interpolation.png")


@torch.no_grad()
def end(
    model: SequenceModel,
    tokenizer: Tokenizer | Standardizer,
    text: str | None,
    seed: int,
    number: int,
    hold: str | None = None,
    other: Codes | None = None,
) -> Codes:
    """Latent name -> z [1, ...]: the posterior's mean of a sentence, or for None the prior draw ``number`` of this seed.

    With a latent to ``hold``, a draw has that of the ``other`` end, and what the model draws given it.

    Raises:
        ValueError: the model has no latent, or none of the name to hold.
    """
    if text is not None or not model.latents:
        return mean_codes(model, tokenizer.encode_all([] if text is None else [text]))
    noise = KeyedNoise(
        seed, torch.tensor([number], device=next(model.parameters()).device), range(1)
    )
    codes = {name: z[0] for name, z in model.sample_prior(noise).items()}
    return (
        codes
        if hold is None or other is None
        else redrawn(model, held(codes, hold, other), hold, noise)
    )


def path(
    a: Codes, b: Codes, steps: int, method: str, hold: str | None = None, move: str | None = None
) -> Codes:
    """Latent name -> z [steps, ...] from a to b, both included, from codes [1, ...].

    All latents move together, or one alone; a held one stays at a, as do those that do not move.

    Raises:
        ValueError: there is no latent of the name to hold or to move, nothing is left that moves, or the two codes differ in shape.
    """
    require_latent(a, "hold", hold)
    require_latent(a, "move", move)
    moving = (set(a) if move is None else {move}) - {hold}
    require_moving(moving, hold)
    for name in a:
        if a[name].shape != b[name].shape:
            raise ValueError(
                f"latent {name} grows with the sentence; a and b must have the same number of tokens"
            )
    mix = {"linear": lerp, "slerp": slerp}[method]
    shares = torch.linspace(0, 1, steps).tolist()
    return {
        name: torch.cat(
            [mix(a[name], b[name], share) if name in moving else a[name] for share in shares]
        )
        for name in a
    }


def require_moving(moving: set[str], hold: str | None) -> None:
    """Checks that latents are left that move, of those that are meant, with one to ``hold``.

    Raises:
        ValueError: none is.
    """
    if hold is not None and not moving:
        raise ValueError(
            f"hold={hold}: nothing is left that moves; leave it out, or hold another latent"
        )


@torch.no_grad()
def follow(model: SequenceModel, codes: Codes, moved: str, hold: str | None = None) -> Codes:
    """The codes [steps, ...] once the latents that ``moved`` stands above, but one to ``hold``, are at their prior's mean given it."""
    z = codes[moved]
    return redrawn(model, codes, moved, MeanNoise(len(z), z.device), hold)


def lerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """(1 - share) a + share b."""
    return (1 - share) * a + share * b


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Along the great circle: (sin((1 - t) w) a + sin(t w) b) / sin w, w the angle between a and b; linear where they are parallel."""
    cosine = torch.nn.functional.cosine_similarity(
        a.flatten().double(), b.flatten().double(), dim=0
    ).clamp(-1, 1)
    angle = cosine.arccos()
    if angle.sin() < 1e-6:
        return lerp(a, b, share)
    weights = [
        (((1 - share) * angle).sin() / angle.sin()).item(),
        ((share * angle).sin() / angle.sin()).item(),
    ]
    return weights[0] * a + weights[1] * b


def decode(
    model: SequenceModel,
    tokenizer: Tokenizer | Standardizer,
    codes: Codes,
    steps: int,
    choice: DecodingOptions,
    seed: int = 0,
) -> list[str]:
    """The sentence at each of ``steps`` codes."""
    return [tokenizer.decode(ids) for ids in generate(model, codes, steps, choice, seed)]


def page(
    ends: list[str], lines: list[str], hold: str | None = None, move: str | None = None
) -> str:
    """The decoded path as text, what its two ends stand for above and below it, and on top what was held and what moved."""
    notes = [f"({hold} is held at A's)"] * bool(hold) + [f"({move} alone moves)"] * bool(move)
    return (
        "\n".join([*notes, f"A: {ends[0]}", *(f"   {line}" for line in lines), f"B: {ends[1]}"])
        + "\n"
    )


def write_interpolations(
    model: SequenceModel,
    tokenizer: Tokenizer | Standardizer,
    split: Split,
    folder: Path,
    seed: int,
    n: int = 5,
) -> None:
    """interpolations.txt of a run folder, between pairs of sentences of a split drawn by the seed, and a picture of the first pair.

    Where there are several latents, each pair has a page with all of them moving, and one with each moving alone. Nothing is written
    where the model has no latent, cannot be decoded, or its codes have no fixed size.
    """
    if not (model.latents and isinstance(model, Generator)):
        return
    rows = np.random.default_rng(seed).permutation(len(split))[: 2 * n]
    pages: list[str] = []
    for a, b in zip(rows[::2], rows[1::2], strict=False):
        one, other = (mean_codes(model, [split[row]]) for row in (a, b))
        if any(one[name].shape != other[name].shape for name in one):
            return
        ends = [tokenizer.decode(split[row]) for row in (a, b)]
        for move in (None, *model.latents) if len(model.latents) > 1 else (None,):
            codes = path(one, other, STEPS, "linear", move=move)
            codes = follow(model, codes, move) if move else codes
            lines = decode(model, tokenizer, codes, STEPS, GREEDY)
            if not pages:
                plots.save(
                    plots.interpolation(codes, lines, ends), folder / PLOTS / "interpolation.png"
                )
            pages.append(page(ends, lines, move=move))
    atomic_write(folder / INTERPOLATIONS, "\n".join(pages))
