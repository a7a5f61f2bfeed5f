"""What every model is, and what it may offer besides.

K posterior samples lead, then B sequences, then the rest. Log-probabilities are nats per sequence, EOS counted; of frames, densities.
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
    """A law of sequences p(x, z) with its inference network q(z|x).

    Attributes:
        name: what ``model=`` calls it, set by ``registry.build``.
        latents: names of the latent variables; a model without any gives the exact log p(x).
        decoded: those that the decoder reads; the others show only in what they make of these.
        reads_inputs: whether the decoder is fed the symbols before each position, which word dropout is for.
        max_length: most symbols of a sequence it can take, EOS counted (of frames: frames); None sets no limit.

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
        """Runs the encoder once; what it returns is the model's own, read by ``sample`` only."""

    @abstractmethod
    def sample(self, posterior: Any, noise: Noise) -> dict[str, Code]:
        """Latent name -> K samples of q(z|x)."""

    @abstractmethod
    def log_px(self, batch: Batch, codes: dict[str, Tensor]) -> Tensor:
        """[K, B] log p(x|z) for codes name -> z [K, B, ...]."""

    @abstractmethod
    def sample_prior(self, noise: Noise) -> dict[str, Tensor]:
        """Draws of p(z): latent name -> z [K, B, ...], from noise for B sequences."""

    def redrawn(
        self, codes: dict[str, Tensor], moved: str, noise: Noise, held: str | None = None
    ) -> dict[str, Tensor]:
        """The codes after the latent ``moved`` was set: latents that it stands above, but one that is held, are drawn anew, given it.

        So a latent that the decoder sees through others only can be moved and shown. Here no latent stands above another.
        """
        return codes

    def check_lengths(self, lengths: np.ndarray, what: str) -> None:
        """Checks sequences of ``lengths`` [N], EOS counted.

        Raises:
            ValueError: one of ``what`` is longer than the model can take.
        """
        longest = int(lengths.max(initial=0))
        if self.max_length is not None and longest > self.max_length:
            unit = "symbols with EOS" if isinstance(self.domain, Symbols) else "frames"
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
        """The decoder's state before the first symbol or frame, for codes name -> z [rows, ...]."""

    @abstractmethod
    def step(self, state: Any, token: Tensor) -> tuple[Distribution, Any]:
        """Feeds a symbol [rows] or frame [rows, F]; returns the law of the next, log p [rows, V] or a Gaussian [rows, F], and the state."""

    @abstractmethod
    def select(self, state: Any, index: Tensor) -> Any:
        """The state's rows ``index``, for beam search and for sequences that have ended."""


class Autoregressive(Generator):
    """A generator whose steps are those of its recurrent ``decoder``."""

    decoder: Decoder

    def step(self, state: DecoderState, token: Tensor) -> tuple[Distribution, DecoderState]:
        return self.decoder.step(state, token)

    def select(self, state: DecoderState, index: Tensor) -> DecoderState:
        return self.decoder.select(state, index)


class NeedsData(ABC):
    """A model that looks at training data before training (pseudo-inputs, say)."""

    @abstractmethod
    def setup(self, batches: list[Batch]) -> None:
        """Called once with a few training batches, on the model's device."""
