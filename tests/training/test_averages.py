"""The mean of the weights: its value, what is evaluated and saved, and how it is resumed."""

from pathlib import Path

import pytest
import torch
from small import CPU, resumed_after_kill, same, training

from vaetext.config.trainer import Trainer
from vaetext.runs import checkpoint
from vaetext.training.averages import Averages


class Weight(torch.nn.Module):
    """A model of one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def set(self, value: float) -> None:
        self.weight.data.fill_(value)


def averages(**options: object) -> tuple[Averages, Weight]:
    model = Weight()
    return Averages(Trainer(**options), model), model  # type: ignore[arg-type]


def test_an_exponential_mean_is_that_of_its_recursion() -> None:
    found, model = averages(average="exponential", average_decay=0.5)
    mean = 0.0
    for n, value in enumerate([3.0, 1.0, -2.0, 7.0], 1):
        model.set(value)
        found.update()
        decay = min(0.5, n / (n + 9))
        mean = value if n == 1 else decay * mean + (1 - decay) * value
    assert float(found.means[0]) == pytest.approx(mean, rel=1e-6)


def test_a_triggered_mean_begins_where_valid_improves_no_more_and_is_uniform() -> None:
    found, model = averages(average="triggered", average_patience=2, patience=9)
    for epochs, value in enumerate([3.0, 1.0, 4.0, 10.0, 1.0]):
        model.set(value)
        found.update()
        found.begin(epochs)
    assert found.steps == 2  # the steps after the epoch in which it was triggered
    assert float(found.means[0]) == pytest.approx(5.5)


def test_the_last_weights_come_back_after_an_evaluation() -> None:
    found, model = averages(average="exponential", average_decay=0.1)
    for value in (1.0, 2.0):
        model.set(value)
        found.update()
    mean = float(found.means[0])
    with found.evaluated():
        assert model.weight.item() == pytest.approx(mean)
    assert model.weight.item() == 2.0
    assert float(found.means[0]) == mean


def test_without_a_mean_the_last_weights_are_evaluated() -> None:
    found, model = averages()
    model.set(2.0)
    found.update()
    with found.evaluated():
        assert model.weight.item() == 2.0
    assert found.state_dict() == {}


def weights(path: Path, group: str = "model") -> dict[str, torch.Tensor]:
    return checkpoint.load(path, CPU)[0][group]


def test_the_best_checkpoint_holds_the_mean_and_the_last_one_both(tmp_path: Path) -> None:
    run = training(tmp_path, average="exponential", average_decay=0.9, epochs=1)
    run.fit()
    last, best = weights(tmp_path / "checkpoints/last.safetensors"), weights(run.best)
    mean = weights(run.last, "average")
    assert int(mean.pop("steps")) == run.state.step
    assert all(best[name.removeprefix("mean.")].equal(each) for name, each in mean.items())
    assert any(not last[name].equal(best[name]) for name in best)


@pytest.mark.parametrize(
    "options",
    [
        {"average": "exponential", "average_decay": 0.9},
        {"average": "triggered", "average_patience": 1},
    ],
)
@pytest.mark.parametrize("step", [2, 5, 7])
def test_a_killed_run_is_resumed_bit_for_bit(
    tmp_path: Path, options: dict[str, object], step: int
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    training(whole, **options).fit()
    resumed_after_kill(training, cut, step, **options).fit()
    same(whole, cut)


def test_a_mean_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    run = training(tmp_path, average="exponential", epochs=1)
    run.fit()
    groups, state = checkpoint.load(run.last, CPU)
    groups["average"].popitem()
    checkpoint.save(run.last, groups, state)
    with pytest.raises(ValueError, match="its mean weights do not fit"):
        training(tmp_path, average="exponential", epochs=2).restore()


def test_options_of_another_mean_are_refused() -> None:
    with pytest.raises(ValueError, match=r"average_decay"):
        Trainer(average_decay=0.5)
    with pytest.raises(ValueError, match=r"average_patience"):
        Trainer(average="exponential", average_patience=2)
