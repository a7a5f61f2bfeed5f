"""The law of a position given a network's features h: a softmax over symbols, or a Gaussian over frames."""

import torch
from torch import Tensor, nn

from vaetext.data.batch import Batch
from vaetext.data.domain import Domain, Frames, Symbols
from vaetext.distributions.gaussian import Gaussian
from vaetext.modules.softmax import certain, sequence_log_prob

LEAST_DEVIATION = 1e-4


class TokenOutput(nn.Module):
    """p(x_t|h_t) = softmax(W h_t + b).

    Args:
        symbols: V of them.
        features: of h.
        tied: the weights are given with each call.
    """

    def __init__(self, symbols: Symbols, features: int, tied: bool = False) -> None:
        super().__init__()
        self.eos = symbols.eos
        self.weight = None if tied else nn.Parameter(torch.empty(symbols.size, features))
        self.bias = nn.Parameter(torch.zeros(symbols.size))
        if self.weight is not None:
            nn.init.uniform_(self.weight, -(features**-0.5), features**-0.5)

    def log_px(
        self,
        batch: Batch,
        samples: int,
        hidden: Tensor,
        limit: int | None = None,
        weight: Tensor | None = None,
    ) -> Tensor:
        """[K, B] log p(x), nats per sequence, EOS counted.

        Args:
            batch: B sequences, padded to T.
            samples: K.
            hidden: [K * B, T, H].
            limit: most symbols of a sequence, if there is such a limit: there EOS is certain.
            weight: [V, H] where it is tied.
        """
        return sequence_log_prob(batch, samples, hidden, self._weight(weight), self.bias, limit)

    def distribution(
        self, hidden: Tensor, last: bool = False, weight: Tensor | None = None
    ) -> Tensor:
        """log p(x_t) [rows, V] of features [rows, H]; at the ``last`` position there is, EOS is certain."""
        logits = nn.functional.linear(hidden, self._weight(weight), self.bias)
        return certain(logits, self.eos) if last else logits.log_softmax(-1)

    def _weight(self, given: Tensor | None) -> Tensor:
        chosen = given if self.weight is None else self.weight
        assert chosen is not None
        return chosen


class FrameOutput(nn.Module):
    """p(x_t|h_t) = N(x_t; mean(h_t), diag(std(h_t)^2)), std = softplus + 1e-4 (source 002's floor), of F numbers.

    Args:
        frames: their size F.
        features: of h.
        tied: shares the embedding of symbols, which frames have not.

    Raises:
        ValueError: it is to be tied.
    """

    def __init__(self, frames: Frames, features: int, tied: bool = False) -> None:
        super().__init__()
        if tied:
            raise ValueError(
                "model.tied=true shares the symbols' embedding, which frames of real numbers have not; set model.tied=false"
            )
        self.linear = nn.Linear(features, 2 * frames.size)

    def log_px(
        self,
        batch: Batch,
        samples: int,
        hidden: Tensor,
        limit: int | None = None,
        weight: Tensor | None = None,
    ) -> Tensor:
        """[K, B] log p(x | its length), nats per sequence, of features [K * B, T, H]; the rest is for symbols only."""
        log_prob = self.distribution(
            hidden.reshape(samples, len(batch), *hidden.shape[1:])
        ).log_prob(batch.x)
        return (log_prob * batch.mask).sum(2)

    def distribution(
        self, hidden: Tensor, last: bool = False, weight: Tensor | None = None
    ) -> Gaussian:
        """The law [..., F] of the frame at features [..., H]."""
        with torch.autocast(
            hidden.device.type, enabled=False
        ):  # a mean in bf16 would be rounded by more than little noise
            mean, spread = self.linear(hidden.to(self.linear.weight.dtype)).chunk(2, -1)
        return Gaussian(mean, 2 * (nn.functional.softplus(spread) + LEAST_DEVIATION).log())


Distribution = (
    Tensor | Gaussian
)  # of the next position: log p of symbols [rows, V], or of a frame [rows, F]
Output = TokenOutput | FrameOutput


def output(domain: Domain, features: int, tied: bool = False) -> Output:
    """The output layer of a domain, for features [..., features].

    Raises:
        ValueError: that of frames is to be tied.
    """
    return (
        FrameOutput(domain, features, tied)
        if isinstance(domain, Frames)
        else TokenOutput(domain, features, tied)
    )
