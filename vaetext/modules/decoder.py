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
    """A decoder between two symbols.

    Attributes:
        layers: each layer's state.
        context: what inputs see besides the symbol: [rows, C], all the same; [rows, S, C], one for each of the S positions that are
            left; or None.
        memory: [rows, N, F] a map that the outputs attend to, or None.
    """

    layers: list[Tensor]
    context: Tensor | None = None
    memory: Tensor | None = None


def positions(context: Tensor | None) -> int | None:
    """S of a context [rows, S, C]; None where one context serves any number of steps."""
    return None if context is None or context.dim() == 2 else context.shape[1]


class Decoder(nn.Module):
    """p(x|state, context) = prod_t p(x_t|h_t), h_t = RNN(h_{t-1}, [embed(x_{t-1}); context_t]), with the domain's output law.

    A context of N positions, [rows, N, C], bounds the length: there x_N = EOS with probability 1, so that the law sums to one over all
    sequences of at most N symbols.

    Args:
        config: sizes, cell and dropout.
        domain: what x is made of.
        context: features that every input sees besides x_{t-1}.
        attention: what each output h_t passes through, with a memory, before the output layer.
    """

    def __init__(
        self,
        config: RecurrentConfig,
        domain: Domain,
        context: int = 0,
        attention: Attention | None = None,
    ) -> None:
        super().__init__()
        self.size, self.tied, self.attention = domain.size, config.tied, attention
        self.embedding = embedding(domain, config.embedding_dim, start=True)
        if config.tied and isinstance(
            self.embedding, nn.Embedding
        ):  # its rows are output weights: those of a linear layer
            nn.init.uniform_(
                self.embedding.weight, -(config.embedding_dim**-0.5), config.embedding_dim**-0.5
            )
        self.rnn = Recurrent(
            config.cell, config.embedding_dim + context, config.hidden_dim, config.layers
        )
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
        rows, length = samples * len(batch), batch.x.shape[1]
        embedded = (
            self.embedding(batch.inputs).expand(samples, -1, -1, -1).reshape(rows, length, -1)
        )
        outputs, _ = self.rnn(self._steps(embedded, context), layers)
        hidden = self.project(self.output_dropout(self._attend(outputs, memory)))
        return self.output.log_px(batch, samples, hidden, positions(context), self._table())

    def step(self, state: DecoderState, token: Tensor) -> tuple[Distribution, DecoderState]:
        """Feeds a symbol [rows] or frame [rows, F]; returns the law of the next one and the new state."""
        steps = self._steps(self.embedding(token)[:, None], state.context)
        outputs, layers = self.rnn(steps, state.layers)
        hidden = self.project(self._attend(outputs, state.memory)[:, 0])
        left, context = positions(state.context), state.context
        following = context if context is None or left is None else context[:, 1:]
        return self.output.distribution(hidden, left == 1, self._table()), DecoderState(
            layers, following, state.memory
        )

    def select(self, state: DecoderState, index: Tensor) -> DecoderState:
        """The rows ``index`` of a state."""
        context = None if state.context is None else state.context[index]
        memory = None if state.memory is None else state.memory[index]
        return DecoderState([layer[:, index] for layer in state.layers], context, memory)

    def _table(self) -> Tensor | None:
        """The weights [V, E] that the output layer shares, if it does: the embedding's, without the row that starts a sequence."""
        if not self.tied:
            return None
        assert isinstance(self.embedding, nn.Embedding)
        return self.embedding.weight[: self.size]

    def _attend(self, outputs: Tensor, memory: Tensor | None) -> Tensor:
        return (
            outputs if self.attention is None or memory is None else self.attention(outputs, memory)
        )  # type: ignore[no-any-return]

    def _steps(self, embedded: Tensor, context: Tensor | None) -> Tensor:
        embedded = self.input_dropout(embedded)
        if context is None:
            return embedded
        length = embedded.shape[1]
        steps = (
            context[:, None].expand(-1, length, -1)
            if positions(context) is None
            else context[:, :length]
        )
        return torch.cat([embedded, steps], -1)
