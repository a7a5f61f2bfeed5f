"""The posteriors of a whole split, latent by latent."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from vaetext.distributions.distribution import Distribution
from vaetext.distributions.latent import Latent, LatentSample


@dataclass(frozen=True)
class LatentCodes:
    """One latent's posterior for each of N sequences, on the CPU.

    Where the number of positions depends on the sequence, the real positions of all sequences
    follow each other: M in all, and N below is M.

    Attributes:
        latent: what the model declares of it.
        z: [N, ...] one posterior sample.
        q: the posterior that z was drawn from, parameters [N, ...].
        mean: [N, ...] E_q[z|x] where every latent is at its mean; a mean given the sample of
            another latent would carry that one's noise.
        prior_mean: like mean, E_p[z]; None where the prior is not conditioned on other latents.
        kl: [N, *axes] of the sample.
        axes: of ``kl``: "position", "step", "dimension".
        lengths: [N] positions of each sequence; None where all have the same shape.
    """

    latent: Latent
    z: Tensor
    q: Distribution
    mean: Tensor
    prior_mean: Tensor | None
    kl: Tensor
    axes: tuple[str, ...]
    lengths: Tensor | None

    @property
    def sequences(self) -> int:
        """How many sequences there are."""
        return len(self.z) if self.lengths is None else len(self.lengths)


@dataclass(frozen=True)
class Part:
    """The same for one batch, whose sequences are in the order of the batch."""

    z: Tensor
    q: Distribution
    mean: Tensor
    prior_mean: Tensor | None
    kl: Tensor
    axes: tuple[str, ...]
    lengths: Tensor | None

    @staticmethod
    def of(latent: Latent, sample: LatentSample, means: LatentSample) -> "Part":
        """A batch's latent.

        Args:
            latent: what the model declares.
            sample: one sample, as ``first`` gives it.
            means: the sample where every latent is at its mean, likewise.
        """
        real = None if sample.mask is None else sample.mask[0] > 0

        def kept(tensor: Tensor) -> Tensor:
            return (tensor[0] if real is None else tensor[0][real]).cpu()

        return Part(
            z=kept(sample.z),
            q=sample.q.map(kept),
            mean=kept(means.q.mean),
            prior_mean=kept(means.p.mean) if latent.p_given else None,
            kl=kept(sample.kl),
            axes=sample.axes,
            lengths=None if real is None else real.flatten(1).sum(1).cpu(),
        )


def join(latent: Latent, parts: list[Part], places: Tensor) -> LatentCodes:
    """The posteriors of all batches as one.

    Args:
        latent: what the model declares.
        parts: of the batches.
        places: [N] where each sequence of the split is among those of the batches.
    """
    lengths = None
    if parts[0].lengths is not None:
        lengths = torch.cat([part.lengths for part in parts if part.lengths is not None])

    def ordered(tensors: list[Tensor]) -> Tensor:
        whole = torch.cat(tensors)
        if lengths is None:
            return whole[places]
        pieces = torch.split(whole, lengths.tolist())
        return torch.cat([pieces[place] for place in places.tolist()])

    kind = type(parts[0].q)
    columns = [[getattr(part.q, each.name) for part in parts] for each in fields(kind)]  # type: ignore[arg-type]
    priors = [part.prior_mean for part in parts if part.prior_mean is not None]
    return LatentCodes(
        latent=latent,
        z=ordered([part.z for part in parts]),
        q=kind(*map(ordered, columns)),
        mean=ordered([part.mean for part in parts]),
        prior_mean=ordered(priors) if priors else None,
        kl=ordered([part.kl for part in parts]),
        axes=parts[0].axes,
        lengths=None if lengths is None else lengths[places],
    )
