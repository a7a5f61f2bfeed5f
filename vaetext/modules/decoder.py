"""The autoregressive decoder of every recurrent model."""

import torch
from torch import Tensor, nn

from vaetext.config.model import Recurrent as RecurrentConfig
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain
from vaetext.distributions.distribution import Distribution
from vaetext.distributions.state import State
from vaetext.modules.attention import Attention
from vaetext.modules.dropout import Dropout, TypeDropout
from vaetext.modules.heads import make_head
from vaetext.modules.penalties import Penalties
from vaetext.modules.recurrent import Recurrent


class Decoder(nn.Module):
    """p(x|state, context) = prod_t p(x_t|h_t), h_t = RNN(h_{t-1}, [embed(x_{t-1}); context_t]).

    With a shift the output layer reads h_t + shift, where h_t is projected if the weights are tied.

    With a context for each of N steps the length is limited: x_N = EOS with probability 1, so that
    p(x) sums to one over all sequences of at most N tokens.

    Its state has the leaves ``x``, x_{t-1}; ``layer_0``, ..., [K, B, n, H] each; and where there
    is one, ``context`` [K, B, C] or ``contexts`` [K, B, S, C] of the S steps left, ``memory``
    [K, B, N, F] and ``shift`` [K, B, features].

    Attributes:
        features: size of what the output layer reads.

    Args:
        config: sizes, cell and dropout.
        domain: what x is made of.
        context: C, features concatenated to each embedded input; 0 for none.
        attention: applied to each output h_t and the memory, before the output layer.

    Raises:
        ValueError: ``model.tied`` or ``model.embedding_dropout`` with frames, which have no
            embedding table.
    """

    def __init__(
        self,
        config: RecurrentConfig,
        domain: Domain,
        context: int = 0,
        attention: Attention | None = None,
    ) -> None:
        super().__init__()
        self.domain = domain
        self.tied = config.tied
        self.attention = attention
        self.embedding = domain.embedding(config.embedding_dim, start=True)
        if config.tied and isinstance(self.embedding, nn.Embedding):
            # its rows are the output weights too, so they start as those of a linear layer do
            bound = config.embedding_dim**-0.5
            nn.init.uniform_(self.embedding.weight, -bound, bound)
        self.rnn = self._make_rnn(config, context)
        self.input_dropout = Dropout(config.dropout, config.locked_dropout)
        self.output_dropout = Dropout(config.output_dropout, config.locked_dropout)
        self.type_dropout = self._make_type_dropout(config.embedding_dropout)
        self.penalties = Penalties(config.activation_penalty, config.temporal_penalty)
        self.project: nn.Module = nn.Identity()
        self.features = config.embedding_dim if config.tied else config.hidden_dim
        if config.tied and config.hidden_dim != config.embedding_dim:
            self.project = nn.Linear(config.hidden_dim, config.embedding_dim, bias=False)
        self.head = make_head(domain, config.hidden_dim, tied=config.tied)

    def start(
        self,
        like: Tensor,
        layers: list[Tensor] | None = None,
        context: Tensor | None = None,
        memory: Tensor | None = None,
        shift: Tensor | None = None,
    ) -> State:
        """The state before the first step.

        Args:
            like: [K, B, ...], for sizes, device and precision.
            layers: initial state of each layer, [K, B, state_size]; None for zeros.
            context: [K, B, C], the same for every input; [K, B, N, C], one for each of N steps.
            memory: [K, B, N, F] a map that the outputs attend to.
            shift: [K, B, features] what is added to every output.
        """
        shape = like.shape[:2]
        if layers is None:
            layers = [like.new_zeros(*shape, self.rnn.state_size)] * len(self.rnn.layers)
        state = {
            f"layer_{n}": each.view(*shape, -1, self.rnn.hidden) for n, each in enumerate(layers)
        }
        state["x"] = self.domain.start(like, *shape)
        if context is not None:
            state["context" if context.dim() == 3 else "contexts"] = context
        if memory is not None:
            state["memory"] = memory
        if shift is not None:
            state["shift"] = shift
        return state

    def terms(self, batch: Batch, state: State) -> tuple[Tensor, dict[str, Tensor]]:
        """[K, B] log p(x|z), nats per sequence, EOS counted, and penalties of the outputs.

        Args:
            batch: B sequences.
            state: as ``start`` gives it.
        """
        limit = state["contexts"].shape[2] if "contexts" in state else None
        outputs, penalties = self.outputs(batch, state)
        return self.head.log_prob(outputs, batch, limit, self.table()), penalties

    def outputs(self, batch: Batch, state: State) -> tuple[Tensor, dict[str, Tensor]]:
        """[K, B, T, features] what the head reads, and penalties; arguments as above."""
        shape = state["x"].shape[:2]
        embedded = self.embedding(batch.inputs)
        if self.type_dropout is not None:
            embedded = self.type_dropout(embedded, batch.inputs)
        repeated = embedded.expand(shape[0], *embedded.shape).flatten(0, 1)
        flat, _ = self._run(repeated, state, self._lengths(batch, shape[0]))
        hidden = flat.unflatten(0, shape)  # type: ignore[no-untyped-call]
        dropped = self.output_dropout(flat).unflatten(0, shape)
        return self._read(dropped, state), self.penalties(hidden, dropped, batch)

    def emit(self, state: State) -> tuple[Distribution, State]:
        """p(x_t) after x_{t-1} = ``state["x"]``, and the state after that step."""
        hidden, state = self.step(state)
        last = "contexts" in state and state["contexts"].shape[2] == 0
        return self.head(hidden, last, self.table()), state

    def step(self, state: State) -> tuple[Tensor, State]:
        """[K, B, features] what the head reads after x_{t-1} = ``state["x"]``, and the state."""
        shape = state["x"].shape[:2]
        hidden, state = self._run(self.embedding(state["x"]).flatten(0, 1)[:, None], state)
        return self._read(hidden.unflatten(0, shape), state)[:, :, 0], state  # type: ignore[no-untyped-call]

    def table(self) -> Tensor | None:
        """Weights [V, E] that a tied output layer shares: all embeddings but that of BOS."""
        if not self.tied:
            return None
        assert isinstance(self.embedding, nn.Embedding)
        return self.embedding.weight[: self.domain.size]

    def _read(self, outputs: Tensor, state: State) -> Tensor:
        """What the head reads [K, B, T, features] of the outputs [K, B, T, H] of T steps."""
        read: Tensor = self.project(outputs)
        return read + state["shift"][:, :, None] if "shift" in state else read

    def _make_type_dropout(self, rate: float) -> TypeDropout | None:
        if not rate:
            return None
        if not isinstance(self.embedding, nn.Embedding):
            raise ValueError(
                f"model.embedding_dropout={rate}: frames are of no types that could be dropped; set"
                " model.embedding_dropout=0"
            )
        return TypeDropout(rate, self.embedding.num_embeddings)

    def _make_rnn(self, config: RecurrentConfig, context: int) -> Recurrent:
        inputs = config.embedding_dim + context
        return Recurrent(
            config.cell,
            inputs,
            config.hidden_dim,
            config.layers,
            weight_drop=config.weight_drop,
        )

    def _lengths(self, batch: Batch, samples: int) -> list[int] | None:
        """[B] the steps of each row, where the recurrent layers may leave out rows that have ended.

        On a GPU they would have to be waited for, and rows of several samples do not ascend.
        """
        return None if samples > 1 or batch.x.is_cuda else batch.lengths.tolist()

    def _run(
        self, embedded: Tensor, state: State, lengths: list[int] | None = None
    ) -> tuple[Tensor, State]:
        """Outputs [K * B, T, H] of embedded inputs [K * B, T, E], and the state after them.

        Args:
            embedded: without dropout.
            state: before the first step.
            lengths: [B] real steps of each row, where there is one sample.
        """
        inputs = self.input_dropout(embedded)
        steps = embedded.shape[1]
        if "context" in state:
            context = state["context"].flatten(0, 1)[:, None].expand(-1, steps, -1)
            inputs = torch.cat([inputs, context], -1)
        if "contexts" in state:
            inputs = torch.cat([inputs, state["contexts"][:, :, :steps].flatten(0, 1)], -1)
            state = {**state, "contexts": state["contexts"][:, :, steps:]}
        outputs, after = self.rnn(inputs, self._layers(state), lengths=lengths)
        if self.attention is not None:
            outputs = self.attention(outputs, state["memory"].flatten(0, 1))
        return outputs, self._with_layers(state, after)

    def _layers(self, state: State) -> list[Tensor]:
        """The state of each layer as the RNN takes it, [n, K * B, H]."""
        names = [f"layer_{n}" for n in range(len(self.rnn.layers))]
        return [state[name].flatten(0, 1).transpose(0, 1) for name in names]

    def _with_layers(self, state: State, layers: list[Tensor]) -> State:
        """The state with what ``_layers`` gives replaced."""
        shape = state["x"].shape[:2]
        named = {
            f"layer_{n}": each.transpose(0, 1).unflatten(0, shape)  # type: ignore[no-untyped-call]
            for n, each in enumerate(layers)
        }
        return {**state, **named}
