"""p(x_t) given the features h_t of a network: a softmax over tokens, or a Gaussian over frames."""

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
        symbols: V of them, EOS among them.
        features: H.
        tied: whether W is passed with each call.
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
            hidden: h [K * B, T, H].
            limit: most tokens of a sequence; there EOS has probability 1. None for no limit.
            weight: W [V, H] where it is tied.
        """
        return sequence_log_prob(batch, samples, hidden, self._weight(weight), self.bias, limit)

    def distribution(
        self, hidden: Tensor, last: bool = False, weight: Tensor | None = None
    ) -> Tensor:
        """[rows, V] log p(x_t) of h [rows, H]; EOS has probability 1 at the ``last`` step."""
        logits = nn.functional.linear(hidden, self._weight(weight), self.bias)
        return certain(logits, self.eos) if last else logits.log_softmax(-1)

    def _weight(self, given: Tensor | None) -> Tensor:
        weight = given if self.weight is None else self.weight
        assert weight is not None
        return weight


class FrameOutput(nn.Module):
    """p(x_t|h_t) = N(x_t; mean(h_t), diag(std(h_t)^2)) over the F numbers of a frame.

    mean and raw are linear in h_t, std = softplus(raw) + 1e-4 (Arthi 2019 has the softplus; the
    floor is ours).

    Args:
        frames: their size F.
        features: H.
        tied: must be false.

    Raises:
        ValueError: ``tied`` is true; frames have no embedding table to share.
    """

    def __init__(self, frames: Frames, features: int, tied: bool = False) -> None:
        super().__init__()
        if tied:
            raise ValueError(
                "model.tied=true shares the embedding table of tokens, and this data is frames of "
                "real numbers; set model.tied=false"
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
        """[K, B] log p(x) given the length of x, nats per sequence.

        Args:
            batch: B sequences, padded to T.
            samples: K.
            hidden: h [K * B, T, H].
            limit: for tokens only.
            weight: for tokens only.
        """
        of_samples = hidden.reshape(samples, len(batch), *hidden.shape[1:])
        log_prob = self.distribution(of_samples).log_prob(batch.x)
        return (log_prob * batch.mask).sum(2)

    def distribution(
        self, hidden: Tensor, last: bool = False, weight: Tensor | None = None
    ) -> Gaussian:
        """p(x_t) over frames [..., F] of h [..., H]; the other arguments are for tokens only."""
        # in bf16 the error of a mean could exceed the deviation of the noise
        with torch.autocast(hidden.device.type, enabled=False):
            mean, raw = self.linear(hidden.to(self.linear.weight.dtype)).chunk(2, -1)
        return Gaussian(mean, 2 * (nn.functional.softplus(raw) + LEAST_DEVIATION).log())


# of the next step: log-probabilities of tokens [rows, V], or a Gaussian over a frame [rows, F]
Distribution = Tensor | Gaussian
Output = TokenOutput | FrameOutput


def output(domain: Domain, features: int, tied: bool = False) -> Output:
    """The output layer of a domain, for features [..., features].

    Raises:
        ValueError: that of frames is to be tied.
    """
    if isinstance(domain, Frames):
        return FrameOutput(domain, features, tied)
    assert isinstance(domain, Symbols)
    return TokenOutput(domain, features, tied)
