"""The device, threads and precision that a run computes with."""

import os
import re
from contextlib import AbstractContextManager

import torch

NAME = re.compile(r"cpu|cuda(:[0-9]{1,3})?")


def choose(name: str, key: str = "trainer.device") -> torch.device:
    """The device that the option ``key`` names; auto takes the first GPU where there is one.

    On a GPU float32 means float32, not TF32.

    Raises:
        ValueError: the name is not one of auto, cpu, cuda, cuda:N, or there is no such GPU.
    """
    torch.backends.cudnn.allow_tf32 = False  # it is off for matrix products by default
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not NAME.fullmatch(name):
        raise ValueError(f"{key}={name!r}: choose from auto, cpu, cuda, cuda:N")
    if name != "cpu" and int(name[5:] or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"{key}={name}: this machine has {torch.cuda.device_count()} GPUs; set {key}=auto or"
            f" {key}=cpu"
        )
    return torch.device(name)


def bf16_supported(device: torch.device) -> bool:
    """Whether every layer has a bf16 kernel; on a CPU recurrent ones need AVX512 or AMX."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def check_precision(precision: str, device: torch.device) -> None:
    """Checks that this machine can train at ``trainer.precision``.

    Raises:
        ValueError: it is bf16, and the device lacks the instructions.
    """
    if precision == "bf16" and not bf16_supported(device):
        kind = (
            "GPU"
            if device.type == "cuda"
            else f"CPU ({torch.backends.cpu.get_cpu_capability()}, no AVX512 or AMX)"
        )
        raise ValueError(
            f"trainer.precision=bf16: this {kind} has no bf16 kernels for recurrent layers; set"
            " trainer.precision=fp32"
        )


def use_threads(count: int, processes: int = 1) -> None:
    """Sets torch's CPU threads.

    Args:
        count: 0 takes OMP_NUM_THREADS (its first number) where it is set, and else every core that
            this process may use.
        processes: that share those.
    """
    given = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    cores = int(given) if given.isdecimal() else 0
    found = cores or len(os.sched_getaffinity(0))
    torch.set_num_threads(count or max(1, found // processes))


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Matrix products in bf16, weights and sums in float32; or nothing at fp32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
