"""What ``results.json`` holds. Imports no torch."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class BoundsByK:
    """Bounds on -log p(x) by the number of samples or particles, nats per step.

    Attributes:
        samples: each K.
        iw_nll: importance sampling with K samples; the mean over as many groups of K as there are.
        fivo_nll: the filter with K particles.
        neg_elbo: of the same sequences.
        sequences: how many are scored: the first of the split.
        steps: of theirs, over which totals are divided.
    """

    samples: list[int]
    iw_nll: list[float]
    fivo_nll: list[float]
    neg_elbo: float
    sequences: int
    steps: int


@dataclass
class SplitResults:
    """One split's record in ``results.json``; nats per sequence, means over the whole split.

    None where something does not apply. Frames have no perplexities; real-valued ones have
    densities in place of probabilities.

    Attributes:
        rec: -E_q[log p(x|z)].
        kl: latent name -> KL(q || p), summed over the latent's axes.
        neg_elbo: rec + sum of KL at weight 1.
        iw_nll: the importance-weighted bound with ``iw_samples`` samples; exact without latents.
        iw_samples: K.
        iw_effective_samples: of those K, (sum w)^2 / sum w^2 of the importance weights w, the mean
            over sequences.
        fivo_nll: a particle filter's bound with ``fivo_samples`` particles.
        fivo_samples: their number.
        ppl: exp of neg_elbo per token, EOS counted; ``ppl_no_eos`` over tokens without EOS.
        rec_ppl_no_eos: the perplexity of Chien and Wang: rec with EOS over the tokens without.
        iw_ppl: exp of iw_nll per token, EOS counted.
        bits_per_symbol: neg_elbo per token, EOS counted, in bits.
        active_units: latent name -> units with Var_x(E_q[z|x]) > 0.01; not of discrete latents.
        mutual_information: latent name -> I_q(x; z) over the split; None where q is conditioned on
            other latents.
        shuffle_rec_increase: latent name -> rise of rec when z is permuted between sequences.
        prior_rec_increase: latent per step -> rise of rec when z is drawn from the prior.
        truth_gap: mean(-ELBO + log p(x)) where the distribution of the data is known.
        truth_gap_stderr: its standard error over sequences.
        sequences: how many.
        tokens: with EOS, or frames.
        tokens_no_eos: None where sequences are frames.
        diagnostics: column title -> what the model itself measures.
        neg_elbo_per_step, iw_nll_per_step, fivo_nll_per_step: total nats over all steps, the first
            ones too: ``tokens``.
        by_samples: of a model with a latent per step, the bounds at smaller K.
    """

    rec: float
    kl: dict[str, float]
    neg_elbo: float
    iw_nll: float | None
    iw_samples: int | None
    fivo_nll: float | None
    ppl: float | None
    ppl_no_eos: float | None
    rec_ppl_no_eos: float | None
    iw_ppl: float | None
    bits_per_symbol: float | None
    truth_gap: float | None
    truth_gap_stderr: float | None
    sequences: int
    tokens: int
    tokens_no_eos: int | None
    active_units: dict[str, int] = field(default_factory=dict)
    mutual_information: dict[str, float | None] = field(default_factory=dict)
    shuffle_rec_increase: dict[str, float] = field(default_factory=dict)
    prior_rec_increase: dict[str, float] = field(default_factory=dict)
    diagnostics: dict[str, float] = field(default_factory=dict)
    iw_effective_samples: float | None = None
    fivo_samples: int | None = None
    neg_elbo_per_step: float | None = None
    iw_nll_per_step: float | None = None
    fivo_nll_per_step: float | None = None
    by_samples: BoundsByK | None = None


@dataclass
class RunResults:
    """``results.json`` of a run, or of one evaluation of it; None where something does not apply.

    Attributes:
        model, data, trainer, seed: names, and the seed of training.
        parameters: how many numbers are trained.
        best_epoch: that the weights come from, from 0.
        splits: name of a split -> its numbers.
        checkpoint: "best" or "last", of an evaluation.
        sequences_sha256: checksum of the sequences that an evaluation scored, where they come from
            files.
        other: the file or data set that an evaluation scored in place of the run's own data.
        epochs: that were trained.
        train_seconds: without evaluation.
        tokens_per_second: real tokens with EOS, or frames, over those seconds.
        precision: of training.
        chosen_by: the name of the bound on the validation split that chose the weights.
    """

    model: str
    data: str
    trainer: str
    seed: int
    parameters: int
    best_epoch: int | None
    splits: dict[str, SplitResults]
    checkpoint: str = "best"
    sequences_sha256: str | None = None
    other: str | None = None
    epochs: int | None = None
    train_seconds: float | None = None
    tokens_per_second: float | None = None
    precision: str | None = None
    chosen_by: str = "neg_elbo"

    def to_json(self) -> dict[str, Any]:
        """A JSON object, the splits by their names beside the rest."""
        record = asdict(self)
        splits = record.pop("splits")
        return {**record, **splits}
