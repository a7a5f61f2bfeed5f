"""Frames per second of the models with a latent per step, beside plain loops over torch's modules.

    python benchmarks/steps.py          the table
    python benchmarks/steps.py 16       from 16 paired blocks in place of 8

Forward and backward pass of -ELBO on one thread in fp32: 32 sequences of 40 frames of 200 numbers,
nets and RNNs of 256 units, z of 64. Seconds are CPU time, and blocks alternate, model and loop, so
that other work on the machine changes little; the table has medians of the blocks' ratios and their
range. The share is (operations) / (seconds) / (rate of products [32, 256] x [256, 1024], measured
before each block); operations are 6 per weight of every matrix that a frame passes.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from plain import PlainSRNN, PlainVRNN
from torch import nn

from vaetext.config.models.srnn import SRNN
from vaetext.config.models.vrnn import VRNN
from vaetext.data.batch import Batch
from vaetext.data.domain import Real
from vaetext.distributions.noise import FreshNoise
from vaetext.models.registry import build
from vaetext.runs.environment import device_name

ROWS = 32
STEPS = 40
FRAME = 200
UNITS = 256
LATENT = 64
PRODUCTS = 200
CPU = torch.device("cpu")
SIZES: Any = {"hidden_dim": UNITS, "feature_dim": UNITS, "feature_layers": 2, "latent_dim": LATENT}
PLAIN = (FRAME, UNITS, UNITS, 2, LATENT)
CASES: dict[str, tuple[Any, nn.Module]] = {
    "vrnn, LSTM": (VRNN(name="vrnn", cell="lstm", **SIZES), PlainVRNN(*PLAIN)),
    "srnn, LSTM": (SRNN(name="srnn", cell="lstm", **SIZES), PlainSRNN(*PLAIN, "lstm")),
    "srnn, GRU": (SRNN(name="srnn", cell="gru", **SIZES), PlainSRNN(*PLAIN, "gru")),
}


def seconds(work: Callable[[], Any]) -> float:
    """The CPU time that it takes, on one thread."""
    started = time.process_time()
    work()
    return time.process_time() - started


def product_rate() -> float:
    """Operations per second of products of this batch shape."""
    inputs = torch.randn(ROWS, UNITS)
    weight = torch.randn(4 * UNITS, UNITS)

    def products() -> None:
        for _ in range(PRODUCTS):
            inputs @ weight.T

    return 2 * ROWS * weight.numel() * PRODUCTS / seconds(products)


def model_pass(config: Any, batch: Batch) -> tuple[nn.Module, Callable[[], None]]:
    """The model, and one forward and backward pass of it."""
    model = build(config, batch.domain)

    def work() -> None:
        model.zero_grad()
        noise = FreshNoise(1, ROWS, CPU)
        torch.autograd.backward(-model.evidence(batch, model.encode(batch), noise).elbo.mean())

    return model, work


def row(name: str, blocks: int) -> str:
    """One line of the table."""
    torch.manual_seed(0)
    config, loop = CASES[name]
    x = torch.randn(ROWS, STEPS, FRAME)
    lengths = torch.full((ROWS,), STEPS)
    batch = Batch(x, lengths, torch.arange(ROWS), Real(FRAME, STEPS))
    model, ours = model_pass(config, batch)

    def plain() -> None:
        loop.zero_grad()
        torch.autograd.backward(loop(x))

    weights = sum(each.numel() for each in model.parameters() if each.dim() == 2)
    ours()
    plain()
    speeds, ratios, shares = [], [], []
    for _ in range(blocks):
        rate = product_rate()
        took = seconds(ours)
        ratios.append(seconds(plain) / took)
        speeds.append(ROWS * STEPS / took)
        shares.append(6 * weights * ROWS * STEPS / took / rate)
    cells = (
        name,
        f"{statistics.median(speeds):,.0f}",
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        f"{statistics.median(shares):.2f}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """The table."""
    torch.set_num_threads(1)
    print(f"{device_name(CPU)}, 1 thread, fp32\n")
    print("| model | frames/s | speed / plain loop's | share of the rate of such products |")
    print("|---|---|---|---|")
    for name in CASES:
        print(row(name, int(sys.argv[1]) if len(sys.argv) > 1 else 8), flush=True)


if __name__ == "__main__":
    main()
