"""Attention before the recurrence: each step reads what the step before looks for."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vaetext.config.model import Recurrent as RecurrentConfig
from vaetext.data.domain import Domain
from vaetext.distributions.state import State
from vaetext.modules.decoder import Decoder
from vaetext.modules.recurrent import Recurrent


@dataclass(frozen=True)
class Memory:
    """What an RNN attends to.

    Attributes:
        values: v [rows, N, F].
        keys: W v [rows, N, A], made once for all steps.
        mask: [rows, N] true at real positions, at least one in each row.
    """

    values: Tensor
    keys: Tensor
    mask: Tensor

    def repeat(self, samples: int) -> "Memory":
        """The same memory for each of ``samples`` * rows."""
        if samples == 1:
            return self
        return Memory(
            self.values.repeat(samples, 1, 1),
            self.keys.repeat(samples, 1, 1),
            self.mask.repeat(samples, 1),
        )


class AdditiveAttention(nn.Module):
    """a = sum_n w_n v_n, w = softmax_n(u tanh(W v_n + U q)) (Bahdanau et al. 2015).

    Args:
        features: F, of each position of the memory.
        hidden: units of the hidden layer, and of a query q.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.keys = nn.Linear(features, hidden)
        self.query = nn.Linear(hidden, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)

    def memory(self, values: Tensor, mask: Tensor) -> Memory:
        """The memory of values [rows, N, F] that are real where ``mask`` [rows, N] is true."""
        return Memory(values, self.keys(values), mask)

    def forward(self, query: Tensor, memory: Memory) -> Tensor:
        """[rows, F] what queries [rows, hidden] read."""
        scores = self.score((memory.keys + self.query(query)[:, None]).tanh())[..., 0]
        weights = scores.masked_fill(~memory.mask, -torch.inf).softmax(-1)
        return torch.bmm(weights[:, None].to(memory.values.dtype), memory.values)[:, 0]


class AttentiveRNN(Recurrent):
    """d_i = RNN(d_{i-1}, [x_i; a_i]), a_i what the query h_{i-1} of the last layer reads.

    The query waits for the step before, so the steps are computed one after another.

    Args:
        cell: "lstm" or "gru".
        inputs: features of each x_i.
        features: of each position of the memory.
        hidden: units of each layer.
        layers: in the stack.
    """

    def __init__(self, cell: str, inputs: int, features: int, hidden: int, layers: int = 1) -> None:
        super().__init__(cell, inputs + features, hidden, layers)
        self.attention = AdditiveAttention(features, hidden)

    def step(
        self, inputs: Tensor, state: list[Tensor], memory: Memory
    ) -> tuple[Tensor, list[Tensor]]:
        """Outputs [rows, hidden] and the state after one step.

        Args:
            inputs: x_i [rows, inputs].
            state: of each layer, shaped as by ``initial``.
            memory: as the attention makes it.
        """
        read = self.attention(state[-1][0], memory)
        outputs, state = self(torch.cat([inputs, read], -1)[:, None], state)
        return outputs[:, 0], state


class AttentiveDecoder(Decoder):
    """A decoder that attends to a memory of any length before each step.

    p(x_t|d_t) is read from d_t through a hidden layer, tanh(W d_t). Its state has the leaves
    ``memory`` [K, B, N, F] and ``memory_mask`` [K, B, N] besides those of ``Decoder``.

    Args:
        config: sizes, cell and dropout.
        domain: what x is made of.
        features: F, of each position of the memory.
    """

    rnn: AttentiveRNN

    def __init__(self, config: RecurrentConfig, domain: Domain, features: int) -> None:
        super().__init__(config, domain, features)
        self.hidden = nn.Linear(config.hidden_dim, config.hidden_dim)

    def _make_rnn(self, config: RecurrentConfig, context: int) -> Recurrent:
        sizes = (config.embedding_dim, context, config.hidden_dim, config.layers)
        return AttentiveRNN(config.cell, *sizes)

    def _run(
        self, embedded: Tensor, state: State, lengths: list[int] | None = None
    ) -> tuple[Tensor, State]:
        memory = self.rnn.attention.memory(
            state["memory"].flatten(0, 1), state["memory_mask"].flatten(0, 1)
        )
        layers = self._layers(state)
        outputs = []
        for inputs in self.input_dropout(embedded).unbind(1):
            output, layers = self.rnn.step(inputs, layers, memory)
            outputs.append(output)
        return self.hidden(torch.stack(outputs, 1)).tanh(), self._with_layers(state, layers)
