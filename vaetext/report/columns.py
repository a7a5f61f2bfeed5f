"""The columns of every table: titles, order, which of them are better low, and what they mean."""

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

Values = dict[str, float | None]  # column title -> value, None where it does not apply

# Titles in the order of every table. With a latent's name or K: "KL z_g", "IW-NLL(50) per step".
ORDER = (
    "rec",
    "KL",
    "KL (sum)",
    "-ELBO",
    "IW-NLL",
    "ESS",
    "FIVO-NLL",
    "PPL",
    "PPL (no EOS)",
    "IW-PPL",
    "PPL (window)",
    "NLL (rec)",
    "PPL (rec, no EOS)",
    "rec per token",
    "ELBO (Petersen)",
    "Reconstruction (Petersen)",
    "bits per token",
    "-ELBO per step",
    "IW-NLL per step",
    "FIVO-NLL per step",
    "AU",
    "MI",
    "shuffle",
    "prior",
    "10-NN",
    "mixing",
    "NPMI",
    "stop words",
    "distance to truth",
    "stderr of distance",
    "seconds per epoch",
)
LOWER_IS_BETTER = (
    "-ELBO",
    "IW-NLL",
    "FIVO-NLL",
    "PPL",
    "PPL (no EOS)",
    "IW-PPL",
    "PPL (window)",
    "bits per token",
    "-ELBO per step",
    "IW-NLL per step",
    "FIVO-NLL per step",
    "distance to truth",
)
# what begins the title of a published column, and of ours less the published one; the rest is the
# title of our column
PUBLISHED = "published "
DIFFERENCE = "difference "

_NOTES: dict[tuple[str, ...], str] = {  # kinds of columns -> what is said where a table has one
    ("rec",): "rec = -E_q[log p(x|z)].",
    ("-ELBO",): "-ELBO = rec + KL, exact for a model without a latent.",
    ("IW-NLL",): "IW-NLL(K): importance-weighted bound of K samples.",
    ("ESS",): (
        "ESS(K): how many of them count; † where that is under 5 or 2 % of K: far from converged."
    ),
    ("FIVO-NLL",): "FIVO-NLL(K): bound of a particle filter with K particles.",
    ("PPL",): "PPL = exp(total -ELBO / tokens with EOS).",
    ("PPL (window)",): (
        "PPL (window): each word has the posterior mean of theta given the words before it, of its"
        " own sentence and of those before; the perplexity of a language model, no bound."
    ),
    ("NPMI",): "NPMI: coherence of the topics' ten first words over training documents.",
    ("PPL (no EOS)",): "PPL (no EOS) divides by the tokens without EOS.",
    ("NLL (rec)", "PPL (rec, no EOS)"): (
        "NLL (rec) and PPL (rec, no EOS) follow a published convention and are no bounds: the"
        " reconstruction term alone, EOS counted in its nats but not in its tokens."
    ),
    ("rec per token",): "rec per token: rec over the tokens without EOS.",
    ("-ELBO per step",): (
        "per step: total nats over all steps of the split, first ones too. Of real-valued sequences"
        " all figures are densities of standardised values."
    ),
    ("AU",): (
        "AU: units with Var_x(E_q[z|x]) > 0.01 (of a latent below others Var_x(E_q - E_p), its own"
        " part)."
    ),
    ("MI",): "MI: I_q(x; z) against the aggregate posterior of the whole split.",
    ("shuffle",): "shuffle: rise of rec when z is permuted between sequences.",
    ("prior",): "prior: rise of rec when a latent per step is drawn from its prior.",
    ("10-NN",): (
        "10-NN: share of sequences whose label is that of most of the 10 others nearest by the"
        " means of z, over the split."
    ),
    ("mixing",): "mixing: share of the other label among the 10 nearest, the mean of both ways.",
    ("seconds per epoch",): "Seconds per epoch are of training, without evaluation.",
    ("seconds",): (
        "seconds to V: of training, without evaluation, until the first epoch whose -ELBO on valid"
        " is at most V; - where there is no such epoch."
    ),
    ("distance to truth",): "distance to truth = mean(-ELBO + log p(x)).",
}

_CHOSEN = {
    "neg_elbo": "-ELBO",
    "iw_nll": "IW-NLL",
    "fivo_nll": "FIVO-NLL",
    None: "-ELBO (or the bound that was trained on)",
}


