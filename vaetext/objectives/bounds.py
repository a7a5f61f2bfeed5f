"""Bounds on log p(x) from a model's evidence, at weight 1."""

import math

import torch
from torch import Tensor


def importance_nll(log_weight: Tensor) -> Tensor:
    """[B] IW-NLL(K) = log K - logsumexp_k log w_k (Burda et al. 2016), nats per sequence.

    Args:
        log_weight: [K, B] log w_k = log p(x, z_k) - log q(z_k|x).
    """
    return math.log(log_weight.shape[0]) - torch.logsumexp(log_weight, 0)
