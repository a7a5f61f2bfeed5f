"""The numbers of ``results.json``: bounds, perplexities, and how much a latent is used."""

import logging
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vaetext.data.corpora import Corpus
from vaetext.data.loader import Split
from vaetext.distributions.noise import KeyedNoise
from vaetext.evaluation.by_samples import bounds_by_samples
from vaetext.evaluation.codes import LatentCodes
from vaetext.evaluation.results import SplitResults
from vaetext.evaluation.scoring import Scores, batches, own_batches, score
from vaetext.models.base import SequenceModel
from vaetext.models.diagnostics import Page
from vaetext.parallel.ranks import ALONE, Ranks

log = logging.getLogger(__name__)
ACTIVE = 0.01  # a unit is active when Var_x(E_q[z|x]) is larger (Burda et al. 2016)
FEW = 100  # codes, from which mutual information is a rough estimate


@dataclass(frozen=True)
class Evaluation:
    """A split's numbers, and what they come from.

    Attributes:
        results: every number.
        scores: each sequence's terms and codes.
        pages: what the model's own diagnostics show.
    """

    results: SplitResults
    scores: Scores
    pages: list[Page]


def evaluate(
    model: SequenceModel,
    split: Split,
    *,
    seed: int,
    samples: int,
    batch_tokens: int,
    device: torch.device,
    particles: int | None = None,
    corpus: Corpus | None = None,
    ranks: Ranks = ALONE,
) -> Evaluation:
    """Every number of a split.

    Where several processes share it, the first has the numbers of one alone, bit for bit, and the
    others only the bounds.

    Args:
        model: scored in evaluation mode.
        split: all of it is scored.
        seed: of the noise.
        samples: K, posterior samples of each sequence.
        batch_tokens: most padded tokens that are scored at once.
        device: of the model.
        particles: of the filter, as in ``score``.
        corpus: that the split is of, for the model's own diagnostics.
        ranks: the processes that share it.
    """
    diagnostics = model.diagnostics() if ranks.lead else []
    for diagnostic in diagnostics:
        diagnostic.begin(split, corpus)
    scores = score(
        model,
        split,
        seed=seed,
        samples=samples,
        batch_tokens=batch_tokens,
        device=device,
        diagnostics=diagnostics,
        particles=particles,
        ranks=ranks,
    )
    results = summary(scores)
    if scores.particles == len(scores.log_weight) > 1:
        results.by_samples = bounds_by_samples(
            model, split, scores, seed=seed, batch_tokens=batch_tokens, device=device, ranks=ranks
        )
    for name, codes in scores.codes.items():
        latent = codes.latent
        if ranks.lead and not latent.discrete:
            results.active_units[name] = active_units(codes)
        if ranks.lead:
            results.mutual_information[name] = mutual_information(codes)
        permutable = not latent.per_step and codes.lengths is None
        increase = results.shuffle_rec_increase if permutable else results.prior_rec_increase
        increase[name] = rec_increase(
            model, split, codes if permutable else None, name, seed, batch_tokens, device, ranks
        )
    for diagnostic in diagnostics:
        with torch.no_grad():
            diagnostic.intervene(model, batches(model, split, batch_tokens, device), seed)
        results.diagnostics |= diagnostic.numbers()
    pages = [page for diagnostic in diagnostics for page in diagnostic.pages()]
    return Evaluation(results, scores, pages)


def summary(scores: Scores) -> SplitResults:
    """The bounds and perplexities of scored sequences; what needs another pass is left empty."""
    count = len(scores.tokens)
    tokens = int(scores.tokens.sum())
    words = None if scores.words is None else int(scores.words.sum())
    with_eos = 0 if words is None else tokens  # frames have no perplexity
    without_eos = words or 0
    rec = -scores.log_px.mean().item()
    neg_elbo = -scores.elbo.mean().item()
    samples = len(scores.log_px)
    exact = not scores.kl
    iw = importance_nll(scores.log_weight).mean().item() if samples > 1 or exact else None
    fivo = None if scores.fivo is None else -scores.fivo.mean().item()
    gap = None if scores.truth is None else scores.truth - scores.elbo
    results = SplitResults(
        rec=rec,
        kl={name: kl.mean().item() for name, kl in scores.kl.items()},
        neg_elbo=neg_elbo,
        iw_nll=iw,
        iw_samples=None if exact or iw is None else samples,
        fivo_nll=fivo,
        ppl=perplexity(neg_elbo, count, with_eos),
        ppl_no_eos=perplexity(neg_elbo, count, without_eos),
        rec_ppl_no_eos=perplexity(rec, count, without_eos),
        iw_ppl=perplexity(iw, count, with_eos),
        bits_per_symbol=neg_elbo * count / tokens / math.log(2) if with_eos else None,
        truth_gap=None if gap is None else gap.mean().item(),
        truth_gap_stderr=None if gap is None else standard_error(gap),
        sequences=count,
        tokens=tokens,
        tokens_no_eos=words,
        neg_elbo_per_step=per_step(neg_elbo, count, tokens),
        iw_nll_per_step=per_step(iw, count, tokens),
        fivo_nll_per_step=per_step(fivo, count, tokens),
    )
    results.fivo_samples = scores.particles or None
    if results.iw_samples is not None:
        results.iw_effective_samples = effective_samples(scores.log_weight).mean().item()
    return results


