"""Training throughput at source 000's sizes: real tokens per second, peak memory, and the share of this machine's matrix rate.

    python benchmarks/throughput.py                      every case, each in a process of its own
    python benchmarks/throughput.py model=vrae trainer.precision=bf16    one case

The share is (arithmetic of the model) / (seconds) / (rate of a 2048 x 2048 matrix product in the same precision, measured before every
block of steps, both as means: a neighbour who takes the machine's time takes it from both). Its median over blocks is
reported, with the lowest and the highest. Arithmetic: 6 operations per weight of every matrix that a token passes (2 forward, 4 backward);
padding does no counted work. Every batch is trained on once before it is timed, as kernels are made for each length once a run.
Convolutions pass positions, not tokens: their models have no share, and a speed beside vrae's.
"""

import math
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from vaetext.config.store import register
from vaetext.data import corpora
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build
from vaetext.runs.device import bf16_supported, check_precision, choose, use_threads
from vaetext.training.loop import Training

MODELS = ("vrae", "rnnlm", "hvrae", "cnn", "hybrid-cnn", "lvae", "lcnnvae", "lrnnvae")
CASES = [(model, precision) for precision in ("fp32", "bf16") for model in MODELS]
BLOCKS, STEPS, PRODUCTS = 8, 20, 20
HEADER = """| model | precision | device | real tokens/s | share of matrix rate | of each block | its Gop/s | peak MiB | speed / vrae's |
|---|---|---|---|---|---|---|---|---|"""


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Operations per second of a 2048 x 2048 product, over some in a row."""
    size = 2048
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    a @ b
    started = now(device)
    for _ in range(PRODUCTS):
        a @ b
    return 2 * size**3 * PRODUCTS / (now(device) - started)


def now(device: torch.device) -> float:
    """The clock, once the device has nothing left to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def operations_per_token(model: SequenceModel) -> float:
    """6 * weights of all matrices but the embeddings' (a look-up is no product), a pyramid's at its share of the steps.

    Not a number for a model that works on the padded length: convolutions and ladders.
    """
    if model.max_length is not None:
        return float("nan")
    matrices = 0.0
    for name, parameter in model.named_parameters():
        if parameter.dim() == 2 and ("rnn" in name or name.endswith("output.weight")):
            layer = re.match(r"pyramid\.rnns\.(\d+)", name)
            matrices += parameter.numel() / (2 ** (int(layer[1]) + 1) if layer else 1)
    return 6.0 * matrices


def measure(overrides: list[str]) -> None:
    """Trains a few blocks of steps on PTB and prints one row."""
    register()
    with initialize_config_module("vaetext.conf", version_base="1.3"):
        config = OmegaConf.to_object(
            compose(
                "train",
                overrides=["data=ptb", "trainer=paper", "trainer.length_pool=64", *overrides],
            )
        )
    trainer = config.trainer  # type: ignore[union-attr]
    use_threads(trainer.threads)
    device = choose(trainer.device)
    check_precision(trainer.precision, device)
    corpus = corpora.load(config.data)  # type: ignore[union-attr]
    torch.manual_seed(0)
    model = build(config.model, corpus.domain).to(device)  # type: ignore[union-attr]
    with tempfile.TemporaryDirectory() as folder:
        training = Training(trainer, model, corpus.splits, Path(folder), device, 0)
        rates, speeds, order = [], [], training._order(0)
        model.train()
        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[trainer.precision]
        blocks = [order[block * STEPS : (block + 1) * STEPS] for block in range(BLOCKS)]
        for block in blocks:
            train(training, block)
        for block in blocks:
            rates.append(matrix_rate(device, dtype))
            started = now(device)
            tokens = train(training, block)
            speeds.append(tokens / (now(device) - started))
    speed, rate = statistics.median(speeds), statistics.median(rates)
    gpu = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    memory = (gpu or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024) / 2**20
    shares = [
        each * operations_per_token(model) / of for each, of in zip(speeds, rates, strict=True)
    ]
    known = not math.isnan(shares[0])
    share = (
        f"{statistics.median(shares):.2f} | {min(shares):.2f} to {max(shares):.2f}"
        if known
        else "- | -"
    )
    name = config.model.name  # type: ignore[union-attr]
    rates_and_memory = f"{rate / 1e9:,.0f} | {memory:,.0f}"
    print(
        f"| {name} | {trainer.precision} | {device} | {speed:,.0f} | {share} | {rates_and_memory} |"
    )


def train(training: Training, order: list[Any]) -> int:
    """Trains on some batches; their real tokens."""
    tokens = 0
    for index in order:
        batch = training._batch(index)
        training.backward(batch, 1)
        training.update()
        tokens += len(batch.real_indices)
    return tokens


def main() -> None:
    """One case where overrides are given, else every case."""
    if len(sys.argv) > 1:
        return measure(sys.argv[1:])
    print(HEADER)
    reference = 0.0
    for model, precision in CASES:
        if precision == "bf16" and not bf16_supported(choose("auto")):
            continue
        command = [sys.executable, __file__, f"model={model}", f"trainer.precision={precision}"]
        row = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        speed = float(row.split("|")[4].replace(",", ""))
        reference = speed if model == "vrae" else reference
        print(f"{row} {speed / reference:.2f} |", flush=True)


if __name__ == "__main__":
    main()
