"""The recurrent encoder: a sequence as one vector of features."""

import torch
from torch import Tensor, nn

from vaetext.data.batch import Batch
from vaetext.data.domain import Domain, Symbols
from vaetext.modules.embedding import embedding
from vaetext.modules.recurrent import Recurrent, features


class Encoder(nn.Module):
    """Reads the words of a sequence, EOS left out (source 000, authors' code), and gives [B, features].

    Args:
        pooling: "final", the last layer's final state ([h; c] of an LSTM); "max", the maximum of its outputs over steps.

    Attributes:
        features: size of the features.
        positions: P of an encoder that gives a map [B, P, features]; None for a vector.
    """

    positions: int | None = None

    def __init__(
        self,
        cell: str,
        domain: Domain,
        embedding_dim: int,
        hidden: int,
        layers: int,
        bidirectional: bool,
        pooling: str,
    ) -> None:
        super().__init__()
        self.embedding = embedding(domain, embedding_dim)
        self.rnn = Recurrent(cell, embedding_dim, hidden, layers, bidirectional)
        self.pooling = pooling
        self.features = self.rnn.state_size if pooling == "final" else hidden * self.rnn.directions

    def forward(self, batch: Batch) -> Tensor:
        """[B, features]; a sequence without words gives the zero state."""
        words = max(
            1, batch.word_mask.shape[1] - isinstance(batch.domain, Symbols)
        )  # where the longest sequence's EOS stands, no word is
        return self.read(self.embed(batch)[:, :words], batch.word_mask[:, :words])

    def embed(self, batch: Batch) -> Tensor:
        """[B, T, E]: the embedded sequence."""
        return self.embedding(batch.x)  # type: ignore[no-any-return]

    def read(self, embedded: Tensor, mask: Tensor | None = None) -> Tensor:
        """[B, features] of embedded words [B, T, E], ``mask`` [B, T] true at words; None calls every step a word."""
        mask = (
            torch.ones(embedded.shape[:2], dtype=torch.bool, device=embedded.device)
            if mask is None
            else mask
        )
        outputs, final = self.rnn(embedded, mask=mask)
        if self.pooling == "final":
            return features(final[-1])
        return max_pool(outputs, mask)


def max_pool(outputs: Tensor, mask: Tensor) -> Tensor:
    """[B, F] maximum of outputs [B, T, F] over the steps that ``mask`` [B, T] calls real; zeros where there is none."""
    lowest = torch.finfo(outputs.dtype).min
    return outputs.masked_fill(~mask[..., None], lowest).amax(1) * mask.any(1, keepdim=True)


class MapEncoder(Encoder):
    """The same reading as a map [B, P, features], P = ceil(N / stride) positions in the order of the sequence.

    Position p is the mean of the outputs in window p of ``stride`` steps, the sequence continued with zeros to N steps.

    Args:
        stride: steps of a window.
        length: N, most symbols or frames of a sequence.
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
    ) -> None:
        super().__init__(cell, domain, embedding_dim, hidden, layers, bidirectional, "mean")
        self.stride, self.positions = stride, -(-length // stride)
        self.padded = self.positions * stride

    def read(self, embedded: Tensor, mask: Tensor | None = None) -> Tensor:
        """[B, P, features] of embedded words [B, T, E], ``mask`` [B, T] true at words; None calls every step a word."""
        outputs, _ = self.rnn(embedded, mask=mask)
        padded = nn.functional.pad(outputs, (0, 0, 0, self.padded - outputs.shape[1]))
        return padded.reshape(len(padded), -1, self.stride, self.features).mean(2)
