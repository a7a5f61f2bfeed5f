"""The autoregressive decoder of every recurrent model."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vaetext.config.model import Recurrent as RecurrentConfig
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.modules.attention import Attention
from vaetext.modules.dropout import Dropout
from vaetext.modules.embedding import embedding
from vaetext.modules.output import Distribution, output
from vaetext.modules.recurrent import Recurrent


@dataclass(frozen=True)
class DecoderState:
    """The state of a decoder between two steps.

    Attributes:
        layers: the state of each recurrent layer.
        context: what is concatenated to each input: [rows, C], the same at every step;
            [rows, S, C], one for each of the S steps left; or None.
        memory: [rows, N, F] a map that the outputs attend to, or None.
    """

    layers: list[Tensor]
    context: Tensor | None = None
    memory: Tensor | None = None


def steps_left(context: Tensor | None) -> int | None:
    """S of a context [rows, S, C]; None where the number of steps has no limit."""
    return None if context is None or context.dim() == 2 else context.shape[1]


class Decoder(nn.Module):
    """p(x|state, context) = prod_t p(x_t|h_t), h_t = RNN(h_{t-1}, [embed(x_{t-1}); context_t]).

    A context of N steps, [rows, N, C], limits the length: x_N = EOS with probability 1, so that
    p(x) sums to one over all sequences of at most N tokens.

    Args:
        config: sizes, cell and dropout.
        domain: what x is made of.
        context: C, features concatenated to each embedded input; 0 for none.
        attention: applied to each output h_t and the memory, before the output layer.

    Raises:
        ValueError: ``model.tied`` with frames, which have no embedding table.
    """

    def __init__(
        self,
        config: RecurrentConfig,
        domain: Domain,
        context: int = 0,
        attention: Attention | None = None,
    ) -> None:
        super().__init__()
        self.size = domain.size
        self.tied = config.tied
        self.attention = attention
        self.embedding = embedding(domain, config.embedding_dim, start=True)
        if config.tied and isinstance(self.embedding, nn.Embedding):
            # its rows are the output weights too, so they start as those of a linear layer do
            bound = config.embedding_dim**-0.5
            nn.init.uniform_(self.embedding.weight, -bound, bound)
        inputs = config.embedding_dim + context
        self.rnn = Recurrent(config.cell, inputs, config.hidden_dim, config.layers)
        self.input_dropout = Dropout(config.dropout, config.locked_dropout)
        self.output_dropout = Dropout(config.output_dropout, config.locked_dropout)
        self.project: nn.Module = nn.Identity()
        if config.tied and config.hidden_dim != config.embedding_dim:
            self.project = nn.Linear(config.hidden_dim, config.embedding_dim, bias=False)
        self.output = output(domain, config.hidden_dim, config.tied)

    def log_px(
        self,
        batch: Batch,
        samples: int,
        layers: list[Tensor] | None,
        context: Tensor | None,
        memory: Tensor | None = None,
    ) -> Tensor:
        """[K, B] log p(x|z), nats per sequence, EOS counted.

        Args:
            batch: B sequences.
            samples: K.
            layers: initial state of each layer for K * B rows, or None for zeros.
            context: [K * B, C], [K * B, N, C] or None.
            memory: [K * B, N, F] or None.
        """
        rows = samples * len(batch)
        length = batch.x.shape[1]
        repeated = self.embedding(batch.inputs).expand(samples, -1, -1, -1)
        embedded = repeated.reshape(rows, length, -1)
        outputs, _ = self.rnn(self._inputs(embedded, context), layers)
        hidden = self.project(self.output_dropout(self._attend(outputs, memory)))
        return self.output.log_px(batch, samples, hidden, steps_left(context), self._table())

    def step(self, state: DecoderState, token: Tensor) -> tuple[Distribution, DecoderState]:
        """Feeds x_{t-1}, tokens [rows] or frames [rows, F]; returns p(x_t) and the new state."""
        inputs = self._inputs(self.embedding(token)[:, None], state.context)
        outputs, layers = self.rnn(inputs, state.layers)
        hidden = self.project(self._attend(outputs, state.memory)[:, 0])
        left = steps_left(state.context)
        context = state.context
        if context is not None and left is not None:
            context = context[:, 1:]
        distribution = self.output.distribution(hidden, left == 1, self._table())
        return distribution, DecoderState(layers, context, state.memory)

    def select(self, state: DecoderState, index: Tensor) -> DecoderState:
        """The rows ``index`` of a state."""
        context = None if state.context is None else state.context[index]
        memory = None if state.memory is None else state.memory[index]
        return DecoderState([layer[:, index] for layer in state.layers], context, memory)

    def _table(self) -> Tensor | None:
        """Weights [V, E] that a tied output layer shares: all embeddings but that of BOS."""
        if not self.tied:
            return None
        assert isinstance(self.embedding, nn.Embedding)
        return self.embedding.weight[: self.size]

    def _attend(self, outputs: Tensor, memory: Tensor | None) -> Tensor:
        if self.attention is None or memory is None:
            return outputs
        return self.attention(outputs, memory)  # type: ignore[no-any-return]

    def _inputs(self, embedded: Tensor, context: Tensor | None) -> Tensor:
        """[rows, T, E + C]: the inputs after dropout, each with its context."""
        embedded = self.input_dropout(embedded)
        if context is None:
            return embedded
        length = embedded.shape[1]
        one_for_all = steps_left(context) is None
        steps = context[:, None].expand(-1, length, -1) if one_for_all else context[:, :length]
        return torch.cat([embedded, steps], -1)
