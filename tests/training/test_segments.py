"""Training on segments with carried state: the bound of whole sequences, resumed bit for bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small import CPU, Killed, kill_at, lines, resumed_after_kill, same
from toys.step import ToyVRNN

from vaetext.config.models.rnn import RNN
from vaetext.config.models.srnn import SRNN
from vaetext.config.models.vrae import VRAE
from vaetext.config.models.vrnn import VRNN
from vaetext.config.trainer import Trainer
from vaetext.data.domain import Real, Symbols
from vaetext.data.loader import Split, collate
from vaetext.data.segments import collate_segments, segment_order
from vaetext.distributions.noise import KeyedNoise
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build
from vaetext.objectives.objective import Objective
from vaetext.training.loop import Training

DOMAIN = Real(2, 13)
LENGTHS = (7, 4, 13, 1, 8, 5, 9)
OPTIONS: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 3,
    "log_every": 3,
    "lr": 0.01,
    "samples": 2,
    "beta_schedule": "constant",
}
FALLING = {"free_bits": 0.5, "free_bits_per": "step", "free_bits_epochs": 1.5}


def split(seed: int = 0) -> Split:
    rng = np.random.default_rng(seed)
    kind = torch.empty(0).numpy().dtype  # float64 in tests in float64
    return Split.of([rng.normal(size=(n, 2)).astype(kind) for n in LENGTHS])


def model(name: str = "toy") -> SequenceModel:
    torch.manual_seed(1)
    if name == "toy":
        return ToyVRNN(ToyVRNN.Config(), DOMAIN)
    sizes = {"hidden_dim": 5, "feature_dim": 4, "feature_layers": 1}
    if name == "rnn":
        return build(RNN(name="rnn", **sizes), DOMAIN)
    if name == "vrnn":
        return build(VRNN(name="vrnn", latent_dim=2, **sizes), DOMAIN)
    return build(SRNN(name="srnn", latent_dim=2, posterior="filtering", **sizes), DOMAIN)


def training(folder: Path, segment: int = 3, **options: Any) -> Training:
    config = Trainer(**{**OPTIONS, **options})
    splits = {"train": split(), "valid": split(1)}
    return Training(config, model(), splits, folder, CPU, seed=1, segment=segment)


@pytest.mark.parametrize("batch_size", [1, 3, 20])
def test_every_step_is_trained_on_once_and_each_row_follows_its_recording(batch_size: int) -> None:
    data = split()
    seen: dict[int, list[np.ndarray]] = {}
    before: list[int] = []
    for part in segment_order(data, batch_size, 3, seed=4, epoch=1):
        batch = collate_segments(data, part, 3, DOMAIN)
        assert len(part) <= batch_size and int(batch.lengths.max()) <= 3
        for row, number in enumerate(part.index):
            assert bool(batch.begins[row]) == (number not in seen)
            if number in seen:
                assert before[part.rows[row]] == number
            seen.setdefault(number, []).append(batch.x[row, : batch.lengths[row]].numpy())
        before = part.index.tolist()
    for number in range(len(data)):
        np.testing.assert_array_equal(np.concatenate(seen[number]), data[number])


def test_the_order_is_a_function_of_seed_and_epoch_alone() -> None:
    def numbers(seed: int, epoch: int) -> list[list[int]]:
        return [part.index.tolist() for part in segment_order(split(), 3, 3, seed, epoch)]

    assert numbers(1, 2) == numbers(1, 2)
    assert numbers(1, 2) != numbers(1, 3) and numbers(1, 2) != numbers(2, 2)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("bound", ["elbo", "iwae", "fivo"])
@pytest.mark.parametrize("name", ["toy", "rnn", "vrnn", "srnn"])
def test_the_losses_of_segments_add_up_to_that_of_whole_recordings(
    name: str, bound: str, tmp_path: Path
) -> None:
    """Total nats: each batch's loss times its share of the optimizer step."""
    tested = model(name)
    config = Trainer(**{**OPTIONS, "samples": 4}, bound=bound)
    splits = {"train": split(), "valid": split(1)}
    run = Training(config, tested, splits, tmp_path, CPU, seed=1, segment=3)
    data = run.data
    order = run.order(0)
    total, steps = 0.0, 0.0
    for number, part in enumerate(order):
        batch = run.batch(part)
        noise = KeyedNoise(5, batch.index, range(4), torch.float64)
        evidence = run.objective.evidence(tested, batch, noise, data.carried or None)
        data.carry(evidence.state)
        loss = run.objective(evidence, {"z": 1.0}).loss
        total += loss.item() * data.share(order, number) * config.batch_size
        steps += data.sequences(batch)
    assert steps == pytest.approx(len(LENGTHS))
    whole = collate(split(), np.arange(len(LENGTHS)), DOMAIN)
    noise = KeyedNoise(5, whole.index, range(4), torch.float64)
    objective = Objective(config, tested)
    expected = objective(objective.evidence(tested, whole, noise), {"z": 1.0}).loss.item()
    assert total == pytest.approx(expected * len(LENGTHS), rel=1e-10)


