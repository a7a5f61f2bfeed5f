"""Encoders of sequences: one vector of features, of an RNN or of a bag of words, or a map."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.modules.dropout import Dropout
from vaetext.modules.nets import relu_layers
from vaetext.modules.recurrent import Recurrent, features


class Encoder(nn.Module, ABC):
    """x -> [B, features], read without the last EOS.

    Attributes:
        features: of the result.
        positions: P of an encoder whose result is a map [B, P, features]; None for a vector.

    Args:
        domain: what x is made of.
        embedding_dim: E.
        dropout: of the embedded steps.
    """

    features: int
    positions: int | None = None

    def __init__(self, domain: Domain, embedding_dim: int, dropout: float) -> None:
        super().__init__()
        self.embedding = domain.embedding(embedding_dim)
        self.dropout = Dropout(dropout)

    def forward(self, batch: Batch) -> Tensor:
        """[B, features], or [B, P, features] of a map; a sequence without words is all zeros."""
        # the last step of a batch of tokens is the EOS of its longest sequence, which is not read
        has_eos = batch.domain.eos is not None
        words = max(1, batch.encoder_mask.shape[1] - has_eos)
        return self.read(self.embed(batch)[:, :words], batch.encoder_mask[:, :words])

    def embed(self, batch: Batch) -> Tensor:
        """[B, T, E] embedded steps, padding included."""
        return self.dropout(self.embedding(batch.x))  # type: ignore[no-any-return]

    @abstractmethod
    def read(self, embedded: Tensor, mask: Tensor | None = None) -> Tensor:
        """[B, features] of embedded words.

        Args:
            embedded: [B, T, E].
            mask: [B, T] true at words; None where every step is a word.
        """


class BagEncoder(Encoder):
    """Two ReLU layers over the mean of the embedded words, whose order it does not see.

    That mean is a linear map of the words' counts over their number: a bag of words.

    Args:
        domain: what x is made of.
        embedding_dim: E.
        hidden: units of each layer.
        dropout: of the embedded words.
    """

    def __init__(
        self, domain: Domain, embedding_dim: int, hidden: int, dropout: float = 0.0
    ) -> None:
        super().__init__(domain, embedding_dim, dropout)
        self.layers = nn.Sequential(nn.Linear(embedding_dim, hidden), relu_layers(hidden, 2))
        self.features = hidden

    def read(self, embedded: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return self.layers(embedded.mean(1))  # type: ignore[no-any-return]
        total = (embedded * mask[..., None]).sum(1)
        return self.layers(total / mask.sum(1, keepdim=True).clamp(min=1))  # type: ignore[no-any-return]


class RecurrentEncoder(Encoder):
    """x read by an RNN (Chien and Wang, the authors' code).

    Args:
        cell: "lstm" or "gru".
        domain: what x is made of.
        embedding_dim: E.
        hidden: units of each layer and direction.
        layers: recurrent layers.
        bidirectional: whether the RNN reads in both directions.
        pooling: "final", the final state of the last layer ([h; c] of an LSTM); "max", the maximum
            of its outputs over steps.
        dropout: of the embedded steps.
    """

    def __init__(
        self,
        cell: str,
        domain: Domain,
        embedding_dim: int,
        hidden: int,
        layers: int,
        bidirectional: bool,
        pooling: str,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(domain, embedding_dim, dropout)
        self.rnn = Recurrent(cell, embedding_dim, hidden, layers, bidirectional)
        self.pooling = pooling
        self.features = self.rnn.state_size if pooling == "final" else hidden * self.rnn.directions

    def read(self, embedded: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            mask = torch.ones(embedded.shape[:2], dtype=torch.bool, device=embedded.device)
        outputs, final = self.rnn(embedded, mask=mask, lengths=steps_of(mask))
        if self.pooling == "final":
            return features(final[-1])
        return max_pool(outputs, mask)


def steps_of(mask: Tensor) -> list[int] | None:
    """[B] true steps of each row of a mask [B, T]; None on a GPU, which it would wait for."""
    return None if mask.is_cuda else mask.sum(1).tolist()


def max_pool(outputs: Tensor, mask: Tensor) -> Tensor:
    """[B, F] maximum over the steps of [B, T, F] where ``mask`` [B, T] is true; zeros if none."""
    lowest = torch.finfo(outputs.dtype).min
    return outputs.masked_fill(~mask[..., None], lowest).amax(1) * mask.any(1, keepdim=True)


class MapEncoder(RecurrentEncoder):
    """x -> a map [B, P, features], P = ceil(N / stride), in the order of the sequence.

    Position p is the mean of the outputs of an RNN over window p of ``stride`` steps; outputs past
    the end of the sequence are zero.

    Args:
        cell: "lstm" or "gru".
        domain: what x is made of.
        embedding_dim: E.
        hidden: units of each layer and direction.
        layers: recurrent layers.
        bidirectional: whether the RNN reads in both directions.
        stride: steps of a window.
        length: N, most tokens (EOS counted) or frames of a sequence.
        dropout: of the embedded steps.
    """

    def __init__(
        self,
        cell: str,
        domain: Domain,
        embedding_dim: int,
        hidden: int,
        layers: int,
        bidirectional: bool,
        stride: int,
        length: int,
        dropout: float = 0.0,
    ) -> None:
        sizes = (embedding_dim, hidden, layers, bidirectional)
        super().__init__(cell, domain, *sizes, "mean", dropout)
        self.stride = stride
        self.positions: int = -(-length // stride)
        self.padded_length = self.positions * stride

    def read(self, embedded: Tensor, mask: Tensor | None = None) -> Tensor:
        """[B, P, features] of embedded words; arguments as in ``Encoder.read``."""
        outputs, _ = self.rnn(embedded, mask=mask, lengths=None if mask is None else steps_of(mask))
        padded = nn.functional.pad(outputs, (0, 0, 0, self.padded_length - outputs.shape[1]))
        return padded.reshape(len(padded), -1, self.stride, self.features).mean(2)
