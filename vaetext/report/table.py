"""Results as tables: one run's, or many runs' with means over seeds; Markdown, CSV and LaTeX."""

import csv
import io
import re
import statistics
import textwrap
from dataclasses import dataclass, field
from typing import Any

_NOTE = (
    "Nats per sequence, EOS counted, means over the whole {split}, KL at weight 1, weights of the lowest valid -ELBO unless others"
    " were asked for. rec = -E_q[log p(x|z)]; -ELBO = rec + KL, exact where there is no latent; IW-NLL(K): importance-weighted bound of"
    " K samples; PPL = exp(-ELBO over tokens with EOS), PPL (no EOS) over tokens without. NLL (rec) and PPL (rec, no EOS) are a published"
    " convention, the reconstruction alone, EOS counted in its nats and not in its tokens: no bounds; rec per symbol is its mean over"
    " tokens without EOS, another convention. AU: units with Var_x(E_q[z|x]) > 0.01 (below other latents: Var_x(E_q - E_p), their own"
    " part); MI: I_q(x; z) against the aggregate posterior of the whole split; shuffle: rise of rec when z is permuted"
    " between sequences. distance to truth = mean(-ELBO + log p(x)). Where sequences are real-valued, all are"
    " densities of standardised values, and log-likelihood per frame = ELBO over frames."
)
_SEEDS = " ± is the standard deviation over seeds; the best bound of each data set is bold."
# Column titles in their order; what a title ends with is a latent's name or K.
ORDER = (
    "rec", "KL", "-ELBO", "IW-NLL", "PPL", "PPL (no EOS)", "IW-PPL", "NLL (rec)", "PPL (rec, no EOS)", "rec per symbol", "ELBO (source)",
    "Reconstruction (source)", "KL (source)", "bits per symbol", "log-likelihood per frame", "FIVO-NLL", "AU", "MI", "shuffle",
    "distance to truth", "stderr of distance",
)  # fmt: skip
LOWER_IS_BETTER = (
    "-ELBO",
    "IW-NLL",
    "PPL",
    "PPL (no EOS)",
    "IW-PPL",
    "bits per symbol",
    "FIVO-NLL",
    "distance to truth",
)
PUBLISHED = "published "  # before the title of a column that is held against ours of that title
Values = dict[str, float | None]


@dataclass
class Row:
    """One line of a table: who, and column -> a value for each seed (None where it does not apply)."""

    label: str
    data: str
    seeds: int = 0
    columns: dict[str, list[float]] = field(default_factory=dict)

    def add(self, values: Values) -> None:
        """Takes one run's columns."""
        self.seeds += 1
        for name, value in values.items():
            if value is not None:
                self.columns.setdefault(name, []).append(value)

    def values(self, name: str) -> list[float]:
        """A column's values, one a seed, or none where some seeds lack it.

        A model without a latent is exact, so its importance-weighted bound is its -ELBO for every K.
        """
        exact = not any(kind(column) == "KL" for column in self.columns)
        instead = {"IW-NLL": "-ELBO", "IW-PPL": "PPL"}.get(kind(name)) if exact else None
        found = self.columns.get(instead or name, [])
        return found if len(found) == self.seeds else []


def columns(record: dict[str, Any]) -> Values:
    """Column -> value of one split's record in ``results.json``, K in the importance-weighted columns' names."""
    samples = record["iw_samples"]
    values: Values = {
        "rec": record["rec"],
        **_latents("KL", record["kl"]),
        "-ELBO": record["neg_elbo"],
        **(
            {f"IW-NLL({samples})": record["iw_nll"], f"IW-PPL({samples})": record["iw_ppl"]}
            if samples
            else {}
        ),
        "PPL": record["ppl"],
        "PPL (no EOS)": record["ppl_no_eos"],
        "NLL (rec)": record["rec"] if record["tokens_no_eos"] else None,
        "PPL (rec, no EOS)": record["rec_ppl_no_eos"],
        "rec per symbol": record["rec"] * record["sequences"] / record["tokens_no_eos"]
        if record["tokens_no_eos"]
        else None,
        "bits per symbol": record["bits_per_symbol"],
        "log-likelihood per frame": record["log_likelihood_per_frame"],
        "FIVO-NLL": record["fivo_nll"],
        **_latents("AU", record["active_units"]),
        **_latents("MI", record["mutual_information"]),
        **_latents("shuffle", record["shuffle_rec_increase"]),
        "distance to truth": record["truth_gap"],
        "stderr of distance": record["truth_gap_stderr"],
    }
    return {name: values[name] for name in ordered(values) if values[name] is not None}


def ordered(names: Any) -> list[str]:
    """Column titles, each once, in the order of every table: those of a kind by latent or K, numbers in them as numbers.

    A published column stands beside ours.
    """
    place = {title: n for n, title in enumerate(ORDER)}

    def key(name: str) -> tuple[int, str, bool]:
        own = name.removeprefix(PUBLISHED)
        return (
            place.get(kind(own), len(ORDER)),
            re.sub(r"\d+", lambda number: number[0].zfill(9), own),
            own != name,
        )

    return sorted(dict.fromkeys(names), key=key)


