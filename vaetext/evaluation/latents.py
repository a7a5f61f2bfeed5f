"""Codes to decode: posterior means, samples of the prior, held latents, and paths between codes."""

import numpy as np
import torch
from torch import Tensor

from vaetext.config.options import closest
from vaetext.data.loader import Sequences, Split, collate, evaluation_order
from vaetext.distributions.latent import LatentSample, blank
from vaetext.distributions.noise import KeyedNoise, MeanNoise, Noise
from vaetext.models.base import SequenceModel

Codes = dict[str, Tensor]  # latent name -> z [rows, ...]
BATCH_TOKENS = 4096  # padded tokens encoded at once; it bounds memory and changes no result


@torch.no_grad()
def mean_codes(model: SequenceModel, sequences: Sequences) -> Codes:
    """The posterior means of sequences, latent name -> z [rows, ...].

    After a sequence's end a latent per step is blank, and another one zero, whatever else is given.

    Raises:
        ValueError: the model has no latent, or a sequence is longer than it can take.
    """
    check_has_latent(model)
    split = Split.of(sequences)
    model.check_lengths(split.longest, "the sentences given")
    device = next(model.parameters()).device
    order = list(evaluation_order(split, BATCH_TOKENS))
    parts = []
    for index in order:
        batch = collate(split, index, model.domain).to(device)
        parts.append(model.sample(model.encode(batch), MeanNoise(len(batch), device)))
    back = torch.from_numpy(np.argsort(np.concatenate(order))).to(device)
    return {
        latent.name: _joined([part[latent.name] for part in parts], latent.per_step)[back]
        for latent in model.latents
    }


def _joined(samples: list[LatentSample], per_step: bool) -> Tensor:
    """The first samples of all batches, z [rows, ...]; blanks or zeros where they are masked."""
    z = samples[0].z
    fill = blank(z) if per_step else 0
    parts = [_masked(sample, fill) for sample in samples]
    if z.dim() == 2:
        return torch.cat(parts)
    longest = max(part.shape[1] for part in parts)
    joined = z.new_full((sum(map(len, parts)), longest, *z.shape[3:]), fill)
    for rows, part in zip(torch.split(joined, list(map(len, parts))), parts, strict=True):
        rows[:, : part.shape[1]] = part
    return joined


def _masked(sample: LatentSample, fill: float) -> Tensor:
    """z [B, ...] of the first sample, ``fill`` at masked positions."""
    z = sample.z[0]
    if sample.mask is None:
        return z
    masked = sample.mask[0] == 0
    return z.masked_fill(masked.reshape(*masked.shape, *[1] * (z.dim() - masked.dim())), fill)


@torch.no_grad()
def prior_codes(
    model: SequenceModel, numbers: range, seed: int, given: Codes | None = None
) -> Codes:
    """Samples of the prior, latent name -> z [rows, ...].

    Args:
        numbers: of the samples; each depends on (seed, number) alone.
        given: latent name -> z [1, ...] that every row has; the latents conditioned on it are
            sampled given it.
    """
    device = next(model.parameters()).device
    index = torch.arange(numbers.start, numbers.stop, device=device)
    kept = {name: z[:1].expand(len(index), *z.shape[1:])[None] for name, z in (given or {}).items()}
    drawn = model.sample_prior(KeyedNoise(seed, index, range(1)), kept)
    return {name: z[0] for name, z in drawn.items()}


def held(codes: Codes, name: str | None, first: Codes) -> Codes:
    """The codes [rows, ...], the latent ``name`` of every row as in the first row of ``first``.

    Raises:
        ValueError: there is no latent of that name.
    """
    check_latent(codes, "hold", name)
    if name is None:
        return codes
    return {**codes, name: first[name][:1].expand_as(codes[name])}


def resample(
    model: SequenceModel, codes: Codes, moved: str, noise: Noise, hold: str | None = None
) -> Codes:
    """The codes [rows, ...] after the latent ``moved`` was set.

    The latents conditioned on it, except one to ``hold``, are sampled again given it.

    Args:
        noise: of one sample for each row.
    """
    redrawn = model.conditioned_on(moved) - {hold}
    given = {name: z[None] for name, z in codes.items() if name not in redrawn}
    return {name: z[0] for name, z in model.sample_prior(noise, given).items()}


