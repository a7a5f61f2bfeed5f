"""The autoregressive decoder of every recurrent text model."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vaetext.config.model import Recurrent as RecurrentConfig
from vaetext.data.batch import Batch
from vaetext.modules.dropout import Dropout
from vaetext.modules.recurrent import Recurrent
from vaetext.modules.softmax import symbol_log_prob


@dataclass(frozen=True)
class DecoderState:
    """A decoder between two symbols.

    Attributes:
        layers: each layer's state.
        context: what inputs see besides the symbol: [rows, C] all of them, [rows, P, C] each of the next P (the last for ever), or None.
    """

    layers: list[Tensor]
    context: Tensor | None


class Decoder(nn.Module):
    """p(x|state, context) = prod_t softmax(W h_t + b)[x_t], h_t = RNN(h_{t-1}, [embed(x_{t-1}); context]).

    Args:
        config: sizes, cell and dropout.
        vocabulary: V symbols that can be predicted; the embedding has one row more, for the start of a sequence.
        context: features that every input sees besides the symbol.
    """

    def __init__(self, config: RecurrentConfig, vocabulary: int, context: int = 0) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.embedding = nn.Embedding(vocabulary + 1, config.embedding_dim)
        self.rnn = Recurrent(config.cell, config.embedding_dim + context, config.hidden_dim, config.layers)
        self.input_dropout = Dropout(config.dropout, config.locked_dropout)
        self.output_dropout = Dropout(config.output_dropout, config.locked_dropout)
        self.project: nn.Module = nn.Identity()
        if config.tied and config.hidden_dim != config.embedding_dim:
            self.project = nn.Linear(config.hidden_dim, config.embedding_dim, bias=False)
        self.weight = None if config.tied else nn.Parameter(torch.empty(vocabulary, config.hidden_dim))
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        if self.weight is not None:
            nn.init.uniform_(self.weight, -(config.hidden_dim**-0.5), config.hidden_dim**-0.5)

    @property
    def output_weight(self) -> Tensor:
        """[V, H] (tied: [V, E])."""
        return self.embedding.weight[: self.vocabulary] if self.weight is None else self.weight

    def log_px(self, batch: Batch, samples: int, layers: list[Tensor] | None, context: Tensor | None) -> Tensor:
        """[K, B] log p(x|z), nats per sequence, EOS counted.

        Args:
            batch: B sequences.
            samples: K.
            layers: initial state of each layer for K * B rows, or None for zeros.
            context: [K * B, C], [K * B, P, C] with P >= T, or None.
        """
        rows, length = samples * len(batch), batch.tokens.shape[1]
        embedded = self.embedding(batch.inputs).expand(samples, -1, -1, -1).reshape(rows, length, -1)
        outputs, _ = self.rnn(self._steps(embedded, context), layers)
        hidden = self.project(self.output_dropout(outputs)).reshape(samples, len(batch) * length, -1)
        real = hidden.index_select(1, batch.positions).flatten(0, 1)
        symbols = batch.tokens.flatten().index_select(0, batch.positions).repeat(samples)
        picked = symbol_log_prob(real, self.output_weight, self.bias, symbols).view(samples, -1)
        spread = picked.new_zeros(samples, len(batch) * length).index_copy(1, batch.positions, picked)
        return spread.view(samples, len(batch), length).sum(2)

    def step(self, state: DecoderState, token: Tensor) -> tuple[Tensor, DecoderState]:
        """Feeds token [rows]; returns log p of the next symbol [rows, V] and the new state."""
        steps = self._steps(self.embedding(token)[:, None], state.context)
        outputs, layers = self.rnn(steps, state.layers)
        logits = nn.functional.linear(self.project(outputs[:, 0]), self.output_weight, self.bias)
        return logits.log_softmax(-1), DecoderState(layers, _later(state.context))

    def select(self, state: DecoderState, index: Tensor) -> DecoderState:
        """The rows ``index`` of a state."""
        context = None if state.context is None else state.context[index]
        return DecoderState([layer[:, index] for layer in state.layers], context)

    def _steps(self, embedded: Tensor, context: Tensor | None) -> Tensor:
        embedded = self.input_dropout(embedded)
        if context is None:
            return embedded
        seen = context[:, None].expand(-1, embedded.shape[1], -1) if context.dim() == 2 else context[:, : embedded.shape[1]]
        return torch.cat([embedded, seen], -1)


def _later(context: Tensor | None) -> Tensor | None:
    """What is left of a context once its first position has been read."""
    return context[:, 1:] if context is not None and context.dim() == 3 and context.shape[1] > 1 else context
