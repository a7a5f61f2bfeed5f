"""One pass over a whole split: each sequence's terms, at KL weight 1, with keyed noise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.data.loader import Split, collate, evaluation_order
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.latent import LatentSample
from vaetext.distributions.noise import KeyedNoise, MeanNoise
from vaetext.evaluation.codes import LatentCodes, Part, join
from vaetext.models.base import SequenceModel
from vaetext.models.diagnostics import Diagnostic
from vaetext.parallel.ranks import ALONE, Ranks


@dataclass(frozen=True)
class Scores:
    """Each sequence's terms, in the split's order; nats, float64.

    Attributes:
        log_px: [K, N] log p(x|z).
        kl: latent name -> [K, N], summed over the latent's axes.
        log_weight: [K, N] log p(x, z) - log q(z|x).
        codes: latent name -> the posteriors of all sequences.
        tokens: [N] tokens with EOS, or frames.
        words: [N] tokens without EOS; None where sequences are frames.
        truth: [N] the true log p(x) where the distribution of the data is known.
        fivo: [N] a particle filter's estimate of log p(x), of models with a latent per step.
        particles: K of the filter; 0 without.
    """

    log_px: Tensor
    kl: dict[str, Tensor]
    log_weight: Tensor
    codes: dict[str, LatentCodes]
    tokens: Tensor
    words: Tensor | None
    truth: Tensor | None
    fivo: Tensor | None = None
    particles: int = 0

    @property
    def elbo(self) -> Tensor:
        """[N] log p(x|z) - sum of KL, the mean over samples."""
        return (self.log_px - sum(self.kl.values())).mean(0)


def batches(
    model: SequenceModel, split: Split, batch_tokens: int, device: torch.device
) -> Iterator[Batch]:
    """The whole split in batches of at most ``batch_tokens`` padded tokens."""
    for index in evaluation_order(split, batch_tokens):
        yield collate(split, index, model.domain).to(device)


def own_batches(
    model: SequenceModel, split: Split, batch_tokens: int, device: torch.device, ranks: Ranks
) -> Iterator[tuple[int, Batch]]:
    """Those batches that this one of several processes has, each with its number."""
    for number, index in enumerate(evaluation_order(split, batch_tokens)):
        if ranks.has(number):
            yield number, collate(split, index, model.domain).to(device)


@torch.no_grad()
def score(
    model: SequenceModel,
    split: Split,
    *,
    seed: int,
    samples: int,
    batch_tokens: int,
    device: torch.device,
    diagnostics: Sequence[Diagnostic] = (),
    particles: int | None = None,
    codes: bool = True,
    ranks: Ranks = ALONE,
) -> Scores:
    """Scores every sequence of a split.

    Noise is keyed by the number of a sequence in its split, so the n-th sequences of two splits
    have the same noise. A discrete latent is sampled here, however it was trained. Several
    processes score every n-th batch each; all of them have all scores, bit for bit those of one.

    Args:
        seed: of the noise.
        samples: K, posterior samples of each sequence; 1 for a model without latents.
        batch_tokens: most padded tokens of a batch, and of a batch times the samples scored at
            once; it changes no number.
        diagnostics: each sees every batch.
        particles: with which a model with a latent per step is filtered too; 0 does not, None takes
            as many as there are samples, if those are several.
        codes: whether the posteriors are kept.
        ranks: the processes that share the batches.

    Raises:
        ValueError: a sequence is longer than the model can take.
    """
    model.check_lengths(split.longest, "the input")
    model.eval()
    found = _Collected(model, split, samples if model.latents else 1)
    count = _particles(model, samples, particles)
    for number, batch in enumerate(batches(model, split, batch_tokens, device)):
        own = ranks.has(number)
        if not own and not diagnostics:
            continue
        encoded = model.encode(batch)
        for numbers in _chunks(batch, found.samples, batch_tokens):
            evidence = model.evidence(batch, encoded, KeyedNoise(seed, batch.index, numbers))
            if own:
                found.add(batch, numbers, evidence)
            if numbers.start == 0 and codes:
                first = evidence.first()
                if own:
                    means = model.sample(encoded, MeanNoise(len(batch), device))
                    found.add_codes(batch, first, means)
                for diagnostic in diagnostics:
                    diagnostic.update(model, batch, first)
            if not own:
                break
    found.exchange(ranks)
    fivo = filtered(model, split, seed, count, batch_tokens, device, ranks) if count else None
    return found.scores(fivo, count)


def _particles(model: SequenceModel, samples: int, particles: int | None) -> int:
    """How many a model is filtered with; none without a latent per step."""
    if not any(latent.per_step for latent in model.latents):
        return 0
    return (samples if samples > 1 else 0) if particles is None else particles


class _Collected:
    """The terms and codes of the batches of a split."""

    def __init__(self, model: SequenceModel, split: Split, samples: int) -> None:
        self.model = model
        self.split = split
        self.samples = samples
        self.log_px = torch.zeros(samples, len(split), dtype=torch.float64)
        self.log_ratio = torch.zeros_like(self.log_px)
        self.kl = {name: torch.zeros_like(self.log_px) for name in model.latent_names}
        self.words = torch.zeros(len(split), dtype=torch.int64)
        self.parts: dict[str, list[Part]] = {name: [] for name in model.latent_names}
        self.order = [torch.zeros(0, dtype=torch.int64)]

    def add(self, batch: Batch, numbers: range, evidence: Evidence) -> None:
        """Takes the samples ``numbers`` of a batch."""
        where = batch.index.cpu()
        rows = slice(numbers.start, numbers.stop)
        self.words[where] = batch.word_mask.sum(1).cpu()
        self.log_px[rows, where] = evidence.log_px.double().cpu()
        for name, each in evidence.latents.items():
            self.kl[name][rows, where] = each.total_kl.double().cpu()
            self.log_ratio[rows, where] += (each.log_q - each.log_p).double().cpu()

    def add_codes(self, batch: Batch, first: Evidence, means: dict[str, LatentSample]) -> None:
        """Takes a batch's first samples, and those where every latent is at its mean."""
        self.order.append(batch.index.cpu())
        for latent in self.model.latents:
            part = Part.of(latent, first.latents[latent.name], means[latent.name].first())
            self.parts[latent.name].append(part)

    def exchange(self, ranks: Ranks) -> None:
        """Takes what the other processes have found."""
        self.log_px = ranks.total(self.log_px)
        self.log_ratio = ranks.total(self.log_ratio)
        self.kl = {name: ranks.total(kl) for name, kl in self.kl.items()}
        self.words = ranks.total(self.words)
        found = ranks.everyone((self.order, self.parts))
        self.order = [each for order, _ in found for each in order]
        for name in self.parts:
            self.parts[name] = [part for _, parts in found for part in parts[name]]

    def scores(self, fivo: Tensor | None, particles: int) -> Scores:
        """All of the split, in its order."""
        places = torch.cat(self.order).argsort()
        log_p = self.split.log_p
        return Scores(
            log_px=self.log_px,
            kl=self.kl,
            log_weight=self.log_px - self.log_ratio,
            codes={
                each.name: join(each, self.parts[each.name], places)
                for each in self.model.latents
                if self.parts[each.name]
            },
            tokens=torch.from_numpy(self.split.lengths),
            words=None if self.model.domain.eos is None else self.words,
            truth=None if log_p is None else torch.from_numpy(log_p),
            fivo=fivo,
            particles=particles,
        )


def _chunks(batch: Batch, samples: int, batch_tokens: int) -> Iterator[range]:
    """The numbers of the samples, in parts that are scored at once."""
    size = max(1, batch_tokens // (batch.x.shape[0] * batch.x.shape[1]))
    for start in range(0, samples, size):
        yield range(start, min(start + size, samples))


@torch.no_grad()
def filtered(
    model: SequenceModel,
    split: Split,
    seed: int,
    particles: int,
    batch_tokens: int,
    device: torch.device,
    ranks: Ranks = ALONE,
) -> Tensor:
    """[N] a particle filter's estimate of log p(x), float64.

    Particles must stay together, so it is batches that are cut.
    """
    found = torch.zeros(len(split), dtype=torch.float64)
    tokens = max(1, batch_tokens // particles)
    for _, batch in own_batches(model, split, tokens, device, ranks):
        noise = KeyedNoise(seed, batch.index, range(particles))
        evidence = model.filter(batch, model.encode(batch), noise)
        found[batch.index.cpu()] = evidence.log_likelihood.double().cpu()
    return ranks.total(found)
