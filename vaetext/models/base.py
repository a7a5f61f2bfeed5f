"""What every model offers: training, evaluation and generation ask for nothing else.

K samples lead, then B sequences, then the rest. Log-probabilities are nats per sequence, EOS
counted; of real-valued frames, log-densities.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from vaetext.data.batch import Batch
from vaetext.data.domain import Binary, Domain, Real, Symbols
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.latent import Latent, LatentSample
from vaetext.distributions.noise import Noise
from vaetext.distributions.state import State
from vaetext.models.diagnostics import Diagnostic


class SequenceModel(nn.Module, ABC):
    """A distribution p(x, z) of sequences and latents, with its inference network q(z|x).

    Attributes:
        name: what ``model=`` calls it; set by ``registry.build``.
        domains: the kinds of sequences that it takes.
        latents: what it declares of each latent; a model without any gives the exact log p(x).
        reads_inputs: whether p(x_t|...) is conditioned on the tokens before t (word dropout).
        carries_state: whether a segment continues from the state after the one before.
        max_length: most tokens of a sequence, EOS counted, or frames; None sets no limit.

    Args:
        domain: what sequences are made of.
    """

    name: str = ""
    domains: tuple[type[Domain], ...] = (Symbols, Real, Binary)
    latents: tuple[Latent, ...] = ()
    reads_inputs: bool = True
    carries_state: bool = False
    max_length: int | None = None

    def __init__(self, domain: Domain) -> None:
        super().__init__()
        self.domain = domain

    @property
    def latent_names(self) -> list[str]:
        """The names of ``latents``, in their order."""
        return [latent.name for latent in self.latents]

    @abstractmethod
    def encode(self, batch: Batch, carried: State | None = None) -> Any:
        """Runs the encoder, once for all samples; what it returns is read by ``sample`` alone.

        Args:
            batch: B sequences, or segments of them.
            carried: the state after the segment before, of models with a latent per step.
        """

    @abstractmethod
    def sample(
        self, encoded: Any, noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        """Latent name -> K samples of q(z|x), in the order of ``latents``.

        Args:
            encoded: what ``encode`` gives.
            noise: for K samples of B sequences.
            enumerate: every value of the discrete latents, K samples of the others for each.
        """

    @abstractmethod
    def log_px(self, batch: Batch, z: Mapping[str, Tensor], noise: Noise) -> Tensor:
        """[K, B] log p(x|z); latents that ``z`` lacks are drawn from the prior given those it has.

        Args:
            batch: B sequences.
            z: latent name -> [K, B, ...].
            noise: of what is drawn (of a latent per step: given the steps of x before it too).
        """

    @abstractmethod
    def sample_prior(self, noise: Noise, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Draws of the latents of a whole sequence: name -> z [K, B, ...]; given ones are kept.

        A latent per step is left out: ``emit`` draws it.
        """

    @abstractmethod
    def start(self, z: Mapping[str, Tensor], noise: Noise) -> State:
        """The state before the first token or frame, given z; leaves [K, B, ...]."""

    @abstractmethod
    def emit(self, state: State, noise: Noise) -> tuple[Distribution, State]:
        """The distribution of x_t [K, B, ...], and the state with what was drawn for this step."""

    @abstractmethod
    def advance(self, state: State, x: Tensor) -> State:
        """The state once x_t is known: tokens [K, B], or frames [K, B, F]."""

    def evidence(
        self, batch: Batch, encoded: Any, noise: Noise, enumerate: bool = False
    ) -> Evidence:
        """Every term of the bound. Override it where one pass gives all."""
        latents = self.sample(encoded, noise, enumerate)
        z = {name: each.z for name, each in latents.items()}
        share = self.log_share(latents, noise) if enumerate else None
        log_px, aux = self.terms(batch, z, noise)
        return Evidence(log_px, latents, aux, log_share=share)

    def terms(
        self, batch: Batch, z: Mapping[str, Tensor], noise: Noise
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """``log_px``, and ``aux`` of ``Evidence``. Override it for auxiliary terms."""
        return self.log_px(batch, z, noise), {}

    def log_share(self, latents: Mapping[str, LatentSample], noise: Noise) -> Tensor:
        """[K, B] log q(discrete latents|x) - log m, of samples enumerated m times each."""
        log_q = [latents[each.name].log_q for each in self.latents if each.discrete]
        return sum(log_q[1:], log_q[0]) - float(np.log(noise.samples))

    def filter(self, batch: Batch, encoded: Any, noise: Noise, threshold: float = 0.5) -> Evidence:
        """A particle filter's estimate of log p(x), of models with a latent per step.

        Raises:
            ValueError: the model has none.
        """
        self.check_filter()
        raise NotImplementedError

    def check_filter(self) -> None:
        """Raises ValueError where a particle filter cannot be trained on."""
        if not any(latent.per_step for latent in self.latents):
            raise ValueError(
                f"trainer.bound=fivo: {self.name} has no latent per step to filter;"
                " set trainer.bound=elbo or iwae"
            )

    def setup(self, batches: Iterable[Batch]) -> None:
        """Looks at some training batches once before training (pseudo-inputs, say)."""

    def diagnostics(self) -> list[Diagnostic]:
        """Numbers and pages that only this model has."""
        return []

    def conditioned_on(self, name: str) -> set[str]:
        """The latents whose prior is conditioned on a latent, directly or through others."""
        found = {name}
        for _ in self.latents:
            found |= {each.name for each in self.latents if found & set(each.p_given)}
        return found - {name}

    def check_lengths(self, longest: int, what: str) -> None:
        """Checks sequences of at most ``longest`` tokens, EOS counted.

        Raises:
            ValueError: one of ``what`` is longer than the model takes.
        """
        if self.max_length is not None and longest > self.max_length:
            raise ValueError(
                f"model.max_length={self.max_length}: a sequence of {what} has {longest}"
                f" {self.domain.unit}; train with a larger model.max_length, or leave longer"
                " sequences out"
            )


def parameter_count(model: SequenceModel) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in model.parameters())
