"""The numbers of ``results.json``: bounds, perplexities, and how much a latent is used."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaetext.data.loader import Split
from vaetext.distributions.evidence import Code
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.noise import KeyedNoise
from vaetext.evaluation.scoring import Scores, batches, score
from vaetext.models.base import SequenceModel
from vaetext.objectives.bounds import importance_nll

ACTIVE = 0.01  # a unit is active when Var_x(E_q[z|x]) is larger (Burda et al. 2016)


def evaluate(
    model: SequenceModel,
    split: Split,
    *,
    seed: int,
    samples: int,
    batch_tokens: int,
    device: torch.device,
) -> dict[str, Any]:
    """One split's record in ``results.json``; nats per sequence, means over the whole split.

    rec = -E_q[log p(x|z)]; neg_elbo = rec + sum of KL at weight 1; iw_nll is the
    importance-weighted bound with K = ``samples`` (null at 1). ppl counts EOS, ppl_no_eos does not.
    rec_ppl_no_eos is the perplexity of Chien and Wang: the reconstruction with EOS over the tokens
    without. Frames have densities in place of probabilities, and log_likelihood_per_frame in place
    of perplexities. What does not apply is null.

    Args:
        seed: of the noise.
        samples: K, posterior samples of each sequence.
        batch_tokens: most padded tokens that are scored at once.
    """
    scores = score(
        model, split, seed=seed, samples=samples, batch_tokens=batch_tokens, device=device
    )
    increase = shuffle_increase(model, split, scores, seed, batch_tokens, device)
    information = {name: mutual_information(code) for name, code in scores.codes.items()}
    return {
        **summary(scores),
        "shuffle_rec_increase": increase,
        "active_units": {name: active_units(code) for name, code in scores.codes.items()},
        "mutual_information": information,
    }


def summary(scores: Scores) -> dict[str, Any]:
    """The bounds and perplexities of scored sequences, as ``evaluate`` reports them."""
    count = len(scores.tokens)
    tokens = int(scores.tokens.sum())
    with_eos = tokens if scores.symbols else 0  # frames have no perplexity
    without_eos = tokens - count if scores.symbols else 0
    rec = -scores.log_px.mean().item()
    neg_elbo = -scores.elbo.mean().item()
    samples = scores.log_px.shape[0]
    exact = not scores.kl
    iw = importance_nll(scores.log_weight).mean().item() if samples > 1 or exact else None
    gap = None if scores.truth is None else scores.truth - scores.elbo
    return {
        "rec": rec,
        "kl": {name: kl.mean().item() for name, kl in scores.kl.items()},
        "neg_elbo": neg_elbo,
        "iw_nll": iw,
        "iw_samples": None if exact or iw is None else samples,
        "ppl": perplexity(neg_elbo, count, with_eos),
        "ppl_no_eos": perplexity(neg_elbo, count, without_eos),
        "rec_ppl_no_eos": perplexity(rec, count, without_eos),
        "iw_ppl": perplexity(iw, count, with_eos),
        "bits_per_symbol": neg_elbo * count / tokens / math.log(2) if scores.symbols else None,
        "log_likelihood_per_frame": None if scores.symbols else -neg_elbo * count / tokens,
        "fivo_nll": None,
        "active_units": {},
        "mutual_information": {},
        "shuffle_rec_increase": {},
        "truth_gap": None if gap is None else gap.mean().item(),
        "truth_gap_stderr": None if gap is None else standard_error(gap),
        "sequences": count,
        "tokens": tokens,
        "tokens_no_eos": without_eos if scores.symbols else None,
    }


def standard_error(values: Tensor) -> float | None:
    """The standard error of the mean of values [N]; None for a single one."""
    if len(values) == 1:
        return None
    return (values.std() / math.sqrt(len(values))).item()


def perplexity(nats: float | None, sequences: int, tokens: int) -> float | None:
    """exp(nats * sequences / tokens) of a mean over sequences, in nats per sequence.

    None without nats or tokens, and where it is larger than the largest float: JSON has no
    infinity.
    """
    if nats is None or tokens == 0 or not math.isfinite(nats):
        return None
    try:
        return math.exp(nats * sequences / tokens)
    except OverflowError:
        return None


def unit_variances(code: Code) -> Tensor:
    """[units] Var_x(E_q[z|x]) over the split; zero for a single sequence.

    The units of a map are its positions times its dimensions. Of a latent that is conditioned on
    others: Var_x(E_q[z|x] - E_p[z]), since what those bring through the prior is not its own.
    """
    own = code.mean if code.prior_mean is None else code.mean - code.prior_mean
    return own.flatten(1).double().var(0, correction=int(len(own) > 1))


def active_units(code: Code) -> int:
    """Units whose variance over the split is above 0.01 (Burda et al. 2016)."""
    return int((unit_variances(code) > ACTIVE).sum())


def mutual_information(code: Code, block: int = 512) -> float | None:
    """I_q(x; z) = E_x E_q[log q(z|x) - log (1/N) sum_x' q(z|x')], one sample each, nats.

    None where q is not Gaussian. The sum over all N sequences x' is a matrix product, since
    log q(z_i|x_j) is bilinear in (z_i^2, z_i).

    Args:
        block: sequences whose N densities are held in memory at once.
    """
    if code.std is None:
        return None
    z = code.z.flatten(1).double()
    mean = code.mean.flatten(1).double()
    var = code.std.flatten(1).double() ** 2
    constant = -0.5 * (mean**2 / var + var.log() + math.log(2 * math.pi)).sum(-1)
    own = Gaussian(mean, var.log()).log_prob(z)
    marginal = [
        torch.logsumexp(constant + part @ (mean / var).T - 0.5 * part**2 @ (1 / var).T, -1)
        - math.log(len(z))
        for part in torch.split(z, block)
    ]
    return (own - torch.cat(marginal)).mean().item()


@torch.no_grad()
def shuffle_increase(
    model: SequenceModel,
    split: Split,
    scores: Scores,
    seed: int,
    batch_tokens: int,
    device: torch.device,
) -> dict[str, float]:
    """Latent -> rise of rec, nats per sequence, when its samples are permuted over the split.

    Latents conditioned on the permuted one are sampled again from p(z) given it, before and after,
    with the same noise.
    """
    increase = {}
    permutation = torch.from_numpy(np.random.default_rng(seed).permutation(len(split)))
    for name, code in scores.codes.items():
        total = 0.0
        for batch in batches(model, split, batch_tokens, device):
            posterior = model.posterior(batch)
            noise = KeyedNoise(seed, batch.index, range(1))
            codes = {key: each.z for key, each in model.sample(posterior, noise).items()}
            others = code.z[permutation[batch.index.cpu()]][None].to(device)
            shuffled = {**codes, name: others}
            before = model.log_px(batch, model.redrawn(codes, name, noise))
            after = model.log_px(batch, model.redrawn(shuffled, name, noise))
            total += (before - after).double().sum().item()
        increase[name] = total / len(split)
    return increase