def note(
    split: str,
    titles: Iterable[str],
    more: str = "",
    chosen: str | None = None,
    eos: bool = False,
) -> str:
    """How figures were measured and what a table's columns mean, to be printed below it.

    Args:
        split: in words: "test split".
        titles: of the table's columns; others are not explained.
        more: further sentences.
        chosen: the key of the bound that chose the weights, where all figures are of one run.
        eos: whether sequences are of tokens, where no column shows it.
    """
    kinds = set(map(kind, titles))
    counted = ", EOS counted" if eos or "rec per token" in kinds else ""
    first = (
        f"Nats per sequence{counted}, means over the whole {split}, KL at weight 1, weights of the"
        f" lowest valid {_CHOSEN[chosen]} unless others were asked for."
    )
    shown = [text for of, text in _NOTES.items() if kinds.intersection(of)]
    return textwrap.fill(
        " ".join([first, *shown, *([more] if more else [])]), 100, break_on_hyphens=False
    )


def columns(record: dict[str, Any]) -> Values:
    """Column title -> value of one split's record in ``results.json``, null values left out."""
    samples = record["iw_samples"]
    tokens = record["tokens_no_eos"]  # None where sequences are frames
    weighted = {
        f"IW-NLL({samples})": record["iw_nll"],
        f"ESS({samples})": record["iw_effective_samples"],
        f"IW-PPL({samples})": record["iw_ppl"],
    }
    values: Values = {
        "rec": record["rec"],
        **_of_latents("KL", record["kl"]),
        "-ELBO": record["neg_elbo"],
        **(weighted if samples else {}),
        f"FIVO-NLL({record.get('fivo_samples')})": record["fivo_nll"],
        "PPL": record["ppl"],
        "PPL (no EOS)": record["ppl_no_eos"],
        "NLL (rec)": record["rec"] if tokens else None,
        "PPL (rec, no EOS)": record["rec_ppl_no_eos"],
        "rec per token": record["rec"] * record["sequences"] / tokens if tokens else None,
        "bits per token": record["bits_per_symbol"],
        **({} if tokens else _per_step(record)),
        **_of_latents("AU", record["active_units"]),
        **_of_latents("MI", record["mutual_information"]),
        **_of_latents("shuffle", record["shuffle_rec_increase"]),
        **_of_latents("prior", record["prior_rec_increase"]),
        "distance to truth": record["truth_gap"],
        "stderr of distance": record["truth_gap_stderr"],
        **record["diagnostics"],
    }
    return {title: values[title] for title in ordered(values) if values[title] is not None}


def of_training(result: dict[str, Any]) -> Values:
    """Column title -> value of what ``results.json`` says of training."""
    seconds, epochs = result.get("train_seconds"), result.get("epochs")
    return {"seconds per epoch": seconds / epochs} if seconds and epochs else {}


def not_converged(title: str, means: Mapping[str, float | None]) -> bool:
    """Whether an importance-weighted figure rests on too few effective samples.

    That is under 5, or under 2 % of K. Weights whose logarithm is normal leave the bound half a nat
    loose there at K = 50, and 0.3 nats at K = 500.

    Args:
        title: of a column.
        means: column title -> value, of the same row.
    """
    found = re.search(r"\((\d+)\)", title)
    if kind(title) not in ("IW-NLL", "IW-PPL", "IW-NLL per step") or found is None:
        return False
    effective = means.get(f"ESS({found[1]})")
    return effective is not None and effective < max(5.0, 0.02 * int(found[1]))


def ordered(titles: Iterable[str]) -> list[str]:
    """Column titles, each once, in the order of every table.

    Those of one kind are sorted by latent or K, numbers by their value. A published column comes
    right after ours, and the difference after that.
    """
    return sorted(dict.fromkeys(titles), key=_place)


def kind(title: str) -> str:
    """A title without its latent or K: ``KL z_g`` -> ``KL``, ``IW-NLL(50)`` -> ``IW-NLL``."""
    title = re.sub(r"\(\d+\)", "", title)
    if title in ORDER:
        return title
    return title.partition("(" if "(" in title else " ")[0]


def _place(title: str) -> tuple[int, str, int]:
    own = title.removeprefix(PUBLISHED).removeprefix(DIFFERENCE)
    place = ORDER.index(kind(own)) if kind(own) in ORDER else len(ORDER)
    beside = {own: 0, f"{PUBLISHED}{own}": 1}.get(title, 2)
    return place, re.sub(r"\d+", lambda number: number[0].zfill(9), own), beside


def _of_latents(title: str, named: dict[str, float]) -> Values:
    return {f"{title} {latent}": value for latent, value in named.items()}


def _per_step(record: dict[str, Any]) -> Values:
    """Total nats over total steps of frames."""
    titles = {
        "neg_elbo": "-ELBO per step",
        "iw_nll": f"IW-NLL({record['iw_samples']}) per step",
        "fivo_nll": f"FIVO-NLL({record.get('fivo_samples')}) per step",
    }
    exact = record["iw_samples"] is None
    return {
        title: record.get(f"{name}_per_step")
        for name, title in titles.items()
        if not (exact and name == "iw_nll")
    }
