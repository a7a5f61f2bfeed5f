"""Every number of a table: one pass over a whole split, at weight 1, with keyed noise."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split, collate, evaluation_order
from vaetext.distributions.evidence import Code
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.noise import KeyedNoise, MeanNoise
from vaetext.models.base import SequenceModel
from vaetext.objectives.bounds import importance_nll

ACTIVE = 0.01  # a unit is active when Var_x(E_q[z|x]) exceeds this (Burda et al. 2016)


@dataclass(frozen=True)
class Scores:
    """Each sequence's terms, in the split's order; nats, float64.

    Attributes:
        log_px: [K, N] log p(x|z).
        kl: latent name -> [K, N], summed over the latent's axes.
        log_weight: [K, N] log p(x, z) - log q(z|x).
        codes: latent name -> the first sample's Code with N sequences, its means those where every latent is at its mean; for latents of
            one size, vectors and maps.
        tokens: [N] tokens, EOS counted, or frames.
        truth: [N] the true log p(x) where the law is known.
        symbols: whether sequences are of symbols, with an EOS.
    """

    log_px: Tensor
    kl: dict[str, Tensor]
    log_weight: Tensor
    codes: dict[str, Code]
    tokens: Tensor
    truth: Tensor | None
    symbols: bool = True

    @property
    def elbo(self) -> Tensor:
        """[N], the mean over samples."""
        return (self.log_px - sum(self.kl.values())).mean(0)


def batches(
    model: SequenceModel, split: Split, batch_tokens: int, device: torch.device
) -> Iterator[Batch]:
    """The whole split in evaluation batches."""
    for index in evaluation_order(split, batch_tokens):
        yield collate(split, index, model.domain).to(device)


@torch.no_grad()
def score(
    model: SequenceModel,
    split: Split,
    *,
    seed: int,
    samples: int,
    batch_tokens: int,
    device: torch.device,
) -> Scores:
    """Scores every sequence of a split with ``samples`` posterior samples, in chunks of at most ``batch_tokens`` padded tokens.

    Noise is keyed by the number of a sequence in its split: the n-th ones of two splits have the same, and so are no independent draws.
    """
    model.check_lengths(split.lengths, "the input")
    model.eval()
    samples = samples if model.latents else 1
    rows = {
        key: torch.zeros(samples, len(split), dtype=torch.float64)
        for key in ("log_px", "log_weight", *model.latents)
    }
    collected: dict[str, list[Code]] = {name: [] for name in model.latents}
    order = []
    for batch in batches(model, split, batch_tokens, device):
        posterior, where = model.posterior(batch), batch.index.cpu()
        order.append(where)
        chunk = max(1, batch_tokens // (batch.x.shape[0] * batch.x.shape[1]))
        for start in range(0, samples, chunk):
            drawn = range(start, min(start + chunk, samples))
            codes = model.sample(posterior, KeyedNoise(seed, batch.index, drawn))
            log_px = model.log_px(batch, {name: code.z for name, code in codes.items()}).double()
            terms = {
                "log_px": log_px,
                "log_weight": log_px - sum(code.log_ratio.double() for code in codes.values()),
            }
            terms |= {name: code.total_kl.double() for name, code in codes.items()}
            for key, value in terms.items():
                rows[key][drawn.start : drawn.stop, where] = value.cpu()
            if start == 0:
                middle = model.sample(posterior, MeanNoise(len(batch), device))
                for name, code in codes.items():
                    collected[name].append(_first(code, middle[name]))
    fixed = {
        name: parts
        for name, parts in collected.items()
        if len({part.z.shape[1:] for part in parts}) == 1
    }
    codes = {name: _joined(parts, torch.cat(order)) for name, parts in fixed.items()}
    truth = None if split.log_p is None else torch.from_numpy(split.log_p)
    kl = {name: rows[name] for name in model.latents}
    return Scores(
        rows["log_px"],
        kl,
        rows["log_weight"],
        codes,
        torch.from_numpy(split.lengths),
        truth,
        isinstance(model.domain, Symbols),
    )


def evaluate(
    model: SequenceModel,
    split: Split,
    *,
    seed: int,
    samples: int,
    batch_tokens: int,
    device: torch.device,
) -> dict[str, Any]:
    """One split's record in ``results.json``; nats per sequence, means over the whole split, null where nothing applies.

    rec = -E_q[log p(x|z)], neg_elbo = rec + sum of KL at weight 1, iw_nll with K = ``samples`` (null at 1). ppl counts EOS,
    ppl_no_eos does not; rec_ppl_no_eos is source 000's: the reconstruction with EOS over the tokens without. Frames have densities in
    place of probabilities, and log_likelihood_per_frame in place of perplexities.
    """
    scores = score(
        model, split, seed=seed, samples=samples, batch_tokens=batch_tokens, device=device
    )
    record = summary(scores)
    record["shuffle_rec_increase"] = shuffle_increase(
        model, split, scores, seed, batch_tokens, device
    )
    record["active_units"] = {name: active_units(code) for name, code in scores.codes.items()}
    record["mutual_information"] = {
        name: mutual_information(code) for name, code in scores.codes.items()
    }
    return record


def summary(scores: Scores) -> dict[str, Any]:
    """The bounds and perplexities of scored sequences, as ``evaluate`` reports them."""
    count, tokens = len(scores.tokens), int(scores.tokens.sum())
    symbols, samples = scores.symbols, scores.log_px.shape[0]
    words = tokens - count if symbols else 0
    rec, neg_elbo = -scores.log_px.mean().item(), -scores.elbo.mean().item()
    exact = not scores.kl
    iw = importance_nll(scores.log_weight).mean().item() if samples > 1 or exact else None
    gap = None if scores.truth is None else scores.truth - scores.elbo
    return {
        "rec": rec,
        "kl": {name: kl.mean().item() for name, kl in scores.kl.items()},
        "neg_elbo": neg_elbo,
        "iw_nll": iw,
        "iw_samples": None if exact or iw is None else samples,
        "ppl": perplexity(neg_elbo, count, tokens if symbols else 0),
        "ppl_no_eos": perplexity(neg_elbo, count, words),
        "rec_ppl_no_eos": perplexity(rec, count, words),
        "iw_ppl": perplexity(iw, count, tokens if symbols else 0),
        "bits_per_symbol": neg_elbo * count / tokens / math.log(2) if symbols else None,
        "log_likelihood_per_frame": None if symbols else -neg_elbo * count / tokens,
        "fivo_nll": None,
        "active_units": {},
        "mutual_information": {},
        "shuffle_rec_increase": {},
        "truth_gap": None if gap is None else gap.mean().item(),
        "truth_gap_stderr": None
        if gap is None or count == 1
        else (gap.std() / math.sqrt(count)).item(),
        "sequences": count,
        "tokens": tokens,
        "tokens_no_eos": words if symbols else None,
    }


def perplexity(nats: float | None, sequences: int, tokens: int) -> float | None:
    """exp(nats per sequence * sequences / tokens), or None without nats or tokens, and past the largest float: JSON has no infinity."""
    if nats is None or tokens == 0 or not math.isfinite(nats):
        return None
    try:
        return math.exp(nats * sequences / tokens)
    except OverflowError:
        return None


def unit_variances(code: Code) -> Tensor:
    """[units] Var_x(E_q[z|x]) over the split, those of a map are its positions x dimensions; zero for a single sequence.

    Below other latents, Var_x(E_q[z|x] - E_p[z]): what comes from those above through the prior alone is not this latent's own.
    """
    own = code.mean if code.prior_mean is None else code.mean - code.prior_mean
    return own.flatten(1).double().var(0, correction=int(len(own) > 1))


def active_units(code: Code) -> int:
    """Units whose variance over the split, see ``unit_variances``, is above 0.01 (Burda et al. 2016)."""
    return int((unit_variances(code) > ACTIVE).sum())


def mutual_information(code: Code, block: int = 512) -> float | None:
    """I_q(x; z) = E_x E_q[log q(z|x) - log (1/N) sum_x' q(z|x')] over the whole split, one sample each, nats.

    None where q has no Gaussian deviations. The sum over x' is a matrix product: log q(z_i|x_j) is bilinear in (z_i^2, z_i).
    """
    if code.std is None:
        return None
    z, mean, var = (
        code.z.flatten(1).double(),
        code.mean.flatten(1).double(),
        code.std.flatten(1).double() ** 2,
    )
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
    """Latent -> rise of rec, nats per sequence, when that latent's samples are permuted between all sequences of the split.

    Latents that a permuted one stands above are drawn anew from p(z) given it, before and after, with the same noise.
    """
    increase = {}
    permutation = torch.from_numpy(np.random.default_rng(seed).permutation(len(split)))
    for name, code in scores.codes.items():
        total = 0.0
        for batch in batches(model, split, batch_tokens, device):
            posterior = model.posterior(batch)
            noise = KeyedNoise(seed, batch.index, range(1))
            codes = {key: each.z for key, each in model.sample(posterior, noise).items()}
            shuffled = {**codes, name: code.z[permutation[batch.index.cpu()]][None].to(device)}
            before, after = (
                model.log_px(batch, model.redrawn(each, name, noise)) for each in (codes, shuffled)
            )
            total += (before - after).double().sum().item()
        increase[name] = total / len(split)
    return increase


def _first(code: Code, middle: Code) -> Code:
    """The first sample of a code, on the CPU, without the axis of samples, and with the means [1, B, ...] of ``middle``.

    Its own may hang on another latent's sample and carry that one's noise: a collapsed unit would count as active.
    """
    kept = replace(code, mean=middle.mean, prior_mean=middle.prior_mean)
    return _each(
        lambda name: None if (tensor := getattr(kept, name)) is None else tensor[0].cpu(), code.axes
    )


def _joined(parts: list[Code], order: Tensor) -> Code:
    """Codes of batches as one, in the split's order."""

    def join(name: str) -> Any:
        tensors = [getattr(part, name) for part in parts]
        return None if tensors[0] is None else torch.cat(tensors)[order.argsort()]

    return _each(join, parts[0].axes)


def _each(tensor: Callable[[str], Any], axes: tuple[str, ...]) -> Code:
    """A Code of what ``tensor`` gives for the name of each of its tensors."""
    return Code(
        **{item.name: tensor(item.name) for item in fields(Code) if item.name != "axes"}, axes=axes
    )
