"""One step of an LSTM or a GRU whose input is known in part before the steps begin."""

import torch
from torch import Tensor, nn

from vaetext.distributions.state import State

GATES = {"lstm": 4, "gru": 3}


class Cell(nn.Module):
    """h_t = f([a_t; b_t], h_{t-1}), the share of a_t in the gates computed for all steps at once.

    The equations and initial weights are those of ``torch.nn.LSTMCell`` and ``GRUCell``. The state
    has the leaves ``h``, and ``c`` of an LSTM, [K, B, H].

    Args:
        cell: "lstm" (Hochreiter and Schmidhuber 1997) or "gru" (Cho et al. 2014).
        known: features of a_t.
        drawn: features of b_t, known at step t only.
        hidden: H.
    """

    def __init__(self, cell: str, known: int, drawn: int, hidden: int) -> None:
        super().__init__()
        self.cell = cell
        self.hidden = hidden
        gates = GATES[cell] * hidden
        self.known = nn.Linear(known, gates)
        self.drawn = nn.Linear(drawn, gates, bias=False)
        self.recurrent = nn.Linear(hidden, gates, bias=cell == "gru")
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(hidden**-0.5), hidden**-0.5)

    def initial(self) -> State:
        """Zeros, leaves [1, 1, H]."""
        zeros = self.drawn.weight.new_zeros(1, 1, self.hidden)
        return {"h": zeros, "c": zeros} if self.cell == "lstm" else {"h": zeros}

    def read(self, known: Tensor) -> Tensor:
        """[..., gates] the share of a_t, of any number of steps."""
        return self.known(known)  # type: ignore[no-any-return]

    def forward(self, read: Tensor, drawn: Tensor, state: State) -> State:
        """The state after one step.

        Args:
            read: [B, gates] or [K, B, gates], what ``read`` gave.
            drawn: b_t [K, B, drawn].
            state: before.
        """
        gates = read + self.drawn(drawn)
        recurrent = self.recurrent(state["h"])
        if self.cell == "lstm":
            return _lstm(gates + recurrent, state["c"])
        return _gru(gates, recurrent, state["h"])


def _lstm(gates: Tensor, c: Tensor) -> State:
    sigmoids, candidate, output = gates.tensor_split([2 * c.shape[-1], 3 * c.shape[-1]], -1)
    write, keep = sigmoids.sigmoid().chunk(2, -1)
    c = keep * c + write * candidate.tanh()
    return {"h": output.sigmoid() * c.tanh(), "c": c}


def _gru(gates: Tensor, recurrent: Tensor, h: Tensor) -> State:
    size = 2 * h.shape[-1]
    reset, update = (gates[..., :size] + recurrent[..., :size]).sigmoid().chunk(2, -1)
    candidate = (gates[..., size:] + reset * recurrent[..., size:]).tanh()
    # the state stays in float32 where matrix products run in bf16
    return {"h": torch.lerp(candidate.to(h.dtype), h, update.to(h.dtype))}
