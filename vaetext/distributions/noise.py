"""Where randomness comes from: a key that is folded, as in JAX, or torch's global generator."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from zlib import crc32

import torch
from torch import Tensor

from vaetext.parallel.share import drawn


class Noise(ABC):
    """K independent draws for each of B sequences.

    Attributes:
        samples: K.
        rows: B.
    """

    samples: int
    rows: int

    def at(self, name: str, step: int | Tensor | None = None) -> "Noise":
        """The noise of one variable, at one step of it.

        Args:
            name: of the variable.
            step: a number, or [K, B] int64, each sample's and sequence's own.
                ``at("z", t).normal(D)`` is slice t of ``at("z").normal(T, D)``.
        """
        return self

    @abstractmethod
    def normal(self, *shape: int) -> Tensor:
        """[K, B, *shape] draws of N(0, 1)."""

    @abstractmethod
    def uniform(self, *shape: int) -> Tensor:
        """[K, B, *shape] draws of U(0, 1); 1 is never drawn."""

    @abstractmethod
    def expand(self, times: int) -> "Noise":
        """``times`` * K independent samples, ``times`` in a row for each of the K.

        They are for the values of a discrete latent.
        """


class FreshNoise(Noise):
    """Draws from torch's global generator, for training.

    Where several processes share a batch, each draws for all of it and takes what its rows have.
    """

    def __init__(
        self, samples: int, rows: int, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> None:
        self.samples = samples
        self.rows = rows
        self.device = device
        self.dtype = dtype

    def normal(self, *shape: int) -> Tensor:
        return self._drawn(torch.randn, shape)

    def uniform(self, *shape: int) -> Tensor:
        return self._drawn(torch.rand, shape)

    def expand(self, times: int) -> Noise:
        return FreshNoise(times * self.samples, self.rows, self.device, self.dtype)

    def _drawn(self, draw: Callable[..., Tensor], shape: tuple[int, ...]) -> Tensor:
        sizes = (self.samples, self.rows, *shape)
        return drawn(draw, sizes, axis=1, device=self.device, dtype=self.dtype)


class MeanNoise(FreshNoise):
    """The middle of every distribution: a Gaussian's mean, the median of discrete values.

    Normals are 0 and uniforms 1/2.
    """

    def __init__(
        self, rows: int, device: torch.device, dtype: torch.dtype = torch.float32, samples: int = 1
    ) -> None:
        super().__init__(samples, rows, device, dtype)

    def normal(self, *shape: int) -> Tensor:
        return torch.zeros(self.samples, self.rows, *shape, device=self.device, dtype=self.dtype)

    def uniform(self, *shape: int) -> Tensor:
        return torch.full_like(self.normal(*shape), 0.5)

    def expand(self, times: int) -> Noise:
        return MeanNoise(self.rows, self.device, self.dtype, times * self.samples)


class KeyedNoise(Noise):
    """Draws that depend on (seed, sequence index, sample index, name, step, coordinate) alone.

    So no number of an evaluation changes with batch size, order, padding or the number of
    processes, and samples can be drawn in chunks. Every name, step and coordinate is folded into
    the key by a round of the splitmix64 finaliser (Steele et al. 2014); normals come from the
    inverse of their distribution function.

    Args:
        seed: of the whole evaluation.
        index: [B] sequence numbers.
        samples: the sample numbers drawn.
        dtype: of the draws.
    """

    def __init__(
        self, seed: int, index: Tensor, samples: range, dtype: torch.dtype = torch.float32
    ) -> None:
        number = torch.arange(samples.start, samples.stop, device=index.device)
        root = _mix(torch.tensor(_signed(seed % 2**64), device=index.device))
        self._hold(_mix(_mix(root + index) + number[:, None]), dtype)

    def at(self, name: str, step: int | Tensor | None = None) -> Noise:
        key = _mix(self._key + crc32(name.encode()))
        return self._with_key(key if step is None else _mix(key + step))

    def normal(self, *shape: int) -> Tensor:
        drawn: Tensor = torch.special.ndtri(self._uniform(shape))
        return drawn.to(self._dtype)

    def uniform(self, *shape: int) -> Tensor:
        """float64, as it is compared with probabilities."""
        return self._uniform(shape)

    def expand(self, times: int) -> Noise:
        key = _mix(self._key + crc32(b"expand"))
        number = torch.arange(times, device=key.device)
        return self._with_key(_mix(key[:, None] + number[:, None]).flatten(0, 1))

    def _uniform(self, shape: tuple[int, ...]) -> Tensor:
        key = self._key
        for size in shape:
            key = _mix(key[..., None] + torch.arange(size, device=key.device))
        mantissa = (key >> 11) & (2**53 - 1)
        return (mantissa.double() + 0.5).clamp(max=2**53 - 1) * 2.0**-53  # never 1

    def _hold(self, key: Tensor, dtype: torch.dtype) -> None:
        self.samples, self.rows = key.shape
        self._key = key
        self._dtype = dtype

    def _with_key(self, key: Tensor) -> "KeyedNoise":
        other = KeyedNoise.__new__(KeyedNoise)
        other._hold(key, self._dtype)
        return other


def _mix(key: Tensor) -> Tensor:
    """The splitmix64 finaliser on int64 (wrapping), [..] -> [..]."""
    key = key + _signed(0x9E3779B97F4A7C15)
    key = (key ^ ((key >> 30) & (2**34 - 1))) * _signed(0xBF58476D1CE4E5B9)
    key = (key ^ ((key >> 27) & (2**37 - 1))) * _signed(0x94D049BB133111EB)
    return key ^ ((key >> 31) & (2**33 - 1))


def _signed(word: int) -> int:
    return word - 2**64 if word >= 2**63 else word
