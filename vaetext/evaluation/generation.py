"""Sequences sampled, reconstructed and interpolated: codes, and what the decoder makes of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from vaetext.config.decoding import DecodingOptions
from vaetext.data.loader import Sequences
from vaetext.evaluation.decoding import SAMPLING, generate
from vaetext.evaluation.latents import (
    Codes,
    check_decoded,
    check_has_latent,
    check_interpolable,
    check_latent,
    check_moving,
    decoded_latents,
    discrete_latents,
    follow,
    held,
    mean_codes,
    path,
    prior_codes,
)
from vaetext.evaluation.prefix import Prefix
from vaetext.models.base import SequenceModel


def sample(
    model: SequenceModel,
    n: int,
    seed: int = 0,
    options: DecodingOptions = SAMPLING,
    hold: str | None = None,
    prefix: Prefix | None = None,
    length: int | None = None,
) -> list[Any]:
    """``n`` sequences: z from the prior, x from the decoder.

    Sequence i depends on (seed, i) alone, and on the first one's code of a latent to ``hold``.
    With a ``prefix`` all begin with it, and z is drawn given it. With a ``length`` the others are
    drawn given that value of the latent length.

    Raises:
        ValueError: there is no latent of the name to hold, or it is drawn at every step, or given
            a prefix; or the prefix or the length does not fit.
    """
    given = {} if length is None else length_code(model, length)
    if prefix is not None:
        for name, value in (("hold", hold), ("length", length)):
            if value is not None:
                raise ValueError(
                    f"{name}={value}: the latents of each sample are drawn given the prefix, so"
                    f" samples cannot share one; leave out {name} or prefix"
                )
        return generate(model, {}, n, options, seed, prefix=prefix)
    if any(latent.name == hold and latent.per_step for latent in model.latents):
        raise ValueError(
            f"hold={hold}: it is drawn at every step, as the sequence grows, so samples cannot"
            " share its value; hold another latent, or none"
        )
    if hold is not None:
        first = prior_codes(model, range(1), seed, given)
        check_latent(first, "hold", hold)
        given = {**given, hold: first[hold]}
    return generate(model, prior_codes(model, range(n), seed, given), n, options, seed)


def reconstruct(
    model: SequenceModel,
    sequences: Sequences,
    options: DecodingOptions,
    seed: int = 0,
    hold: str | None = None,
) -> list[Any]:
    """What the decoder makes of each sequence's posterior mean; as many frames as were given.

    With a latent to ``hold``, all have the first one's code of it.

    Raises:
        ValueError: there is no latent of the name to hold, the decoder does not read it, or the
            model has no latent.
    """
    check_decoded(model, hold)
    codes = mean_codes(model, sequences)
    codes = held(codes, hold, codes)
    longest = max(map(len, sequences))
    outputs = generate(model, codes, len(sequences), options, seed, frames=longest)
    if model.domain.eos is None:
        return [back[: len(given)] for given, back in zip(sequences, outputs, strict=True)]
    return outputs


def path_between(
    model: SequenceModel,
    a: Any | None,
    b: Any | None,
    steps: int,
    *,
    method: str = "linear",
    hold: str | None = None,
    move: str | None = None,
    seed: int = 0,
) -> Codes:
    """Codes on the way from one sequence to another: latent name -> z [steps, ...].

    Args:
        a: first sequence, at its posterior mean; None samples the prior.
        b: last sequence; None samples the prior, given a's code of a latent to ``hold`` and of
            discrete latents.
        steps, method, hold: see ``latents.path``.
        move: latent that moves alone; those conditioned on it follow, at their prior's mean.
        seed: of the prior's samples.

    Raises:
        ValueError: the model has no latent, one without paths, no latent of the name to hold or to
            move, or none whose move the decoder shows; or a and b differ in a discrete latent.
    """
    check_interpolable(model)
    if b is not None and move is None:
        check_decoded(model, hold)
    first = end(model, a, 0, seed)
    check_latent(first, "hold", hold)
    shared = discrete_latents(model) | ({hold} if hold else set())
    last = end(model, b, 1, seed, {name: first[name] for name in shared})
    check_discrete(model, first, last)
    check_moving(set(decoded_latents(model)) - {hold}, hold)
    codes = path(first, last, steps, method, hold, move)
    return codes if move is None else follow(model, codes, move, hold)


def decode(
    model: SequenceModel, codes: Mapping[str, Any], options: DecodingOptions, seed: int = 0
) -> list[Any]:
    """The sequence at each row of a user's codes; see ``given_codes``."""
    rows = given_codes(model, codes)
    count = len(next(iter(rows.values()))) if rows else 1
    return generate(model, rows, count, options, seed)


def length_code(model: SequenceModel, length: int) -> Codes:
    """The code [1] of a latent length.

    Raises:
        ValueError: the model has no such latent, or it has no such value.
    """
    values = next((each.values for each in model.latents if each.name == "length"), range(0))
    if not values:
        raise ValueError(
            f"length={length}: model {model.name} has no latent length; leave it out, or use a run"
            " of latent-seq"
        )
    if length not in values:
        raise ValueError(
            f"length={length}: the latent length of this run is from {values[0]} to {values[-1]}"
        )
    device = next(model.parameters()).device
    return {"length": torch.tensor([values.index(length)], device=device)}


def given_codes(model: SequenceModel, codes: Mapping[str, Any]) -> Codes:
    """A user's codes, latent name -> array [rows, ...], as the model reads them.

    Raises:
        ValueError: one is missing (but of a latent per step), or of no latent of the model.
    """
    latents = {latent.name: latent for latent in model.latents}
    needed = {name for name, latent in latents.items() if not latent.per_step}
    if not needed <= set(codes) <= set(latents):
        raise ValueError(
            f"codes of {', '.join(codes) or 'no latent'}: this model's latents are"
            f" {', '.join(latents) or 'none'}; give the code of each"
        )
    device = next(model.parameters()).device
    for name in codes:
        count = len(latents[name].values)
        if count and not all(0 <= value < count for value in np.ravel(codes[name])):
            raise ValueError(
                f"codes of {name}: they count from 0, so that each must be under {count}"
            )
    kinds = {name: torch.int64 if latents[name].discrete else torch.float32 for name in codes}
    return {name: torch.as_tensor(z, dtype=kinds[name], device=device) for name, z in codes.items()}


def end(
    model: SequenceModel,
    sequence: Any | None,
    number: int,
    seed: int,
    given: Codes | None = None,
) -> Codes:
    """The code [1, ...] of a sequence, or sample ``number`` of the prior, where it is None.

    Args:
        given: latent name -> z [1, ...] that the sample of the prior keeps.
    """
    check_has_latent(model)
    if sequence is not None:
        return mean_codes(model, [sequence])
    return prior_codes(model, range(number, number + 1), seed, given)


def check_discrete(model: SequenceModel, a: Codes, b: Codes) -> None:
    """Raises ValueError where two codes [1, ...] differ in a discrete latent that has values."""
    for latent in model.latents:
        if latent.values and not torch.equal(a[latent.name], b[latent.name]):
            one, other = (latent.values[int(each[latent.name])] for each in (a, b))
            raise ValueError(
                f"latent {latent.name} is {one} in a and {other} in b, and there is no path from"
                f" one to the other; choose sentences of equal {latent.name}, or give one alone"
            )
