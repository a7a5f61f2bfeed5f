"""Attention of decoder outputs over a map of codes."""

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """h'_t = tanh(W [h_t; sum_n a_tn v_n]), a_t = softmax_n(h_t k_n / sqrt(H)) (Luong et al. 2015, after the recurrence).

    Keys and values are linear in the map's positions, keys see each one's learned place too; every step of a sequence is computed at once.

    Args:
        hidden: H, features of the outputs.
        features: of each position of the map.
        positions: N, the map's fixed size.
    """

    def __init__(self, hidden: int, features: int, positions: int) -> None:
        super().__init__()
        self.place = nn.Parameter(0.1 * torch.randn(positions, features))
        self.keys, self.values = (
            nn.Linear(features, hidden, bias=False),
            nn.Linear(features, hidden),
        )
        self.merge = nn.Linear(2 * hidden, hidden)

    def forward(self, outputs: Tensor, memory: Tensor) -> Tensor:
        """outputs [rows, T, H] and memory [rows, N, features] -> [rows, T, H]."""
        placed = memory + self.place
        context = nn.functional.scaled_dot_product_attention(
            outputs, self.keys(placed), self.values(memory)
        )
        merged: Tensor = self.merge(torch.cat([outputs, context], -1)).tanh()
        return merged
