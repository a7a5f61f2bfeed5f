"""``vaetext encode``: codes and scores of a user's sequences."""

import csv
import io
import re

import numpy as np

from vaetext.config.verbs import EncodeConfig
from vaetext.report.output import (
    Inputs,
    check_input_lengths,
    command_record,
    output_folder,
    read_inputs,
    write_output,
)
from vaetext.runs.encoding import LatentCode, SentenceScores
from vaetext.runs.layout import CODES, SCORES
from vaetext.runs.load import load


def run(config: EncodeConfig) -> None:
    """Writes codes.npz, and scores.tsv (nats per sequence) to stdout too.

    A model without latents has scores only.
    """
    run = load(config.run, config.checkpoint, config.device, config.seed)
    inputs = read_inputs(run.format, config.input)
    check_input_lengths(run.model, inputs, config.input)
    found = run.encoding(inputs.sequences, config.iw_samples, config.batch_tokens)
    unit = "frames" if run.model.domain.eos is None else "tokens"
    table = tsv(found.scores, inputs, unit)
    codes = {CODES: npz(found.latents, inputs.numbers)} if found.latents else {}
    record = command_record(config, run)
    write_output(table, output_folder(), {SCORES: table, **codes, **record})


def npz(latents: dict[str, LatentCode], numbers: list[int]) -> bytes:
    """An .npz file of ``<latent>.mean``, ``<latent>.std`` and ``<latent>.z``, each [N, ...].

    ``index`` [N] holds the lines' numbers. ``std`` is there where q is Gaussian; ``offsets``
    [N + 1] where a line has as many rows as it has steps.
    """
    arrays = {
        f"{name}.{part}": getattr(code, part)
        for name, code in latents.items()
        for part in ("mean", "std", "z", "offsets")
    }
    known = {name: array for name, array in arrays.items() if array is not None}
    buffer = io.BytesIO()
    np.savez(buffer, index=np.array(numbers), **known)
    return buffer.getvalue()


def tsv(scores: SentenceScores, inputs: Inputs, unit: str = "tokens") -> str:
    """A row for each sequence, in nats.

    Its number, rec, KL of each latent, -ELBO, IW-NLL(K) (without latents the exact NLL), tokens
    with EOS or frames, and the line, or the sequence's name in its file. In the line every white
    space is a space, so that it stays one cell; a line with a quotation mark is quoted, as in CSV.
    """
    bound = f"IW-NLL({scores.iw_samples})" if scores.iw_samples else "NLL"
    columns = {
        "rec": scores.rec,
        **{f"KL {name}": kl for name, kl in scores.kl.items()},
        "-ELBO": scores.neg_elbo,
        bound: scores.iw_nll,
    }
    rows = [["index", *columns, unit, inputs.column]]
    values = zip(*(column.tolist() for column in columns.values()), strict=True)
    for number, row, tokens, line in zip(
        inputs.numbers, values, scores.tokens.tolist(), inputs.texts, strict=True
    ):
        shown = [f"{value:.4f}" for value in row]
        rows.append([str(number), *shown, str(tokens), re.sub(r"[^\S ]", " ", line)])
    buffer = io.StringIO()
    csv.writer(buffer, delimiter="\t", lineterminator="\n").writerows(rows)
    return buffer.getvalue()