def importance_nll(log_weight: Tensor) -> Tensor:
    """[N] log K - logsumexp_k log w_k, nats per sequence, of log w [K, N] (Burda et al. 2016)."""
    return math.log(len(log_weight)) - torch.logsumexp(log_weight, 0)


def effective_samples(log_weight: Tensor) -> Tensor:
    """[N] (sum_k w_k)^2 / sum_k w_k^2, between 1 and K, of log w [K, N] (Kong 1992).

    Near 1, a single sample decides the bound, which then is far from converged.
    """
    return (2 * torch.logsumexp(log_weight, 0) - torch.logsumexp(2 * log_weight, 0)).exp()


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


def per_step(nats: float | None, sequences: int, steps: int) -> float | None:
    """Total nats over total steps, of a mean over sequences in nats per sequence."""
    return None if nats is None or steps == 0 else nats * sequences / steps


def unit_variances(codes: LatentCodes) -> Tensor:
    """[units] Var_x(E_q[z|x]) over the split; zero for a single sequence.

    The units of a map are its positions times its dimensions; where the number of positions
    depends on the sequence, they are its dimensions, and the variance is over real positions. Of a
    latent whose prior is conditioned on others: Var_x(E_q[z|x] - E_p[z]), since what those bring
    through the prior is not its own.
    """
    own = codes.mean if codes.prior_mean is None else codes.mean - codes.prior_mean
    return own.flatten(1).double().var(0, correction=int(len(own) > 1))


def active_units(codes: LatentCodes) -> int:
    """Units whose variance over the split is above 0.01 (Burda et al. 2016)."""
    return int((unit_variances(codes) > ACTIVE).sum())


def mutual_information(codes: LatentCodes, block: int = 512) -> float | None:
    """I_q(x; z) = E_x E_q[log q(z|x) - log (1/N) sum_x' q(z|x')], one sample each, nats.

    None where q is conditioned on other latents: then it is no density of z given x alone. N
    sequences show ln N at most; a warning says where the estimate is within a nat of that, or N is
    below 100.

    Args:
        codes: of a split.
        block: sequences whose N densities are held in memory at once.
    """
    if codes.latent.q_given:
        return None
    z = codes.z if codes.latent.discrete else codes.z.double()
    q = codes.q.map(Tensor.double)
    own = q.log_prob(z)
    own = own.flatten(1).sum(1) if own.dim() > 1 else own
    marginal = [
        torch.logsumexp(q.log_prob_of_all(part), -1) - math.log(len(z))
        for part in torch.split(z, block)
    ]
    found = (own - torch.cat(marginal)).mean().item()
    if len(z) < FEW or found > math.log(len(z)) - 1:
        log.warning(
            "mutual information of %s: %.2f nats is an estimate from N = %s codes, which can show"
            " ln N = %.2f at most: they are too few; score a split with more sequences",
            codes.latent.name,
            found,
            f"{len(z):,}",
            math.log(len(z)),
        )
    return found


@torch.no_grad()
def rec_increase(
    model: SequenceModel,
    split: Split,
    codes: LatentCodes | None,
    name: str,
    seed: int,
    batch_tokens: int,
    device: torch.device,
    ranks: Ranks = ALONE,
) -> float:
    """The rise of rec, nats per sequence, when one latent is replaced.

    Latents conditioned on it are drawn again from their prior given it, before and after, with the
    same noise.

    Args:
        model: scored in evaluation mode.
        split: all of it is scored.
        codes: of the split; the latent is permuted between sequences. None: drawn from the prior.
        name: of the latent.
        seed: of the noise and the permutation.
        batch_tokens: most padded tokens that are scored at once.
        device: of the model.
        ranks: the processes that share the split.
    """
    rises: dict[int, float] = {}
    permutation = torch.from_numpy(np.random.default_rng(seed).permutation(len(split)))
    redrawn = model.conditioned_on(name)
    for number, batch in own_batches(model, split, batch_tokens, device, ranks):
        noise = KeyedNoise(seed, batch.index, range(1))
        latents = model.sample(model.encode(batch), noise)
        kept = {key: each.z for key, each in latents.items() if key not in redrawn}
        others = {key: z for key, z in kept.items() if key != name}
        if codes is not None:
            others[name] = codes.z[permutation[batch.index.cpu()]][None].to(device)
        difference = model.log_px(batch, kept, noise) - model.log_px(batch, others, noise)
        rises[number] = difference.double().sum().item()
    every = {number: rise for part in ranks.everyone(rises) for number, rise in part.items()}
    total = 0.0
    for number in sorted(every):  # in this order it rounds alike, however many processes there are
        total += every[number]
    return total / len(split)
