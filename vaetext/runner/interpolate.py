"""``vaetext interpolate``: sentences on the way between two codes."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vaetext.config.knobs import closest
from vaetext.config.verbs import InterpolateConfig
from vaetext.data.loader import Split
from vaetext.data.tokenizer import Tokenizer
from vaetext.distributions.noise import KeyedNoise
from vaetext.models.base import SequenceModel
from vaetext.runner.console import show
from vaetext.runner.files import atomic_write, output_folder
from vaetext.runner.generation import GREEDY, Choice, Codes, generate
from vaetext.runner.reconstruct import mean_codes
from vaetext.runner.run_folder import load_run


def run(config: InterpolateConfig) -> None:
    """Decodes ``steps`` points between the codes of a and b (sentences, or prior draws); to stdout and interpolations.txt.

    Raises:
        ValueError: the model has no latent, or no latent of the name to hold.
    """
    run = load_run(config.run, config.checkpoint, config.device)
    ends = [end_codes(run.model, run.tokenizer, text, config.seed + n) for n, text in enumerate((config.a, config.b))]
    if config.hold is not None and config.hold not in run.model.latents:
        names = run.model.latents
        raise ValueError(f"hold={config.hold}: the latents of this model are {', '.join(names)}{closest(config.hold, names)}")
    codes = path(ends[0], ends[1], config.steps, config.method, config.hold)
    text = page(run.model, run.tokenizer, codes, config.steps, Choice.of(config), [config.a, config.b], config.seed)
    atomic_write(output_folder() / "interpolations.txt", text)
    show(text)


@torch.no_grad()
def end_codes(model: SequenceModel, tokenizer: Tokenizer, text: str | None, seed: int) -> Codes:
    """Latent name -> z [1, ...]: the posterior's mean of a sentence, or a draw from the prior for None."""
    if text is not None or not model.latents:
        return mean_codes(model, [tokenizer.encode(text or "")])
    device = next(model.parameters()).device
    return {name: z[0] for name, z in model.prior(KeyedNoise(seed, torch.zeros(1, dtype=torch.int64, device=device), range(1))).items()}


def path(a: Codes, b: Codes, steps: int, method: str, hold: str | None = None) -> Codes:
    """Latent name -> z [steps, ...] from a to b, both included; a held latent stays at a."""
    shares = torch.linspace(0, 1, steps)
    mix = {"linear": lerp, "slerp": slerp}[method]
    return {name: torch.cat([a[name] if name == hold else mix(a[name], b[name], float(share)) for share in shares]) for name in a}


def lerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """(1 - share) a + share b."""
    return (1 - share) * a + share * b


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Along the great circle: (sin((1 - t) w) a + sin(t w) b) / sin w, w the angle between a and b; linear where they are parallel."""
    cosine = torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0).clamp(-1, 1)
    angle = cosine.arccos()
    if angle.sin() < 1e-6:
        return lerp(a, b, share)
    return (((1 - share) * angle).sin() * a + (share * angle).sin() * b) / angle.sin()


def page(model: SequenceModel, tokenizer: Tokenizer, codes: Codes, steps: int, choice: Choice, ends: list[str | None], seed: int = 0) -> str:
    """The decoded path as text, the given sentences above and below it."""
    lines = [tokenizer.decode(ids) for ids in generate(model, codes, steps, choice, torch.Generator().manual_seed(seed))]
    names = [text if text is not None else "(drawn from the prior)" for text in ends]
    return "\n".join([f"A: {names[0]}", *(f"   {line}" for line in lines), f"B: {names[1]}"]) + "\n"


def write_interpolations(model: SequenceModel, tokenizer: Tokenizer, split: Split, folder: Path, seed: int, n: int = 5) -> None:
    """interpolations.txt of a run folder: between pairs of sentences of a split, drawn by the seed."""
    rows = np.random.default_rng(seed).permutation(len(split))[: 2 * n]
    pages = []
    for a, b in zip(rows[::2], rows[1::2], strict=False):
        texts = [tokenizer.decode(split[row]) for row in (a, b)]
        codes = [mean_codes(model, [split[row].tolist()]) for row in (a, b)]
        pages.append(page(model, tokenizer, path(codes[0], codes[1], 7, "linear"), 7, GREEDY, list(texts)))
    atomic_write(folder / "interpolations.txt", "\n".join(pages))
