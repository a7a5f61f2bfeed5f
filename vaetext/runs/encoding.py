"""What a run says of sentences, as numpy arrays."""

from dataclasses import dataclass

import numpy as np

from vaetext.evaluation.codes import LatentCodes
from vaetext.evaluation.metrics import importance_nll
from vaetext.evaluation.scoring import Scores


@dataclass(frozen=True)
class SentenceScores:
    """The terms of each sentence's bound at KL weight 1, in the order of the sentences; nats.

    Attributes:
        rec: [N] -E_q[log p(x|z)], the mean over samples.
        kl: latent name -> [N] KL(q || p), summed over the latent's axes.
        neg_elbo: [N] rec + sum of KL.
        iw_nll: [N] the importance-weighted bound (Burda et al. 2016) with ``iw_samples`` samples;
            of a model without latents, the exact -log p(x).
        iw_samples: K; None for a model without latents.
        tokens: [N] tokens with EOS, or frames.
    """

    rec: np.ndarray
    kl: dict[str, np.ndarray]
    neg_elbo: np.ndarray
    iw_nll: np.ndarray
    iw_samples: int | None
    tokens: np.ndarray


@dataclass(frozen=True)
class LatentCode:
    """One latent's q(z|x) for each sentence.

    Where the number of positions depends on the sentence, those of all sentences follow each
    other, and ``offsets`` says where each sentence begins.

    Attributes:
        mean: [N, ...] E_q[z|x] (of a discrete latent: the probabilities of its values).
        std: [N, ...] standard deviations; None where q is not Gaussian, or conditioned on the
            sample of another latent.
        z: [N, ...] one sample.
        offsets: [N + 1] int64, or None where all sentences have the same shape.
    """

    mean: np.ndarray
    std: np.ndarray | None
    z: np.ndarray
    offsets: np.ndarray | None = None


@dataclass(frozen=True)
class Encoding:
    """Codes and scores, in the order of the sentences.

    Attributes:
        latents: latent name -> its code.
        scores: each sentence's terms.
    """

    latents: dict[str, LatentCode]
    scores: SentenceScores


def sentence_scores(scores: Scores) -> SentenceScores:
    """The terms of each sentence, the means over samples."""
    return SentenceScores(
        rec=-scores.log_px.mean(0).numpy(),
        kl={name: kl.mean(0).numpy() for name, kl in scores.kl.items()},
        neg_elbo=-scores.elbo.numpy(),
        iw_nll=importance_nll(scores.log_weight).numpy(),
        iw_samples=scores.log_px.shape[0] if scores.kl else None,
        tokens=scores.tokens.numpy(),
    )


def latent_code(codes: LatentCodes) -> LatentCode:
    """One latent's code, from that of a pass over the sentences."""
    std = None if codes.latent.q_given else getattr(codes.q, "std", None)
    offsets = None
    if codes.lengths is not None:
        offsets = np.concatenate([[0], codes.lengths.cumsum(0).numpy()])
    return LatentCode(
        mean=codes.mean.numpy(),
        std=None if std is None else std.numpy(),
        z=codes.z.numpy(),
        offsets=offsets,
    )
