"""One pass over a whole split: each sequence's terms, at KL weight 1, with keyed noise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.data.loader import Split, collate, evaluation_order
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.noise import KeyedNoise, MeanNoise
from vaetext.evaluation.codes import LatentCodes, Part, join
from vaetext.models.base import SequenceModel
from vaetext.models.diagnostics import Diagnostic


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
    """

    log_px: Tensor
    kl: dict[str, Tensor]
    log_weight: Tensor
    codes: dict[str, LatentCodes]
    tokens: Tensor
    words: Tensor | None
    truth: Tensor | None
    fivo: Tensor | None = None

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
) -> Scores:
    """Scores every sequence of a split.

    Noise is keyed by the number of a sequence in its split, so the n-th sequences of two splits
    have the same noise. A discrete latent is sampled here, however it was trained.

    Args:
        seed: of the noise.
        samples: K, posterior samples of each sequence; 1 for a model without latents. Where it is
            over 1, a model with a latent per step is filtered with as many particles too.
        batch_tokens: most padded tokens of a batch, and of a batch times the samples scored at
            once; it changes no number.
        diagnostics: each sees every batch.

    Raises:
        ValueError: a sequence is longer than the model can take.
    """
    model.check_lengths(split.lengths, "the input")
    model.eval()
    names = model.latent_names
    samples = samples if names else 1
    filtered = samples > 1 and any(latent.per_step for latent in model.latents)
    rows = {
        key: torch.zeros(samples, len(split), dtype=torch.float64)
        for key in ("log_px", "log_weight", *names)
    }
    words = torch.zeros(len(split), dtype=torch.int64)
    fivo = torch.zeros(len(split), dtype=torch.float64)
    parts: dict[str, list[Part]] = {name: [] for name in names}
    order = []
    for batch in batches(model, split, batch_tokens, device):
        encoded = model.encode(batch)
        where = batch.index.cpu()
        order.append(where)
        words[where] = batch.word_mask.sum(1).cpu()
        for numbers in _chunks(batch, samples, batch_tokens):
            noise = KeyedNoise(seed, batch.index, numbers)
            evidence = model.evidence(batch, encoded, noise)
            for key, value in _terms(evidence).items():
                rows[key][numbers.start : numbers.stop, where] = value.cpu()
            if numbers.start == 0:
                first = evidence.first()
                means = model.sample(encoded, MeanNoise(len(batch), device))
                for latent in model.latents:
                    name = latent.name
                    parts[name].append(Part.of(latent, first.latents[name], means[name].first()))
                for diagnostic in diagnostics:
                    diagnostic.update(model, batch, first)
        if filtered:
            fivo[where] = _filtered(model, split, batch, seed, samples, batch_tokens)
    places = torch.cat(order).argsort() if order else torch.zeros(0, dtype=torch.int64)
    return Scores(
        log_px=rows["log_px"],
        kl={name: rows[name] for name in names},
        log_weight=rows["log_weight"],
        codes={latent.name: join(latent, parts[latent.name], places) for latent in model.latents},
        tokens=torch.from_numpy(split.lengths),
        words=None if model.domain.eos is None else words,
        truth=None if split.log_p is None else torch.from_numpy(split.log_p),
        fivo=fivo if filtered else None,
    )


def _chunks(batch: Batch, samples: int, batch_tokens: int) -> Iterator[range]:
    """The numbers of the samples, in parts that are scored at once."""
    size = max(1, batch_tokens // (batch.x.shape[0] * batch.x.shape[1]))
    for start in range(0, samples, size):
        yield range(start, min(start + size, samples))


def _terms(evidence: Evidence) -> dict[str, Tensor]:
    """log p(x|z), log p(x, z) - log q(z|x), and the KL of each latent: [K, B], float64."""
    log_px = evidence.log_px.double()
    ratios = [(each.log_q - each.log_p).double() for each in evidence.latents.values()]
    kl = {name: each.total_kl.double() for name, each in evidence.latents.items()}
    return {"log_px": log_px, "log_weight": log_px - sum(ratios), **kl}


def _filtered(
    model: SequenceModel, split: Split, batch: Batch, seed: int, particles: int, batch_tokens: int
) -> Tensor:
    """[B] the filter's estimate of log p(x); particles must stay together, so rows are cut."""
    count = max(1, batch_tokens // (particles * batch.x.shape[1]))
    estimates = []
    for index in torch.split(batch.index.cpu(), count):
        part = collate(split, index.numpy(), model.domain).to(batch.x.device)
        noise = KeyedNoise(seed, part.index, range(particles))
        evidence = model.filter(part, model.encode(part), noise)
        estimates.append(evidence.log_likelihood.double().cpu())
    return torch.cat(estimates)
