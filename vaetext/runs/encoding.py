"""What a run says of sentences, as numpy arrays."""

from dataclasses import dataclass

import numpy as np

from vaetext.distributions.evidence import Code
from vaetext.evaluation.scoring import Scores
from vaetext.objectives.bounds import importance_nll


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

    Attributes:
        mean: [N, ...] E_q[z|x].
        std: [N, ...] standard deviations; None where q is not Gaussian.
        z: [N, ...] one sample.
    """

    mean: np.ndarray
    std: np.ndarray | None
    z: np.ndarray


@dataclass(frozen=True)
class Encoding:
    """Codes and scores, in the order of the sentences.

    Attributes:
        latents: latent name -> its code; without latents whose size differs between sentences.
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


def latent_code(code: Code) -> LatentCode:
    """One latent's code, from that of a pass over the sentences."""
    std = None if code.std is None else code.std.numpy()
    return LatentCode(code.mean.numpy(), std, code.z.numpy())
