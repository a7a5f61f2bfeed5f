"""Enumerating more values than fit into memory is refused before training."""

from pathlib import Path

import numpy as np
import pytest
import torch
from small import splits, training
from tiny import CPU, tiny_model

from vaetext.config.trainer import Trainer
from vaetext.training import memory
from vaetext.training.loop import Training


def enumerating(folder: Path, most: int, estimator: str = "enumerate") -> Training:
    model = tiny_model("latent-seq", latent_dim=2, max_latents=most)
    config = Trainer(estimator=estimator, batch_size=4, samples=2)
    return Training(config, model, splits(), folder, CPU, seed=0)


def kept(run: Training, rows: int = 1) -> int:
    return memory.kept_bytes(run.model, run.objective, run.batch(np.arange(rows)))


def test_memory_grows_with_the_values_that_are_tried(tmp_path: Path) -> None:
    few, many = (kept(enumerating(tmp_path, most)) for most in (2, 8))
    assert 2 * few < many


def test_memory_is_that_of_one_sequence_times_the_sequences(tmp_path: Path) -> None:
    run = enumerating(tmp_path, 8)
    split = run.splits["train"]
    longest = split.lengths == split.lengths.max()
    assert longest[0] and longest[3]
    one, four = (kept(run, rows) for rows in (1, 4))
    assert 0.7 < four / (4 * one) <= 1


def test_what_does_not_fit_is_refused_with_what_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = enumerating(tmp_path, 8)
    memory.check_memory(run)
    state = torch.get_rng_state()
    monkeypatch.setattr(memory, "total_memory", lambda device: 10_000)
    message = (
        r"^trainer\.estimator=enumerate: a step tries every value of length for"
        r" trainer\.batch_size=4 sequences, which takes about 0\.0 GB; there are 0\.0 GB: set fewer"
        r" values of length, or trainer\.estimator=rloo$"
    )
    with pytest.raises(ValueError, match=message):
        memory.check_memory(run)
    assert torch.equal(torch.get_rng_state(), state)
    memory.check_memory(enumerating(tmp_path, 8, "rloo"))
    memory.check_memory(training(tmp_path))
