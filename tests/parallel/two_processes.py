"""Trains every case for a few steps, alone and as one of two processes, and compares the two.

``python two_processes.py RANK FOLDER CASE ...``; the first process writes ``differences.json``: of
each case the largest relative difference of gradients, of weights and means after three steps, and
of sums.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "models")]

from contract_cases import LONGEST, SEQUENCES, VOCABULARY, cases, small_options  # noqa: E402

from vaetext.config.models import MODELS  # noqa: E402
from vaetext.config.trainer import Trainer  # noqa: E402
from vaetext.data.domain import Binary, Domain, Real, Symbols  # noqa: E402
from vaetext.data.loader import Split  # noqa: E402
from vaetext.models.registry import build  # noqa: E402
from vaetext.parallel.ranks import ALONE, Ranks, connect  # noqa: E402
from vaetext.training.loop import Training  # noqa: E402

CPU = torch.device("cpu")
DOMAINS: dict[str, Domain] = {
    "symbols": Symbols(VOCABULARY, 1, 0, LONGEST),
    "frames": Real(2, LONGEST),
    "binary": Binary(2, LONGEST),
}
BASE = {
    "batch_size": 5,
    "beta_schedule": "constant",
    "samples": 2,
    "optimizer": "sgd",
    "lr": 0.05,
    "clip": 0,
}
FREE = {"free_bits": 0.1}
PLAIN = {"dropout": 0.3, "output_dropout": 0.2}
TRAINERS: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "free-bits": ("vrae", {}, FREE, "symbols"),
    "free-bits-per-dimension": ("vrae", {}, {**FREE, "free_bits_per": "dimension"}, "symbols"),
    "free-bits-per-step": ("vrnn", {}, {**FREE, "free_bits_per": "step"}, "frames"),
    "segments": ("vrnn", {}, {**FREE, "free_bits_per": "step"}, "frames"),
    "constraint": ("vrae", {}, {**FREE, "free_bits_as": "constraint"}, "symbols"),
    "iwae": ("vrae", {}, {"bound": "iwae"}, "symbols"),
    "fivo": ("vrnn", {}, {"bound": "fivo", "samples": 4}, "frames"),
    "reinforce": ("latent-seq", {"mean_std": 0.7}, FREE, "symbols"),
    "rloo": ("latent-seq", {}, {"estimator": "rloo", "samples": 3, **FREE}, "symbols"),
    "enumerate": ("latent-seq", {}, {"estimator": "enumerate", "samples": 1}, "symbols"),
    "dropout": ("vrae", PLAIN, {"word_dropout": 0.3}, "symbols"),
    "locked-dropout": ("vrae", {**PLAIN, "locked_dropout": True}, {}, "symbols"),
    "weight-drop": ("vrae", {"weight_drop": 0.3, "embedding_dropout": 0.2}, {}, "symbols"),
    "accumulate": ("vrae", {}, {"accumulate": 2, "weight_decay": 0.1}, "symbols"),
    "average": ("vrae", {}, {"average": "exponential"}, "symbols"),
}


def every_case() -> dict[str, tuple[str, dict[str, Any], dict[str, Any], str]]:
    models = {
        case: (name, options, {}, domain) for case, (name, options, domain) in cases().items()
    }
    return {**models, **{f"trainer-{name}": each for name, each in TRAINERS.items()}}


def training(case: str, folder: Path, ranks: Ranks) -> Training:
    name, options, given, kind = every_case()[case]
    torch.manual_seed(3)
    schema = MODELS[name]
    known = schema.__dataclass_fields__
    sizes = {key: value for key, value in small_options(options).items() if key in known}
    model = build(schema(**{"name": name, **sizes, **options}), DOMAINS[kind])
    repeated = SEQUENCES[kind] * 4
    splits = {"train": Split.of(repeated), "valid": Split.of(repeated)}
    config = Trainer(epochs=1, **{**BASE, **given})
    segment = 3 if case == "trainer-segments" else 0
    return Training(config, model, splits, folder, CPU, 1, segment=segment, ranks=ranks)


def steps(run: Training) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the first step, weights and means after three, sums.

    The last batch has one row, so that one process has none.
    """
    order = run.order(0)[:5]
    if isinstance(order[0], np.ndarray):
        order = [*order[:2], np.array([1])]
    torch.manual_seed(4)
    run.model.train()
    run.objective.train()
    first = None
    for part in order:
        run.backward(run.batch(part), 0.5)
        if first is None:
            first = gradients(run)
        run.update()
        run.state.batch = 0
    held = [*run.model.state_dict().values(), *run.objective.state_dict().values()]
    held += run.averages.means
    assert first is not None
    return first, flat(held), run.window.values


def gradients(run: Training) -> Tensor:
    """Of all processes, which the run's own then no longer are: they are put back."""
    parameters = list(run.model.parameters())
    before = [None if each.grad is None else each.grad.clone() for each in parameters]
    run.ranks.add_gradients(parameters)
    found = flat([each.grad for each in parameters if each.grad is not None])
    for each, grad in zip(parameters, before, strict=True):
        each.grad = grad
    return found


def flat(tensors: list[Tensor]) -> Tensor:
    return torch.cat([each.detach().double().flatten() for each in tensors])


def compared(folder: Path, names: list[str], ranks: Ranks) -> Iterator[tuple[str, list[float]]]:
    for case in names:
        alone = steps(training(case, folder / "alone", ALONE))
        shared = steps(training(case, folder / "shared", ranks))
        pairs = zip(shared, alone, strict=True)
        yield case, [float((a - b).abs().max() / b.abs().max()) for a, b in pairs]


def main(rank: int, folder: Path, names: list[str]) -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    ranks = connect(rank, 2, rank, f"file://{folder / 'rendezvous'}", CPU)
    found = dict(compared(folder, names, ranks))
    if ranks.lead:
        (folder / "differences.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
