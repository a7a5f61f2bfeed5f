"""One pass over a whole split: each sequence's terms, at KL weight 1, with keyed noise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split, collate, evaluation_order
from vaetext.distributions.evidence import Code
from vaetext.distributions.noise import KeyedNoise, MeanNoise
from vaetext.models.base import SequenceModel


@dataclass(frozen=True)
class Scores:
    """Each sequence's terms, in the split's order; nats, float64.

    Attributes:
        log_px: [K, N] log p(x|z).
        kl: latent name -> [K, N], summed over the latent's axes.
        log_weight: [K, N] log p(x, z) - log q(z|x).
        codes: latent name -> the first sample's Code with N sequences, for latents of one size
            (vectors and maps). Its means are those where every latent is at its mean.
        tokens: [N] tokens with EOS, or frames.
        truth: [N] the true log p(x) where the distribution of the data is known.
        symbols: whether sequences are tokens with an EOS, not frames.
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
) -> Scores:
    """Scores every sequence of a split.

    Noise is keyed by the number of a sequence in its split, so the n-th sequences of two splits
    have the same noise.

    Args:
        seed: of the noise.
        samples: K, posterior samples of each sequence; 1 for a model without latents.
        batch_tokens: most padded tokens of a batch, and of a batch times the samples scored at
            once; it changes no number.

    Raises:
        ValueError: a sequence is longer than the model can take.
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
        posterior = model.posterior(batch)
        where = batch.index.cpu()
        order.append(where)
        chunk = max(1, batch_tokens // (batch.x.shape[0] * batch.x.shape[1]))
        for start in range(0, samples, chunk):
            numbers = range(start, min(start + chunk, samples))
            codes = model.sample(posterior, KeyedNoise(seed, batch.index, numbers))
            for key, value in _terms(model, batch, codes).items():
                rows[key][numbers.start : numbers.stop, where] = value.cpu()
            if start == 0:
                means = model.sample(posterior, MeanNoise(len(batch), device))
                for name, code in codes.items():
                    collected[name].append(_first(code, means[name]))
    return Scores(
        log_px=rows["log_px"],
        kl={name: rows[name] for name in model.latents},
        log_weight=rows["log_weight"],
        codes=_of_one_size(collected, torch.cat(order)),
        tokens=torch.from_numpy(split.lengths),
        truth=None if split.log_p is None else torch.from_numpy(split.log_p),
        symbols=isinstance(model.domain, Symbols),
    )


def _terms(model: SequenceModel, batch: Batch, codes: dict[str, Code]) -> dict[str, Tensor]:
    """log p(x|z), log p(x, z) - log q(z|x), and the KL of each latent: [K, B], float64."""
    log_px = model.log_px(batch, {name: code.z for name, code in codes.items()}).double()
    log_weight = log_px - sum(code.log_ratio.double() for code in codes.values())
    kl = {name: code.total_kl.double() for name, code in codes.items()}
    return {"log_px": log_px, "log_weight": log_weight, **kl}


def _first(code: Code, means: Code) -> Code:
    """The first sample, without the axis of samples, on the CPU, with the means of ``means``.

    A code's own means may depend on another latent's sample and carry that one's noise: a collapsed
    unit would then count as active.
    """
    kept = replace(code, mean=means.mean, prior_mean=means.prior_mean)

    def first(name: str) -> Tensor | None:
        tensor = getattr(kept, name)
        return None if tensor is None else tensor[0].cpu()

    return _each(first, code.axes)


def _of_one_size(collected: dict[str, list[Code]], order: Tensor) -> dict[str, Code]:
    """The codes of all batches, in the split's order, of each latent whose size never changes."""
    return {
        name: _joined(parts, order)
        for name, parts in collected.items()
        if len({part.z.shape[1:] for part in parts}) == 1
    }


def _joined(parts: list[Code], order: Tensor) -> Code:
    """Codes of batches as one, in the split's order."""

    def join(name: str) -> Any:
        tensors = [getattr(part, name) for part in parts]
        return None if tensors[0] is None else torch.cat(tensors)[order.argsort()]

    return _each(join, parts[0].axes)


def _each(tensor: Callable[[str], Any], axes: tuple[str, ...]) -> Code:
    """A Code of what ``tensor`` returns for the name of each of its tensors."""
    names = [item.name for item in fields(Code) if item.name != "axes"]
    return Code(**{name: tensor(name) for name in names}, axes=axes)
