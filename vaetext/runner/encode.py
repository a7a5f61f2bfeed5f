"""``vaetext encode``: codes and scores of a user's lines."""

import io

import numpy as np

from vaetext.config.verbs import EncodeConfig
from vaetext.data.loader import Split
from vaetext.objectives.bounds import importance_nll
from vaetext.runner.console import show
from vaetext.runner.evaluation import Scores, score
from vaetext.runner.files import atomic_write, input_lines, output_folder
from vaetext.runner.run_folder import load_run


def run(config: EncodeConfig) -> None:
    """Writes codes.npz (``<latent>.mean``, ``.std``, ``.z``, a row a line) and scores.tsv (nats per line), the latter to stdout too."""
    run = load_run(config.run, config.checkpoint, config.device)
    lines = input_lines(config.input)
    split = Split.of(run.tokenizer.encode_all(lines))
    scores = score(
        run.model, split, seed=config.seed, samples=config.iw_samples, batch_tokens=config.batch_tokens, device=run.device
    )
    arrays = {f"{name}.{part}": getattr(code, part) for name, code in scores.codes.items() for part in ("mean", "std", "z")}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: value.numpy() for name, value in arrays.items() if value is not None})
    table = tsv(scores, lines)
    atomic_write(output_folder() / "codes.npz", buffer.getvalue())
    atomic_write(output_folder() / "scores.tsv", table)
    show(table)


def tsv(scores: Scores, lines: list[str]) -> str:
    """A row a line: rec, KL of each latent, -ELBO, IW-NLL(K), tokens with EOS, and the line; nats."""
    samples = scores.log_px.shape[0]
    columns = {"rec": -scores.log_px.mean(0), **{f"KL {name}": kl.mean(0) for name, kl in scores.kl.items()}, "-ELBO": -scores.elbo}
    columns[f"IW-NLL({samples})" if scores.kl else "NLL"] = importance_nll(scores.log_weight)
    header = "\t".join([*columns, "tokens", "line"])
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    body = ("\t".join([*(f"{value:.4f}" for value in row), str(int(n)), line]) for row, n, line in zip(rows, scores.tokens, lines, strict=True))
    return "\n".join([header, *body]) + "\n"
