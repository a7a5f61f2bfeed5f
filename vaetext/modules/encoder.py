"""The recurrent encoder: a sequence of symbols as one vector of features."""

import torch
from torch import Tensor, nn

from vaetext.data.batch import Batch
from vaetext.modules.recurrent import Recurrent, features


class Encoder(nn.Module):
    """Reads the words of a sequence, EOS left out (source 000, authors' code), and gives [B, features].

    Args:
        pooling: "final", the last layer's final state ([h; c] of an LSTM); "max", the maximum of its outputs over steps.
    """

    def __init__(self, cell: str, vocabulary: int, embedding_dim: int, hidden: int, layers: int, bidirectional: bool, pooling: str) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding_dim)
        self.rnn = Recurrent(cell, embedding_dim, hidden, layers, bidirectional)
        self.pooling = pooling
        self.features = self.rnn.state_size if pooling == "final" else hidden * self.rnn.directions

    def forward(self, batch: Batch) -> Tensor:
        """[B, features]; a sequence without words gives the zero state."""
        return self.read(self.embedding(batch.tokens), batch.word_mask)

    def read(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """[B, features] of embedded words [B, T, E], ``mask`` [B, T] true at words."""
        outputs, final = self.rnn(embedded, mask=mask)
        if self.pooling == "final":
            return features(final[-1])
        return max_pool(outputs, mask)


def max_pool(outputs: Tensor, mask: Tensor) -> Tensor:
    """[B, F] maximum of outputs [B, T, F] over the steps that ``mask`` [B, T] calls real; zeros where there is none."""
    lowest = torch.finfo(outputs.dtype).min
    return outputs.masked_fill(~mask[..., None], lowest).amax(1) * mask.any(1, keepdim=True)
