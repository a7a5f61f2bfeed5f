"""Where and how a run computes."""

import os
from contextlib import AbstractContextManager

import torch


def choose(name: str) -> torch.device:
    """The device that ``trainer.device`` names; auto takes the first GPU where there is one.

    Raises:
        ValueError: the name is none of auto, cpu, cuda, cuda:N, or that GPU is absent.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
        raise ValueError(f"trainer.device={name!r} is none of auto, cpu, cuda, cuda:N")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise ValueError(f"trainer.device={name}: this machine has {torch.cuda.device_count()} GPUs; use trainer.device=auto or cpu")
    return torch.device(name)


def use_threads(count: int) -> None:
    """Sets torch's CPU threads; 0 takes every core this process may use (OMP_NUM_THREADS, where set, wins)."""
    cores = int(os.environ.get("OMP_NUM_THREADS") or 0) or len(os.sched_getaffinity(0))
    torch.set_num_threads(count or cores)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Matrix products in bf16, weights and sums in float32; or nothing at fp32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