def path(
    a: Codes,
    b: Codes,
    steps: int,
    method: str = "linear",
    hold: str | None = None,
    move: str | None = None,
) -> Codes:
    """Codes on the way from a to b, both ends included: latent name -> z [steps, ...].

    Args:
        a: codes [1, ...].
        b: codes [1, ...].
        steps: points of the path, at least 2.
        method: ``linear``, or ``slerp`` along the great circle.
        hold: latent that stays at a.
        move: the only latent that moves; ``follow`` then moves those conditioned on it.

    Raises:
        ValueError: there is no latent of the name to hold or to move, none is left that moves, or
            the codes of a and b differ in shape or in a discrete latent, which never moves.
    """
    check_latent(a, "hold", hold)
    check_latent(a, "move", move)
    discrete = {name for name, z in a.items() if not z.is_floating_point()}
    if move in discrete:
        raise ValueError(f"move={move}: it is discrete, so it has no path; move another latent")
    moving = (set(a) if move is None else {move}) - {hold} - discrete
    check_moving(moving, hold)
    for name in a:
        if a[name].shape != b[name].shape:
            raise ValueError(
                f"latent {name} grows with the sentence; a and b must have the same number of"
                " tokens"
            )
    for name in discrete:
        if not torch.equal(a[name], b[name]):
            raise ValueError(
                f"latent {name} is discrete and differs between a and b, so there is no path from"
                " one to the other; interpolate between sequences of equal value"
            )
    mix = {"linear": lerp, "slerp": slerp}[method]
    shares = torch.linspace(0, 1, steps).tolist()
    return {
        name: torch.cat(
            [mix(a[name], b[name], share) if name in moving else a[name] for share in shares]
        )
        for name in a
    }


@torch.no_grad()
def follow(model: SequenceModel, codes: Codes, moved: str, hold: str | None = None) -> Codes:
    """The codes [rows, ...], the latents conditioned on ``moved`` at their prior's mean given it.

    A latent to ``hold`` stays as it is.
    """
    z = codes[moved]
    return resample(model, codes, moved, MeanNoise(len(z), z.device), hold)


def lerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """(1 - share) a + share b."""
    return (1 - share) * a + share * b


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """(sin((1 - t) w) a + sin(t w) b) / sin w, with t the share and w the angle of a and b.

    The path along the great circle; linear where a and b are parallel.
    """
    one = a.flatten().double()
    other = b.flatten().double()
    cosine = torch.nn.functional.cosine_similarity(one, other, dim=0).clamp(-1, 1)
    angle = cosine.arccos()
    if angle.sin() < 1e-6:
        return lerp(a, b, share)
    weight_a = (((1 - share) * angle).sin() / angle.sin()).item()
    weight_b = ((share * angle).sin() / angle.sin()).item()
    return weight_a * a + weight_b * b


def decoded_latents(model: SequenceModel) -> list[str]:
    """The latents that the decoder reads; others show only in those conditioned on them."""
    return [latent.name for latent in model.latents if latent.decoded]


def discrete_latents(model: SequenceModel) -> set[str]:
    """The latents that stay as they are along a path."""
    return {latent.name for latent in model.latents if latent.discrete}


def has_paths(model: SequenceModel) -> bool:
    """Whether there are paths between codes of a model, where its discrete latents are equal."""
    return bool(model.latents) and not _obstacle(model)


def check_interpolable(model: SequenceModel) -> None:
    """Raises ValueError where a model's codes have no path between them."""
    check_has_latent(model)
    if reason := _obstacle(model):
        raise ValueError(
            f"model {model.name}: {reason}, so there is no path between two codes; use a run of a"
            " model with latent vectors, such as vrae"
        )


def _obstacle(model: SequenceModel) -> str | None:
    for latent in model.latents:
        if latent.per_step:
            return f"latent {latent.name} is drawn at every step"
    if all(latent.discrete for latent in model.latents):
        return "every latent is discrete"
    return None


def check_has_latent(model: SequenceModel) -> None:
    """Raises ValueError where a model has no latent."""
    if not model.latents:
        raise ValueError(
            f"model {model.name} has no latent, so no code to decode; use a run of a model that"
            " has one, such as vrae"
        )


def check_latent(codes: Codes, option: str, name: str | None) -> None:
    """Raises ValueError where ``option`` names a latent that the codes do not have."""
    if name is not None and name not in codes:
        there = (
            f"the latents of this model are {', '.join(codes)}"
            if codes
            else "this model has no latent"
        )
        raise ValueError(f"{option}={name}: {there}{closest(name, codes)}")


def check_moving(moving: set[str], hold: str | None) -> None:
    """Raises ValueError where no latent is left that moves, with one to ``hold``."""
    if hold is not None and not moving:
        raise ValueError(
            f"hold={hold}: nothing is left that moves; leave it out, or hold another latent"
        )


def check_decoded(model: SequenceModel, hold: str | None) -> None:
    """Raises ValueError where holding a latent changes nothing.

    So it is where the decoder reads other latents only, which come from each sentence.
    """
    decoded = decoded_latents(model)
    if hold in model.latent_names and hold not in decoded:
        read = ", ".join(decoded)
        raise ValueError(
            f"hold={hold}: the decoder reads {read} alone, inferred from each sentence; hold that,"
            f" or sample with hold={hold}"
        )
