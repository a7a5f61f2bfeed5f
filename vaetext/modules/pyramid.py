"""The pyramid encoder: bidirectional layers, each at half the time resolution of the one below."""

from torch import Tensor, nn

from vaetext.modules.recurrent import Recurrent


class Pyramid(nn.Module):
    """h^l_n = BiRNN(h^l_{n-1}, [h^{l-1}_{2n}; h^{l-1}_{2n+1}]) (Chien and Wang; Chan et al. 2016).

    T steps become ceil(T / 2^layers) frames. An odd length is padded with one masked step of
    zeros, so padding of the batch changes no frame.

    Args:
        cell: "lstm" or "gru".
        inputs: features of each step.
        hidden: units of each layer and direction.
        layers: of the pyramid.
    """

    def __init__(self, cell: str, inputs: int, hidden: int, layers: int = 3) -> None:
        super().__init__()
        sizes = [inputs] + [2 * hidden] * (layers - 1)
        self.rnns = nn.ModuleList(
            Recurrent(cell, 2 * size, hidden, bidirectional=True) for size in sizes
        )
        self.features = 2 * hidden

    def forward(self, steps: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Runs all layers.

        Args:
            steps: [B, T, inputs].
            mask: [B, T], true at real steps.

        Returns:
            Frames [B, N, features], zero where masked, and their mask [B, N].
        """
        steps = steps * mask[..., None]
        for rnn in self.rnns:
            steps, mask = pairs(steps, mask)
            steps, _ = rnn(steps, mask=mask)
        return steps, mask


def pairs(steps: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Neighbours concatenated, [B, T, F] -> [B, ceil(T / 2), 2 F], real where either step is."""
    odd = steps.shape[1] % 2
    steps = nn.functional.pad(steps, (0, 0, 0, odd))
    mask = nn.functional.pad(mask, (0, odd))
    count = steps.shape[1] // 2
    return steps.reshape(len(steps), count, -1), mask.reshape(len(mask), count, 2).any(2)