def run_table(result: dict[str, Any]) -> str:
    """One run's ``table.md``: a line a quantity, a column a split."""
    splits = [name for name in ("valid", "test", "train") if name in result]
    values = {name: columns(result[name]) for name in splits}
    head = f"# {result['model']} on {result['data']}, trainer={result['trainer']}, seed {result['seed']}"
    size = (
        f"{result['parameters']:,} parameters, checkpoint of epoch {result['best_epoch']} (from 0)"
    )
    unit = (
        "tokens" if all(result[name]["tokens_no_eos"] is not None for name in splits) else "frames"
    )
    speed = (
        f", {result['tokens_per_second']:,.0f} real {unit} per second"
        if "tokens_per_second" in result
        else ""
    )
    names = ordered(name for named in values.values() for name in named)
    rows = [[name, *(_number(values[split].get(name)) for split in splits)] for name in names]
    return f"{head}\n\n{size}{speed}\n\n{markdown([['', *splits], *rows])}\n{note('split')}\n"


def markdown_table(rows: list[Row], split: str) -> str:
    """Many runs in Markdown, with a note on the protocol."""
    return f"{markdown(cells(rows))}\n{note(f'{split} split', _SEEDS)}\n"


def csv_table(rows: list[Row], split: str) -> str:
    """Many runs as comma-separated numbers: for each column its mean, and its deviation where a row has several seeds."""
    names, parts = (
        ordered(name for row in rows for name in row.columns),
        (("", _mean), (" std", _deviation)),
    )
    if all(row.seeds == 1 for row in rows):
        parts = parts[:1]  # type: ignore[assignment]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        [
            "data",
            "model",
            "split",
            "seeds",
            *(name + suffix for name in names for suffix, _ in parts),
        ]
    )
    for row in rows:
        writer.writerow(
            [
                row.data,
                row.label,
                split,
                row.seeds,
                *(part(row.values(name)) for name in names for _, part in parts),
            ]
        )
    return buffer.getvalue()


def latex_table(rows: list[Row], split: str) -> str:
    """Many runs as a LaTeX tabular (package booktabs), the note as a comment."""
    head, *body = ([_tex(cell) for cell in line] for line in cells(rows))
    lines = [
        r"\begin{tabular}{ll" + "r" * (len(head) - 2) + "}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
    ]
    lines += [*(" & ".join(line) + r" \\" for line in body), r"\bottomrule", r"\end{tabular}"]
    return "\n".join([textwrap.indent(note(f"{split} split", _SEEDS), "% "), *lines]) + "\n"


FORMATS = {"markdown": markdown_table, "csv": csv_table, "latex": latex_table}


def note(split: str, more: str = "") -> str:
    """What the columns mean and how they were measured."""
    return textwrap.fill(_NOTE.format(split=split) + more, 120)


def cells(rows: list[Row]) -> list[list[str]]:
    """Header and cells: a mean, ± its deviation over seeds; the best of each data set between ``**``."""
    names = ordered(name for row in rows for name in row.columns)
    best = {
        (data, name): _best(rows, data, name)
        for data in {row.data for row in rows}
        for name in names
    }
    table = [["data", "model", "seeds", *names]]
    for row in rows:
        table.append(
            [
                row.data,
                row.label,
                str(row.seeds),
                *(_cell(row.values(name), best[row.data, name]) for name in names),
            ]
        )
    return table


def markdown(table: list[list[str]]) -> str:
    """Cells as a Markdown table, padded so that it reads well as plain text, numbers to the right."""
    lines = [[cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in table]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    words = 2 if table[0][:2] == ["data", "model"] else 1
    padded = [
        [
            cell.ljust(w) if n < words else cell.rjust(w)
            for n, (cell, w) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    rule = ["-" * w if n < words else "-" * (w - 1) + ":" for n, w in enumerate(widths)]
    return "".join("| " + " | ".join(line) + " |\n" for line in [padded[0], rule, *padded[1:]])


def _latents(title: str, named: dict[str, Any]) -> Values:
    return {f"{title} {name}": value for name, value in named.items()}


def kind(name: str) -> str:
    """A column's title without the latent or the K that it ends with: ``KL z_g`` -> ``KL``, ``IW-NLL(50)`` -> ``IW-NLL``."""
    return (
        name if name in ORDER else name.partition("(")[0] if "(" in name else name.partition(" ")[0]
    )


def _mean(values: list[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _deviation(values: list[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


def _best(rows: list[Row], data: str, name: str) -> float | None:
    means = [
        mean for row in rows if row.data == data and (mean := _mean(row.values(name))) is not None
    ]
    return min(means) if kind(name) in LOWER_IS_BETTER and len(means) > 1 else None


def _cell(values: list[float], best: float | None) -> str:
    mean, deviation = _mean(values), _deviation(values)
    shown = _number(values[0] if len(values) == 1 else mean)
    if mean is not None and deviation is not None:
        shown = f"{mean:{_format(mean)}} ± {deviation:{_format(mean)}}"
    return f"**{shown}**" if mean is not None and mean == best else shown


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:{_format(value)}}"


def _format(value: float) -> str:
    """How a mean and its deviation are written: two decimals from 10 on, and a power of ten where no digit after it means anything."""
    return ".2e" if abs(value) >= 1e9 else ",.2f" if abs(value) >= 10 else ",.3f"


_TEX = {
    "\\": r"\textbackslash{}",
    "±": r"$\pm$",
    "^": r"\^{}",
    "~": r"\~{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}


def _tex(cell: str) -> str:
    bold = cell.startswith("**")
    plain = "".join(
        _TEX.get(sign, "\\" + sign if sign in "&%$#_{}" else sign)
        for sign in cell.replace("**", "")
    )
    return rf"\textbf{{{plain}}}" if bold else plain
