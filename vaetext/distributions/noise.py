"""Sources of noise: torch's global generator in training, a keyed hash in evaluation."""

from abc import ABC, abstractmethod
from zlib import crc32

import torch
from torch import Tensor


class Noise(ABC):
    """K independent samples for each of B sequences.

    Attributes:
        samples: K.
    """

    samples: int

    @abstractmethod
    def normal(self, name: str, *shape: int) -> Tensor:
        """[K, B, *shape] samples of N(0, I) for the latent ``name``."""

    @abstractmethod
    def uniform(self, name: str, *shape: int) -> Tensor:
        """[K, B, *shape] samples of U(0, 1) for the choice ``name``."""


class FreshNoise(Noise):
    """Noise from torch's global generator, for training.

    Args:
        samples: K.
        batch_size: B.
        device: where tensors are made.
        dtype: of the tensors.
    """

    def __init__(
        self,
        samples: int,
        batch_size: int,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.samples = samples
        self._batch = batch_size
        self._device = device
        self._dtype = dtype

    def normal(self, name: str, *shape: int) -> Tensor:
        return torch.randn(
            self.samples, self._batch, *shape, device=self._device, dtype=self._dtype
        )

    def uniform(self, name: str, *shape: int) -> Tensor:
        return torch.rand(self.samples, self._batch, *shape, device=self._device, dtype=self._dtype)


class KeyedNoise(Noise):
    """Noise that depends on (seed, name, sequence index, sample index, coordinate) alone.

    No number of an evaluation changes with batch size, order, padding or the number of processes:
    coordinate (i, j, ...) of a shape has the same value in every longer shape. Uniform samples
    come from rounds of the splitmix64 finaliser (Steele et al. 2014), computed in integers; normal
    ones from the inverse distribution function, computed in float64.

    Args:
        seed: of the whole evaluation.
        index: [B] each sequence's number in its split.
        samples: indices of the samples, so that chunks of K can be drawn separately.
        dtype: of the tensors.
    """

    def __init__(
        self, seed: int, index: Tensor, samples: range, dtype: torch.dtype = torch.float32
    ) -> None:
        self.samples = len(samples)
        self._dtype = dtype
        sample = torch.arange(samples.start, samples.stop, device=index.device)
        of_seed = _mix(torch.tensor(_signed(seed % 2**64), device=index.device))
        of_sequence = _mix(of_seed + index)
        self._key = _mix(of_sequence + sample[:, None])

    def normal(self, name: str, *shape: int) -> Tensor:
        drawn: Tensor = torch.special.ndtri(self._uniform(name, shape))
        return drawn.to(self._dtype)

    def uniform(self, name: str, *shape: int) -> Tensor:
        return self._uniform(name, shape).to(self._dtype)

    def _uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        key = _mix(self._key + crc32(name.encode()))
        for size in shape:
            key = _mix(key[..., None] + torch.arange(size, device=key.device))
        highest_bits = (key >> 11) & (2**53 - 1)
        numerator = (highest_bits.double() + 0.5).clamp(max=2**53 - 1)  # the result is never 1
        return numerator * 2.0**-53


class MeanNoise(Noise):
    """One sample without noise: zeros, so that every Gaussian latent is at its mean, and 1/2.

    Args:
        batch_size: B.
        device: where tensors are made.
        dtype: of the tensors.
    """

    samples = 1

    def __init__(
        self, batch_size: int, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> None:
        self._batch = batch_size
        self._device = device
        self._dtype = dtype

    def normal(self, name: str, *shape: int) -> Tensor:
        return torch.zeros(1, self._batch, *shape, device=self._device, dtype=self._dtype)

    def uniform(self, name: str, *shape: int) -> Tensor:
        return torch.full((1, self._batch, *shape), 0.5, device=self._device, dtype=self._dtype)


def _mix(key: Tensor) -> Tensor:
    """The splitmix64 finaliser on int64, which wraps around; [...] -> [...]."""
    key = key + _signed(0x9E3779B97F4A7C15)
    key = (key ^ ((key >> 30) & (2**34 - 1))) * _signed(0xBF58476D1CE4E5B9)
    key = (key ^ ((key >> 27) & (2**37 - 1))) * _signed(0x94D049BB133111EB)
    return key ^ ((key >> 31) & (2**33 - 1))


def _signed(word: int) -> int:
    """The int64 with the bits of an unsigned 64-bit ``word``."""
    return word - 2**64 if word >= 2**63 else word
