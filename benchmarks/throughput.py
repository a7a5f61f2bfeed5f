"""Training throughput on PTB: real tokens per second, peak memory, share of the matrix rate.

    python benchmarks/throughput.py                      every case, each in its own process
    python benchmarks/throughput.py model=vrae trainer.precision=bf16 trainer.length_pool=64    one

Models have the sizes of Chien and Wang, or of Petersen where theirs is the model. Every case is
measured twice: in the shuffled batches of `trainer=paper` (`length_pool` 1), and in batches of like
length (64), which pad less. Padding is not counted as tokens.

The share is (operations of the model) / (seconds) / (rate of a 2048 x 2048 matrix product in the
same precision). The rate is measured before every block of steps, and both are means, so that other
work on the machine slows both alike. The table has the median over blocks, the lowest and the
highest. Operations: 6 per weight of every matrix that a token passes (2 forward, 4 backward). Times
are after a first pass over the same batches, since kernels are made once for each length: the first
epoch of a run is slower.
Convolutions pass positions, and a latent sequence has a length of its own: these models have no
share, but a speed beside vrae's.
"""

import math
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from vaetext.config.models import MODELS
from vaetext.config.store import register
from vaetext.config.train import TrainConfig
from vaetext.data import corpora
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build
from vaetext.runs.device import bf16_supported, check_precision, choose, use_threads
from vaetext.runs.environment import device_name
from vaetext.training.loop import Training

SIZES = {  # of models whose own default sizes are others
    "latent-seq": ("model.embedding_dim=300", "model.hidden_dim=256", "model.max_latents=16")
}
REFERENCE = "vrae"  # whose speed the others are compared with
OTHERS = [name for name in MODELS if name != REFERENCE]
POOLS = (1, 64)  # that of trainer=paper, and batches of like length
CASES = [
    (precision, pool, model)
    for precision in ("fp32", "bf16")
    for pool in POOLS
    for model in (REFERENCE, *OTHERS)
]
NOTE = (
    "length_pool 1: trainer=paper as it is; 64: the same in batches of like length. Times are after"
    " a first pass over the same batches."
)
BLOCKS = 8
STEPS = 20  # of each block
PRODUCTS = 20  # before each block
COLUMNS = (
    "model",
    "precision",
    "length_pool",
    "device",
    "real tokens/s",
    "share of matrix rate",
    "of each block",
    "matrix rate, Gop/s",
    "peak MiB",
    "speed / vrae's",
)


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Operations per second of 2048 x 2048 products, a mean over some in a row."""
    size = 2048
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    a @ b
    started = now(device)
    for _ in range(PRODUCTS):
        a @ b
    return 2 * size**3 * PRODUCTS / (now(device) - started)


def now(device: torch.device) -> float:
    """The clock, after the device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def operations_per_token(model: SequenceModel) -> float:
    """6 * weights of every matrix that a token passes.

    Embeddings are looked up, so they do not count; a pyramid's layer counts for the share of the
    steps that it reads. NaN for models that work on the padded length (convolutions, ladders), or
    on a latent sequence of a length of its own. A model that carries its state from step to step
    has no matrix that a token does not pass.
    """
    if model.max_length is not None or any(latent.discrete for latent in model.latents):
        return float("nan")
    matrices = 0.0
    for name, parameter in model.named_parameters():
        passed = model.carries_state and not name.endswith("embedding.weight")
        if parameter.dim() == 2 and (passed or "rnn" in name or name == "decoder.head.weight"):
            layer = re.match(r"pyramid\.rnns\.(\d+)", name)
            matrices += parameter.numel() / (2 ** (int(layer[1]) + 1) if layer else 1)
    return 6.0 * matrices


@dataclass
class Measured:
    """Real tokens per second, and operations per second of the matrix product, of each block."""

    speeds: list[float]
    rates: list[float]


def measure(overrides: list[str]) -> None:
    """Trains a few blocks of steps on PTB and prints one row."""
    config = configuration(overrides)
    trainer = config.trainer
    use_threads(trainer.threads)
    device = choose(trainer.device)
    check_precision(trainer.precision, device)
    corpus = corpora.load(config.data)
    torch.manual_seed(0)
    model = build(config.model, corpus.domain).to(device)
    with tempfile.TemporaryDirectory() as folder:
        training = Training(trainer, model, corpus.splits, Path(folder), device, 0)
        measured = timed_blocks(training, device)
    print(
        row(config, device_name(device), measured, operations_per_token(model), peak_memory(device))
    )


def configuration(overrides: list[str]) -> TrainConfig:
    """The configuration of training on PTB as Chien and Wang do, changed by the overrides."""
    register()
    setting = ["data=ptb", "trainer=paper"]
    with initialize_config_module("vaetext.conf", version_base="1.3"):
        return OmegaConf.to_object(  # type: ignore[return-value]
            compose("train", overrides=[*setting, *overrides])
        )


def timed_blocks(training: Training, device: torch.device) -> Measured:
    """Trains on every block once untimed, then again, the matrix rate measured before each."""
    order = training.order(0)
    blocks = [order[block * STEPS : (block + 1) * STEPS] for block in range(BLOCKS)]
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[training.config.precision]
    training.model.train()
    for block in blocks:
        train(training, block)
    measured = Measured([], [])
    for block in blocks:
        measured.rates.append(matrix_rate(device, dtype))
        started = now(device)
        tokens = train(training, block)
        measured.speeds.append(tokens / (now(device) - started))
    return measured


def peak_memory(device: torch.device) -> float:
    """MiB, of the GPU where there is one, else of the process."""
    gpu = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return (gpu or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024) / 2**20


def row(
    config: TrainConfig, device: str, measured: Measured, operations: float, memory: float
) -> str:
    """One line of the table, all but its last column."""
    shares = [
        speed * operations / rate
        for speed, rate in zip(measured.speeds, measured.rates, strict=True)
    ]
    known = not math.isnan(operations)
    cells = (
        config.model.name,
        config.trainer.precision,
        str(config.trainer.length_pool),
        device,
        f"{statistics.median(measured.speeds):,.0f}",
        f"{statistics.median(shares):.2f}" if known else "-",
        f"{min(shares):.2f} to {max(shares):.2f}" if known else "-",
        f"{statistics.median(measured.rates) / 1e9:,.0f}",
        f"{memory:,.0f}",
    )
    return f"| {' | '.join(cells)} |"


def train(training: Training, order: Sequence[Any]) -> int:
    """Trains on some batches and counts their tokens, padding left out."""
    tokens = 0
    for index in order:
        batch = training.batch(index)
        training.backward(batch, 1)
        training.update()
        tokens += len(batch.real_indices)
    return tokens


def main() -> None:
    """One case where overrides are given, else every case."""
    if len(sys.argv) > 1:
        return measure(sys.argv[1:])
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    reference = 0.0
    for precision, pool, model in CASES:
        if precision == "bf16" and not bf16_supported(choose("auto")):
            continue
        line = one_case(
            f"model={model}",
            f"trainer.precision={precision}",
            f"trainer.length_pool={pool}",
            *SIZES.get(model, ()),
        )
        speed = float(line.split("|")[1 + COLUMNS.index("real tokens/s")].replace(",", ""))
        reference = speed if model == REFERENCE else reference
        print(f"{line} {speed / reference:.2f} |", flush=True)
    print(f"\n{NOTE}")


def one_case(*overrides: str) -> str:
    """The row of one case, measured in a process of its own."""
    command = [sys.executable, __file__, *overrides]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
