"""``vaetext encode``: codes and scores of a user's lines."""

import csv
import io
import re

import numpy as np

from vaetext.config.verbs import EncodeConfig
from vaetext.data.atomic import atomic_write
from vaetext.data.loader import Split
from vaetext.evaluation.scoring import Scores, score
from vaetext.objectives.bounds import importance_nll
from vaetext.report.output import check_input_lengths, input_lines, output_folder, write_output
from vaetext.runs.folder import load_run
from vaetext.runs.layout import CODES, SCORES


def run(config: EncodeConfig) -> None:
    """Writes codes.npz and scores.tsv (nats per line), the latter to stdout too; a model without latents has scores only."""
    run = load_run(config.run, config.checkpoint, config.device, config.seed)
    numbers, lines = zip(*input_lines(config.input), strict=True)
    given = run.tokenizer.encode_all(list(lines))
    check_input_lengths(run.model, given, numbers, config.input)
    split = Split.of(given)
    scores = score(
        run.model,
        split,
        seed=run.seed,
        samples=config.iw_samples,
        batch_tokens=config.batch_tokens,
        device=run.device,
    )
    write_output(tsv(scores, numbers, lines), output_folder() / SCORES)
    if scores.codes:
        atomic_write(output_folder() / CODES, npz(scores, numbers))


def npz(scores: Scores, numbers: tuple[int, ...]) -> bytes:
    """An .npz file: ``<latent>.mean``, ``.std`` (of a Gaussian q) and ``.z`` (one sample), [N, ...]; ``index`` [N], the lines' numbers."""
    arrays = {
        f"{name}.{part}": getattr(code, part)
        for name, code in scores.codes.items()
        for part in ("mean", "std", "z")
    }
    known = {name: array.numpy() for name, array in arrays.items() if array is not None}
    buffer = io.BytesIO()
    np.savez(buffer, index=np.array(numbers), **known)
    return buffer.getvalue()


def tsv(scores: Scores, numbers: tuple[int, ...], lines: tuple[str, ...]) -> str:
    """A row a line: its number, rec, KL of each latent, -ELBO, IW-NLL(K) (or the exact NLL), tokens with EOS or frames, the line; nats.

    In the line every white space is a space, so that it stays one cell; one that holds a quotation mark is quoted, as CSV has it.
    """
    samples = scores.log_px.shape[0]
    columns = {
        "rec": -scores.log_px.mean(0),
        **{f"KL {name}": kl.mean(0) for name, kl in scores.kl.items()},
        "-ELBO": -scores.elbo,
    }
    columns[f"IW-NLL({samples})" if scores.kl else "NLL"] = importance_nll(scores.log_weight)
    figures = zip(*(column.tolist() for column in columns.values()), strict=True)
    rows = [["index", *columns, "tokens" if scores.symbols else "frames", "line"]]
    for number, row, tokens, line in zip(
        numbers, figures, scores.tokens.tolist(), lines, strict=True
    ):
        rows.append(
            [
                str(number),
                *(f"{value:.4f}" for value in row),
                str(tokens),
                re.sub(r"[^\S ]", " ", line),
            ]
        )
    buffer = io.StringIO()
    csv.writer(buffer, delimiter="\t", lineterminator="\n").writerows(rows)
    return buffer.getvalue()
