"""Results as tables: one run's, or many runs' with means over seeds; Markdown, CSV and LaTeX."""

import csv
import io
import statistics
from dataclasses import dataclass, field
from typing import Any

LOWER_IS_BETTER = ("-ELBO", "IW-NLL", "PPL", "IW-PPL", "bits per symbol", "distance to truth")
NOTE = """Nats per sequence, EOS counted, means over the whole {split} split at KL weight 1, best-validation checkpoint. -ELBO = rec + sum of KL
(exact where there is no latent). PPL = exp(-ELBO per token with EOS). NLL (rec) and PPL (rec, no EOS) are the reconstruction alone, over tokens
without EOS, as in some published tables: no bounds. AU: Var_x(E_q[z|x]) > 0.01; MI: I_q(x; z) against the aggregate of the whole split; shuffle: rise of
rec when z is permuted between sequences. Distance to truth = mean(-ELBO + log p(x)), its standard error in brackets."""


@dataclass
class Row:
    """One line of a table: who, and column -> a value for each seed (None where it does not apply)."""

    label: str
    data: str
    columns: dict[str, list[float | None]] = field(default_factory=dict)


def columns(record: dict[str, Any]) -> dict[str, float | None]:
    """Column -> value of one split's record, in the order of evaluation: bounds, perplexities, the latents' use, the truth."""
    samples = record["iw_samples"]
    single: dict[str, float | None] = {
        "rec": record["rec"],
        **{f"KL {name}": value for name, value in record["kl"].items()},
        "-ELBO": record["neg_elbo"],
        f"IW-NLL({samples})": record["iw_nll"],
        "PPL": record["ppl"],
        "IW-PPL": record["iw_ppl"],
        "NLL (rec)": record["rec"],
        "PPL (rec, no EOS)": record["rec_ppl_no_eos"],
        "bits per symbol": record["bits_per_symbol"],
    }
    for title, key in (("AU", "active_units"), ("MI", "mutual_information"), ("shuffle", "shuffle_rec_increase")):
        single |= {f"{title} {name}": value for name, value in record[key].items()}
    if record["truth_gap"] is not None:
        single |= {"distance to truth": record["truth_gap"], "(stderr)": record["truth_gap_stderr"]}
    return {name: value for name, value in single.items() if samples or not name.startswith("IW-")}


def run_table(result: dict[str, Any]) -> str:
    """One run's ``table.md``: a line a quantity, a column a split."""
    splits = [name for name in ("valid", "test", "train") if name in result]
    values = {name: columns(result[name]) for name in splits}
    names = list(max(values.values(), key=len))
    head = f"# {result['model']} on {result['data']}, trainer={result['trainer']}, seed {result['seed']}"
    size = f"{result['parameters']:,} parameters, checkpoint of epoch {result['best_epoch']} (from 0)"
    speed = f", {result['tokens_per_second']:,.0f} real tokens per second" if "tokens_per_second" in result else ""
    rows = [[name, *(text(values[split].get(name)) for split in splits)] for name in names]
    note = NOTE.format(split="named").replace("\n", " ")
    return f"{head}\n\n{size}{speed}\n\n{markdown([['', *splits], *rows])}\n{note}\n"


def text(value: float | None) -> str:
    """A number as a table shows it."""
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:,.2f}" if abs(value) >= 10 else f"{value:.3f}"


def cells(rows: list[Row]) -> list[list[str]]:
    """Header and cells: mean, or mean ± deviation over seeds; the best of each data set in ``**``."""
    names = list(dict.fromkeys(column for row in rows for column in row.columns))
    best = {(data, name): _best(rows, data, name) for data in {row.data for row in rows} for name in names}
    table = [["data", "model", "seeds", *names]]
    for row in rows:
        shown = [_cell(row.columns.get(name, []), best[row.data, name]) for name in names]
        table.append([row.data, row.label, str(max(map(len, row.columns.values()), default=0)), *shown])
    return table


def markdown(table: list[list[str]]) -> str:
    """A Markdown table, numbers to the right."""
    head, *body = table
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def comma_separated(table: list[list[str]]) -> str:
    """CSV, without marks."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([cell.replace("**", "") for cell in line] for line in table)
    return buffer.getvalue()


def latex(table: list[list[str]]) -> str:
    """A LaTeX tabular (package booktabs)."""
    head, *body = ([_tex(cell) for cell in line] for line in table)
    lines = [r"\begin{tabular}{ll" + "r" * (len(head) - 2) + "}", r"\toprule", " & ".join(head) + r" \\", r"\midrule"]
    return "\n".join([*lines, *(" & ".join(line) + r" \\" for line in body), r"\bottomrule", r"\end{tabular}"]) + "\n"


FORMATS = {"markdown": markdown, "csv": comma_separated, "latex": latex}


def _mean(values: list[float | None]) -> float | None:
    real = [value for value in values if value is not None]
    return statistics.fmean(real) if real else None


def _best(rows: list[Row], data: str, name: str) -> float | None:
    if name.partition("(")[0] not in LOWER_IS_BETTER:
        return None
    means = [mean for row in rows if row.data == data and (mean := _mean(row.columns.get(name, []))) is not None]
    return min(means) if len(means) > 1 else None


def _cell(values: list[float | None], best: float | None) -> str:
    mean, real = _mean(values), [value for value in values if value is not None]
    if mean is None:
        return "-"
    shown = text(real[0]) if len(real) == 1 else f"{text(mean)} ± {text(statistics.stdev(real))}"
    return f"**{shown}**" if mean == best else shown


def _tex(cell: str) -> str:
    bold = cell.startswith("**")
    plain = cell.replace("**", "").replace("\\", r"\textbackslash ")
    for sign in "&%$#_{}":
        plain = plain.replace(sign, "\\" + sign)
    plain = plain.replace("±", r"$\pm$").replace("^", r"\^{}").replace("~", r"\~{}")
    return rf"\textbf{{{plain}}}" if bold else plain
