"""Where randomness comes from: the global generator in training, a keyed hash in evaluation."""

from abc import ABC, abstractmethod
from zlib import crc32

import torch
from torch import Tensor


class Noise(ABC):
    """K independent draws for each of B sequences."""

    samples: int

    @abstractmethod
    def normal(self, name: str, *shape: int) -> Tensor:
        """[K, B, *shape] draws of N(0, I) for the latent ``name``."""

    @abstractmethod
    def uniform(self, name: str, *shape: int) -> Tensor:
        """[K, B, *shape] draws of U(0, 1) for the choice ``name``."""


class FreshNoise(Noise):
    """Draws from torch's global generator, for training."""

    def __init__(
        self,
        samples: int,
        batch_size: int,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.samples, self._batch, self._device, self._dtype = samples, batch_size, device, dtype

    def normal(self, name: str, *shape: int) -> Tensor:
        return torch.randn(
            self.samples, self._batch, *shape, device=self._device, dtype=self._dtype
        )

    def uniform(self, name: str, *shape: int) -> Tensor:
        return torch.rand(self.samples, self._batch, *shape, device=self._device, dtype=self._dtype)


class KeyedNoise(Noise):
    """Draws that depend on (seed, name, sequence index, sample index, coordinate) alone.

    So no number of an evaluation changes with batch size, order, padding or the number of processes: coordinate (i, j, ...)
    of a shape has the same value in every longer shape. Uniforms come from rounds of the splitmix64 finaliser
    (Steele et al. 2014), normals from their inverse distribution function, both in integers and float64.

    Args:
        seed: of the whole evaluation.
        index: [B] sequence numbers.
        samples: the sample indices drawn, so chunks of K can be drawn apart.
    """

    def __init__(
        self, seed: int, index: Tensor, samples: range, dtype: torch.dtype = torch.float32
    ) -> None:
        self.samples, self._dtype = len(samples), dtype
        sample = torch.arange(samples.start, samples.stop, device=index.device)
        self._key = _mix(
            _mix(_mix(torch.tensor(_signed(seed % 2**64), device=index.device)) + index)
            + sample[:, None]
        )

    def normal(self, name: str, *shape: int) -> Tensor:
        drawn: Tensor = torch.special.ndtri(self._uniform(name, shape))
        return drawn.to(self._dtype)

    def uniform(self, name: str, *shape: int) -> Tensor:
        return self._uniform(name, shape).to(self._dtype)

    def _uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        key = _mix(self._key + crc32(name.encode()))
        for size in shape:
            key = _mix(key[..., None] + torch.arange(size, device=key.device))
        return (((key >> 11) & (2**53 - 1)).double() + 0.5).clamp(
            max=2**53 - 1
        ) * 2.0**-53  # never 1


class MeanNoise(Noise):
    """The middle of every law, one sample: zeros, so every Gaussian latent is at its mean, and uniforms of 1/2."""

    samples = 1

    def __init__(
        self, batch_size: int, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> None:
        self._batch, self._device, self._dtype = batch_size, device, dtype

    def normal(self, name: str, *shape: int) -> Tensor:
        return torch.zeros(1, self._batch, *shape, device=self._device, dtype=self._dtype)

    def uniform(self, name: str, *shape: int) -> Tensor:
        return torch.full((1, self._batch, *shape), 0.5, device=self._device, dtype=self._dtype)


def _mix(key: Tensor) -> Tensor:
    """The splitmix64 finaliser on int64 (wrapping), [..] -> [..]."""
    key = key + _signed(0x9E3779B97F4A7C15)
    key = (key ^ ((key >> 30) & (2**34 - 1))) * _signed(0xBF58476D1CE4E5B9)
    key = (key ^ ((key >> 27) & (2**37 - 1))) * _signed(0x94D049BB133111EB)
    return key ^ ((key >> 31) & (2**33 - 1))


def _signed(word: int) -> int:
    return word - 2**64 if word >= 2**63 else word
