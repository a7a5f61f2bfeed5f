"""Optimizers, and the norm that gradients are clipped by."""

from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from vaetext.config.trainer import Trainer
from vaetext.models.base import SequenceModel
from vaetext.parallel.ranks import Ranks
from vaetext.training.modules import check_module, freeze_others, within


def make_optimizer(config: Trainer, model: SequenceModel) -> torch.optim.Optimizer:
    """Adam, AdamW or SGD over ``train_modules``, one fused kernel a step and learning rate.

    The parameters of other modules have no gradient from here on.

    Raises:
        ValueError: ``lr_scales`` or ``train_modules`` names a module that the model lacks.
    """
    freeze_others(config.train_modules, model)
    groups = _groups(config.lr_scales, model)
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.lr, weight_decay=config.weight_decay, fused=True)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(
        groups,
        lr=config.lr,
        betas=(config.betas[0], config.betas[1]),
        eps=config.eps,
        weight_decay=config.weight_decay,
        fused=True,
    )


def _groups(scales: dict[str, float], model: SequenceModel) -> list[dict[str, Any]]:
    """Trained parameters in the model's order, those of one multiple of the rate together."""
    named = {name: each for name, each in model.named_parameters() if each.requires_grad}
    for module in scales:
        check_module(module, named, f"trainer.lr_scales={scales}: what is trained of this model")

    def scale(name: str) -> float:
        inner = [module for module in scales if within(name, module)]
        return scales[max(inner, key=len)] if inner else 1.0

    return [
        {"params": [named[name] for name in names], "lr_scale": each}
        for each, names in groupby(named, scale)
    ]


def prepare(optimizer: torch.optim.Optimizer, rate: float, clip: float, ranks: Ranks) -> Tensor:
    """Adds up gradients over processes, and sets what the next step uses; returns their norm.

    Args:
        rate: learning rate, of which a group of parameters takes its multiple.
        clip: largest norm of all gradients together; 0 does not clip.
        ranks: the processes that share each batch.
    """
    parameters = []
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_scale"]
        parameters += group["params"]
    ranks.add_gradients(parameters)
    norm = total_norm([each.grad for each in parameters if each.grad is not None])
    if clip:
        # the fused kernel divides gradients by it as it reads them: one pass over memory less
        optimizer.grad_scale = (norm / clip).clamp(min=1.0)  # type: ignore[attr-defined]
    return norm


def total_norm(gradients: list[Tensor]) -> Tensor:
    """[] the Euclidean norm of all gradients together.

    On a CPU by products of vectors, which is twice as fast as norms.
    """
    if gradients[0].is_cuda:  # two kernels in place of one for each gradient
        return torch.nn.utils.get_total_norm(gradients)
    flat = [gradient.flatten() for gradient in gradients]
    return torch.stack([each.dot(each) for each in flat]).sum().sqrt()
