"""Results as evaluation writes them, for the tests of tables."""

from dataclasses import asdict
from typing import Any

from vaetext.evaluation.metrics import perplexity
from vaetext.evaluation.results import RunResults, SplitResults
from vaetext.report.columns import columns
from vaetext.report.rows import Row


def record(
    rec: float,
    kl: dict[str, float],
    samples: int | None = None,
    truth: float | None = None,
    effective: float = 20.0,
) -> dict[str, Any]:
    """A split's record as evaluation writes it, of 100 sequences of 10 tokens and EOS.

    The importance-weighted bound is half a nat tighter than the ELBO.
    """
    neg_elbo = rec + sum(kl.values())
    iw = neg_elbo - 0.5 if samples else None if kl else neg_elbo
    return asdict(
        SplitResults(
            rec=rec,
            kl=kl,
            neg_elbo=neg_elbo,
            iw_nll=iw,
            iw_samples=samples,
            fivo_nll=None,
            ppl=perplexity(neg_elbo, 100, 1100),
            ppl_no_eos=perplexity(neg_elbo, 100, 1000),
            rec_ppl_no_eos=perplexity(rec, 100, 1000),
            iw_ppl=perplexity(iw, 100, 1100),
            bits_per_symbol=neg_elbo / 11 / 0.6931,
            truth_gap=truth,
            truth_gap_stderr=None if truth is None else 0.01,
            sequences=100,
            tokens=1100,
            tokens_no_eos=1000,
            active_units=dict.fromkeys(kl, 3),
            mutual_information=dict.fromkeys(kl, 1.25),
            shuffle_rec_increase=dict.fromkeys(kl, 4.0),
            iw_effective_samples=None if samples is None else effective,
        )
    )


def result(rec: float, kl: dict[str, float], seed: int = 0) -> dict[str, Any]:
    """The content of ``results.json``."""
    return RunResults(
        model="vrae",
        data="ptb",
        trainer="paper",
        seed=seed,
        parameters=1234567,
        best_epoch=12,
        splits={
            "valid": SplitResults(**record(rec + 1, kl)),
            "test": SplitResults(**record(rec, kl, 50 if kl else None)),
        },
        epochs=20,
        train_seconds=9.0,
        tokens_per_second=12345.6,
    ).to_json()


def row(label: str, *records: dict[str, Any], data: str = "ptb") -> Row:
    """A row of a table, with one seed for each record."""
    made = Row(label, data)
    for each in records:
        made.add(columns(each))
    return made
