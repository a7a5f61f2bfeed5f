"""Attention of decoder outputs over a map of latents."""

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """h'_t = tanh(W [h_t; sum_n a_tn v_n]), a_t = softmax_n(h_t k_n / sqrt(H)) (Luong et al. 2015).

    Attention follows the recurrence, so all steps of a sequence are computed at once. Keys k_n and
    values v_n are linear in position n of the map; keys see a learned embedding of n too.

    Args:
        hidden: H, features of each output.
        features: of each position of the map.
        positions: N, the fixed size of the map.
    """

    def __init__(self, hidden: int, features: int, positions: int) -> None:
        super().__init__()
        self.position_embedding = nn.Parameter(0.1 * torch.randn(positions, features))
        self.keys = nn.Linear(features, hidden, bias=False)
        self.values = nn.Linear(features, hidden)
        self.merge = nn.Linear(2 * hidden, hidden)

    def forward(self, outputs: Tensor, memory: Tensor) -> Tensor:
        """outputs h [rows, T, H] and the map [rows, N, features] -> h' [rows, T, H]."""
        keys = self.keys(memory + self.position_embedding)
        context = nn.functional.scaled_dot_product_attention(outputs, keys, self.values(memory))
        merged: Tensor = self.merge(torch.cat([outputs, context], -1)).tanh()
        return merged
