"""``vaetext encode``: codes and scores of a user's sequences."""

import csv
import io
import re
from pathlib import Path

import numpy as np

from vaetext.config.trained import EncodeConfig
from vaetext.report import plots
from vaetext.report.labels import code_vectors, labels_page, read_labels
from vaetext.report.output import (
    Inputs,
    check_input_lengths,
    command_record,
    output_folder,
    read_inputs,
    split_inputs,
    write_output,
)
from vaetext.runs.encoding import LatentCode, SentenceScores
from vaetext.runs.layout import CODES, CODES_PLANE, LABELS, SCORES
from vaetext.runs.load import load
from vaetext.runs.run import Run


def run(config: EncodeConfig) -> None:
    """Writes codes.npz and scores.tsv (nats per sequence), and prints the latter.

    With labels also labels.md, which is printed in its place, and codes.png. A model without
    latents has scores only.
    """
    run = load(config.run, config.checkpoint, config.device, config.seed)
    inputs, factors = to_encode(run, config)
    labels = read_labels(config.labels, inputs, factors) if config.labels else None
    found = run.encoding(inputs.sequences, config.iw_samples, config.batch_tokens)
    unit = "frames" if run.model.domain.eos is None else "tokens"
    table = tsv(found.scores, inputs, unit, labels)
    files: dict[str, str | bytes] = {SCORES: table, **command_record(config, run)}
    if found.latents:
        files[CODES] = npz(found.latents, inputs.numbers, labels)
    if config.labels and labels is not None:
        vectors = code_vectors(found.latents)
        files[LABELS] = table = labels_page(config.labels, labels, vectors)
        files[CODES_PLANE] = plots.png(plots.planes(vectors, {Path(config.labels).stem: labels}))
    write_output(table, output_folder(), files)


def to_encode(run: Run, config: EncodeConfig) -> tuple[Inputs, dict[str, np.ndarray]]:
    """The sequences of the input or of a split, and what is known of the latter.

    Raises:
        ValueError: they are missing or too long, or labels are asked of a model without latents.
    """
    if config.labels and not run.model.latents:
        raise ValueError(
            f"labels={config.labels}: model {run.model.name} has no latent whose codes could tell"
            " them; leave labels out, or use another run"
        )
    if config.split is not None:
        split = run.split(config.split)
        return split_inputs(run.format, split, config.split), split.factors
    inputs = read_inputs(run.format, config.input)
    check_input_lengths(run.model, inputs, config.input)
    return inputs, {}


def npz(
    latents: dict[str, LatentCode], numbers: list[int], labels: np.ndarray | None = None
) -> bytes:
    """An .npz file of ``<latent>.mean``, ``<latent>.std`` and ``<latent>.z``, each [N, ...].

    ``index`` [N] holds the lines' numbers, ``label`` [N] their labels, if any. ``std`` is there
    where q is Gaussian; ``offsets`` [N + 1] where a line has as many rows as it has steps.
    """
    arrays = {
        f"{name}.{part}": getattr(code, part)
        for name, code in latents.items()
        for part in ("mean", "std", "z", "offsets")
    }
    known = {name: array for name, array in arrays.items() if array is not None}
    if labels is not None:
        known["label"] = labels
    buffer = io.BytesIO()
    np.savez(buffer, index=np.array(numbers), **known)
    return buffer.getvalue()


def tsv(
    scores: SentenceScores, inputs: Inputs, unit: str = "tokens", labels: np.ndarray | None = None
) -> str:
    """A row for each sequence, in nats.

    Its number, rec, KL of each latent, -ELBO, IW-NLL(K) (without latents the exact NLL), tokens
    with EOS or frames, the label, if any, and the line, or the sequence's name in its file. In the
    line every white space is a space, so that it stays one cell; a line with a quotation mark is
    quoted, as in CSV.
    """
    bound = f"IW-NLL({scores.iw_samples})" if scores.iw_samples else "NLL"
    columns = {
        "rec": scores.rec,
        **{f"KL {name}": kl for name, kl in scores.kl.items()},
        "-ELBO": scores.neg_elbo,
        bound: scores.iw_nll,
    }
    texts = {} if labels is None else {"label": labels.tolist()}
    texts[inputs.column] = inputs.texts
    rows = [["index", *columns, unit, *texts]]
    values = zip(*(column.tolist() for column in columns.values()), strict=True)
    for number, row, tokens, *words in zip(
        inputs.numbers, values, scores.tokens.tolist(), *texts.values(), strict=True
    ):
        shown = [f"{value:.4f}" for value in row]
        cells = [re.sub(r"[^\S ]", " ", each) for each in words]
        rows.append([str(number), *shown, str(tokens), *cells])
    buffer = io.StringIO()
    csv.writer(buffer, delimiter="\t", lineterminator="\n").writerows(rows)
    return buffer.getvalue()