@pytest.mark.parametrize(
    "options", [{}, {"bound": "iwae"}, {"bound": "fivo"}, {"accumulate": 2, **FALLING}]
)
@pytest.mark.parametrize("step", [1, 3, 7])
def test_a_run_killed_within_a_recording_is_resumed_bit_for_bit(
    tmp_path: Path, step: int, options: dict[str, Any]
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    training(whole, **options).fit()
    again = resumed_after_kill(training, cut, step, **options)
    assert bool(again.data.carried) == (again.state.batch > 0)
    again.fit()
    same(whole, cut)


def test_a_carried_state_is_what_a_run_continues_from(tmp_path: Path) -> None:
    """Without it the next segment has another loss: else the test above could not fail."""
    run = training(tmp_path, checkpoint_minutes=1e-9)
    kill_at(run, 5)
    with pytest.raises(Killed):
        run.fit()
    losses = []
    for forget in (False, True):
        again = training(tmp_path)
        again.restore()
        assert again.data.carried["clock"].shape[1] == 3
        if forget:
            again.data.carried = {}
        batch = again.batch(again.order(0)[again.state.batch])
        assert not batch.begins.all()
        again.backward(batch, 1.0)
        losses.append(again.window.read()["loss"])
    assert losses[0] != losses[1]


def test_another_batch_size_begins_with_the_initial_state(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = training(tmp_path, checkpoint_minutes=1e-9)
    kill_at(run, 5)
    with pytest.raises(Killed):
        run.fit()
    again = training(tmp_path, batch_size=2)
    again.restore()
    assert not again.data.carried
    assert "each row begins with the initial state" in caplog.text
    assert again.fit().epoch == 2


def test_metrics_of_an_epoch_are_means_over_recordings(tmp_path: Path) -> None:
    training(tmp_path, epochs=1, lr=1e-12).fit()
    found = {line["split"]: line["rec"] for line in lines(tmp_path)}
    whole = training(tmp_path / "whole", segment=0, epochs=1, lr=1e-12)
    whole.fit()
    expected = {line["split"]: line["rec"] for line in lines(tmp_path / "whole")}
    assert found["valid"] == pytest.approx(expected["valid"])
    assert found["train"] == pytest.approx(expected["train"], rel=0.05)  # other noise


def test_a_floor_for_a_latent_is_that_of_the_steps_of_a_segment(tmp_path: Path) -> None:
    run = training(tmp_path, free_bits=1e6)
    total = 0.0
    order = run.order(0)
    for number, part in enumerate(order):
        batch = run.batch(part)
        run.backward(batch, run.data.share(order, number))
        total += run.window.read()["loss"] - run.window.read()["rec"]
        run.window.clear()
    assert total == pytest.approx(1e6 * len(LENGTHS), rel=1e-5)


def test_segments_are_refused_where_no_state_is_carried(tmp_path: Path) -> None:
    config = VRAE(name="vrae", embedding_dim=5, hidden_dim=6, latent_dim=2)
    vrae = build(config, Symbols(8, 1, 0, 9))
    with pytest.raises(
        ValueError, match=r"data\.segment=3: vrae carries no state.*data\.segment=0"
    ):
        Training(Trainer(), vrae, {"train": split()}, tmp_path, CPU, seed=1, segment=3)
    with pytest.raises(ValueError, match=r"trainer\.epoch_batches=5: with data\.segment=3"):
        training(tmp_path, epoch_batches=5)


def test_an_auxiliary_loss_is_refused_where_a_filter_of_segments_would_leave_it_out(
    tmp_path: Path,
) -> None:
    sizes = {"hidden_dim": 5, "feature_dim": 4, "latent_dim": 2}
    forced = build(VRNN(name="vrnn", z_forcing=0.1, **sizes), DOMAIN)
    config = Trainer(**OPTIONS, bound="iwae")
    splits = {"train": split(), "valid": split(1)}
    Training(config, forced, splits, tmp_path, CPU, seed=1)
    with pytest.raises(ValueError, match=r"model\.z_forcing=0\.1: .* iwae with data\.segment"):
        Training(config, forced, splits, tmp_path, CPU, seed=1, segment=3)
