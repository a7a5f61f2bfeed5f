"""The interface of every model, and what a model may offer besides.

K posterior samples lead, then B sequences, then the rest. Log-probabilities are nats per sequence,
EOS counted; of frames they are log-densities.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from torch import Tensor, nn

from vaetext.data.batch import Batch
from vaetext.data.domain import Domain, Symbols
from vaetext.distributions.evidence import Code, Evidence
from vaetext.distributions.noise import Noise
from vaetext.modules.decoder import Decoder, DecoderState
from vaetext.modules.output import Distribution


class SequenceModel(nn.Module, ABC):
    """A distribution p(x, z) of sequences x and latents z, with its inference network q(z|x).

    Attributes:
        name: the model's name in the configuration, set by ``registry.build``.
        latents: names of the latent variables; a model without any gives the exact log p(x).
        decoded: those that the decoder reads; the others change x only through these.
        reads_inputs: whether the decoder is fed the tokens before each step; word dropout needs it.
        max_length: most tokens (EOS counted) or frames of a sequence; None for no limit.

    Args:
        domain: what sequences are made of.
    """

    name: str = ""
    latents: tuple[str, ...] = ()
    reads_inputs: bool = True
    max_length: int | None = None

    def __init__(self, domain: Domain) -> None:
        super().__init__()
        self.domain = domain

    @property
    def decoded(self) -> tuple[str, ...]:
        return self.latents

    @abstractmethod
    def posterior(self, batch: Batch) -> Any:
        """Runs the encoder once; only ``sample`` reads the result, whose type is the model's."""

    @abstractmethod
    def sample(self, posterior: Any, noise: Noise) -> dict[str, Code]:
        """Latent name -> K samples of q(z|x)."""

    @abstractmethod
    def log_px(self, batch: Batch, codes: dict[str, Tensor]) -> Tensor:
        """[K, B] log p(x|z) for codes name -> z [K, B, ...]."""

    @abstractmethod
    def sample_prior(self, noise: Noise) -> dict[str, Tensor]:
        """Samples of p(z): latent name -> z [K, B, ...], from noise for B sequences."""

    def redrawn(
        self, codes: dict[str, Tensor], moved: str, noise: Noise, held: str | None = None
    ) -> dict[str, Tensor]:
        """The codes after the latent ``moved`` was set to another value.

        Latents whose prior is conditioned on it, directly or through others, are sampled again
        from that prior, except one that is ``held``. So a latent can be changed and shown even
        where the decoder reads it through others only. Here no prior is conditioned on a latent,
        and the codes are returned as they are.
        """
        return codes

    def check_lengths(self, lengths: np.ndarray, what: str) -> None:
        """Checks sequences of ``lengths`` [N], EOS counted.

        Raises:
            ValueError: a sequence of ``what`` is longer than ``max_length``.
        """
        longest = int(lengths.max(initial=0))
        if self.max_length is not None and longest > self.max_length:
            unit = "tokens with EOS" if isinstance(self.domain, Symbols) else "frames"
            raise ValueError(
                f"model.max_length={self.max_length}: a sequence of {what} has {longest} {unit};"
                " train with a larger model.max_length, or leave longer sequences out"
            )

    def evidence(self, batch: Batch, noise: Noise) -> Evidence:
        """Every term of the bound for one batch."""
        codes = self.sample(self.posterior(batch), noise)
        return Evidence(self.log_px(batch, {name: code.z for name, code in codes.items()}), codes)


class Generator(ABC):
    """A model that can be decoded step by step."""

    @abstractmethod
    def start(self, codes: dict[str, Tensor], rows: int) -> Any:
        """The decoder's state before the first step, for codes name -> z [rows, ...]."""

    @abstractmethod
    def step(self, state: Any, token: Tensor) -> tuple[Distribution, Any]:
        """Feeds tokens [rows] or frames [rows, F].

        Returns:
            p of the next step, log-probabilities [rows, V] or a Gaussian [rows, F], and the state.
        """

    @abstractmethod
    def select(self, state: Any, index: Tensor) -> Any:
        """The rows ``index`` of the state, for beam search and to drop ended sequences."""


class Autoregressive(Generator):
    """A generator whose steps are those of its recurrent ``decoder``."""

    decoder: Decoder

    def step(self, state: DecoderState, token: Tensor) -> tuple[Distribution, DecoderState]:
        return self.decoder.step(state, token)

    def select(self, state: DecoderState, index: Tensor) -> DecoderState:
        return self.decoder.select(state, index)


class NeedsData(ABC):
    """A model that reads training data before training, to initialise pseudo-inputs for example."""

    @abstractmethod
    def setup(self, batches: list[Batch]) -> None:
        """Called once with a few training batches, on the model's device."""
