"""The training loop: its steps, schedules, metrics, and what happens when something breaks."""

import logging
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small import CPU, OPTIONS, lines, splits, training, weights

from vaetext.config.model import Model
from vaetext.config.models.cnn import CNN
from vaetext.config.models.hvrae import HVRAE
from vaetext.config.models.lvae import LVAE
from vaetext.config.models.vrae import VRAE
from vaetext.config.trainer import Trainer
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split, collate
from vaetext.distributions.noise import FreshNoise, MeanNoise
from vaetext.evaluation.scoring import score
from vaetext.models.registry import build
from vaetext.modules.dropout import Dropout
from vaetext.objectives.schedules import kl_weight
from vaetext.runs import checkpoint
from vaetext.training.loop import SETUP_BATCHES, Training


@pytest.mark.parametrize("clip", [0.0, 0.01, 1e6])
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_a_step_is_that_of_the_plain_optimizer_on_clipped_gradients(
    optimizer: str, clip: float, tmp_path: Path
) -> None:
    options: dict[str, Any] = {
        "optimizer": optimizer,
        "clip": clip,
        "weight_decay": 0.1,
        "lr_scales": {"encoder": 0.5, "encoder.rnn": 0.25},
    }
    if optimizer != "sgd":
        options |= {"betas": [0.7, 0.8], "eps": 0.1}
    one, other = training(tmp_path, **options), training(tmp_path, **options)
    plain = {
        "adam": partial(torch.optim.Adam, betas=(0.7, 0.8), eps=0.1),
        "adamw": partial(torch.optim.AdamW, betas=(0.7, 0.8), eps=0.1),
        "sgd": torch.optim.SGD,
    }[optimizer](
        [
            {"params": [each], "lr": OPTIONS["lr"] * multiple(name)}
            for name, each in other.model.named_parameters()
        ],
        weight_decay=0.1,
        foreach=False,
    )
    for index in one.order(0)[:3]:
        for each in (one, other):
            torch.manual_seed(2)
            each.backward(each.batch(index), 1)
        one.update()
        if clip:
            torch.nn.utils.clip_grad_norm_(other.model.parameters(), clip)
        plain.step()
        plain.zero_grad()
        one.state.batch = other.state.batch = one.state.step  # which the KL weight depends on
    for value, expected in zip(one.model.parameters(), other.model.parameters(), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)


def multiple(name: str) -> float:
    if name.startswith("encoder."):
        return 0.25 if name.startswith("encoder.rnn.") else 0.5
    return 1


def test_a_learning_rate_of_a_module_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"lr_scales=.* has no module enc; .* mean 'encoder'"):
        training(tmp_path, lr_scales={"enc": 0.5})


def gradient(folder: Path, **options: Any) -> torch.Tensor:
    run = training(folder, word_dropout=0.0, **options)
    for each in run.model.modules():
        if isinstance(each, Dropout):
            each.rate = 0.0
    torch.manual_seed(2)
    run.backward(run.batch(run.order(0)[0]), 1)
    return torch.cat(
        [each.grad.flatten() for each in run.model.parameters() if each.grad is not None]
    )


@pytest.mark.bf16
def test_bf16_rounds_the_gradient_and_little_more(tmp_path: Path) -> None:
    full, rounded = (gradient(tmp_path, precision=precision) for precision in ("fp32", "bf16"))
    assert rounded.dtype == torch.float32
    assert 1e-4 < float((full - rounded).norm() / full.norm()) < 0.05


def test_the_gradient_is_a_mean_over_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    normal = torch.randn(2, OPTIONS["batch_size"], 2)

    def drawn(samples: slice) -> torch.Tensor:
        monkeypatch.setattr(FreshNoise, "normal", lambda self, *_: normal[samples][: self.samples])
        return gradient(tmp_path, samples=len(normal[samples]))

    both, first, second = drawn(slice(0, 2)), drawn(slice(0, 1)), drawn(slice(1, 2))
    torch.testing.assert_close(both, (first + second) / 2, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", [VRAE, HVRAE, CNN])
@torch.no_grad()
def test_pseudo_inputs_start_as_training_sentences(kind: type[Model], tmp_path: Path) -> None:
    sizes = {
        "embedding_dim": 5,
        "latent_dim": 2,
        "prior": "vamp",
        "components": 8,
        "pseudo_length": 3,
    }
    model: Any = build(
        kind(name={CNN: "cnn", VRAE: "vrae", HVRAE: "hvrae"}[kind], **sizes), Symbols(8, 1, 0, 9)
    ).eval()  # type: ignore[arg-type]
    started = Training(Trainer(**OPTIONS), model, splits(), tmp_path, CPU, seed=1)
    started.state.epoch = OPTIONS["epochs"]  # nothing is left to train
    started.fit()
    rows = [row[:-1].tolist() for row in (splits()["train"][n] for n in range(30)) if len(row) > 1]
    filled = {tuple((row * 3)[:3]) for row in rows}
    table = model.encoder.embedding.weight
    words = [
        tuple(int((table - step).abs().sum(-1).argmin()) for step in part)
        for part in model.prior.inputs
    ]
    assert set(words) <= filled
    assert len(set(words)) > 4  # spread over the sentences, not the first few
    torch.testing.assert_close(model.prior.inputs, table[torch.tensor(words)])
    if kind is not CNN:  # its posterior sees EOS and what is past it, which a pseudo-input lacks
        batch = collate(Split.of([[*part, 1] for part in words]), np.arange(8), model.domain)
        posterior = model.encode(batch)
        expected = posterior.z_g if kind is HVRAE else posterior
        torch.testing.assert_close(model.prior.components().mean, expected.mean)


def test_epoch_batches_is_the_number_of_steps_of_an_epoch(tmp_path: Path) -> None:
    run = training(tmp_path, epoch_batches=5, epochs=2, beta_epochs=2, beta_schedule="linear")
    run.fit()
    last = [line for line in lines(tmp_path) if line["split"] == "train"][-1]
    assert run.state.step == 10 and last["beta"] == pytest.approx(
        0.9
    )  # of the last step, of ten to weight 1


def test_metrics_hold_the_kl_weight_of_each_latent_under_beta_delay(
    tmp_path: Path,
) -> None:
    config = HVRAE(name="hvrae", embedding_dim=5, hidden_dim=6, latent_dim=2)
    options = {**OPTIONS, "epochs": 2, "beta_schedule": "linear", "beta_epochs": 2}
    for name, delay in (("together", 0.0), ("after", 1.0)):
        model = build(config, Symbols(8, 1, 0, 9))
        Training(
            Trainer(**options, beta_delay=delay), model, splits(), tmp_path / name, CPU, seed=1
        ).fit()
    together, after = (
        [line for line in lines(tmp_path / name) if line["split"] == "train"]
        for name in ("together", "after")
    )
    assert [line["kl_weights"] for line in after] == [
        {"z_g": 7 / 16, "z_l": 0.0},
        {"z_g": 15 / 16, "z_l": 7 / 16},
    ]
    assert (
        [line["beta"] for line in after] == [line["beta"] for line in together] == [7 / 16, 15 / 16]
    )
    assert not any("kl_weights" in line for line in together)


def test_each_latent_of_a_ladder_has_its_own_kl_weight(tmp_path: Path) -> None:
    torch.manual_seed(1)
    config = LVAE(
        name="lvae",
        embedding_dim=5,
        hidden_dim=6,
        hidden_dims=[6, 5, 4],
        latent_dims=[4, 3, 2],
        reconstruction_dim=4,
    )
    options = Trainer(
        batch_size=4, beta_epochs=2, beta_delay=0.5
    )  # 8 steps an epoch, 4 of them the delay
    run = Training(options, build(config, Symbols(8, 1, 0, 9)), splits(), tmp_path, CPU, seed=1)
    run.state.epoch = 2
    run.backward(run.batch(np.arange(4)), 1)
    run.read_window()
    line = lines(tmp_path)[0]
    weighted = [
        weight * line["kl"][name] for name, weight in {"z_1": 1.0, "z_2": 0.75, "z_3": 0.5}.items()
    ]
    assert line["loss"] == pytest.approx(line["rec"] + sum(weighted), rel=1e-5)


def test_a_loss_that_is_not_finite_stops_training_at_its_step(tmp_path: Path) -> None:
    run = training(tmp_path, checkpoint_minutes=1e-9, log_every=100)
    update = run.update

    def breaking() -> None:
        if run.state.step == 5:
            next(iter(run.model.parameters())).grad.fill_(float("nan"))  # type: ignore[union-attr]
        update()

    run.update = breaking  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="step 5"):
        run.fit()
    assert all(value.isfinite().all() for value in weights(tmp_path).values())
    assert checkpoint.load(tmp_path / "checkpoints/last.safetensors", CPU)[1]["step"] == 5


def test_a_bound_that_is_not_finite_stops_training_and_keeps_the_best_weights(
    tmp_path: Path,
) -> None:
    run = training(tmp_path)
    validate, seen = run.validate, []

    def breaking() -> dict[str, Any]:
        seen.append(validate())
        return seen[-1] if len(seen) < 2 else {**seen[-1], "neg_elbo": float("nan")}

    run.validate = breaking  # type: ignore[method-assign]
    with pytest.raises(
        ValueError, match=r"valid -ELBO was not finite after epoch 1 .*keeps the last good state"
    ):
        run.fit()
    assert [line["epoch"] for line in lines(tmp_path) if line["split"] == "valid"] == [0]
    assert checkpoint.load(tmp_path / "checkpoints/best.safetensors", CPU)[1]["epoch"] == 0
    first = training(tmp_path / "first")
    first.validate = lambda: {"neg_elbo": float("inf"), "rec": 0.0, "kl": {}}  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="before its first checkpoint"):
        first.fit()


@pytest.mark.parametrize("batch_norm", [True, False])
def test_batch_normalisation_is_trained_on_random_batches(tmp_path: Path, batch_norm: bool) -> None:
    config = CNN(name="cnn", embedding_dim=5, latent_dim=2, channels=[4], batch_norm=batch_norm)
    run = Training(
        Trainer(batch_size=4, length_pool=7),
        build(config, Symbols(8, 1, 0, 9)),
        splits(),
        tmp_path,
        CPU,
        seed=1,
    )
    mixed = sum(len(set(run.splits["train"].lengths[batch])) > 1 for batch in run.order(0))
    assert (mixed > 4) == batch_norm


def test_metrics_hold_the_learning_rate_and_kl_weight_of_their_steps(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "schedule": "halving",
        "halve_at": [1],
        "beta_schedule": "cyclical",
        "beta_epochs": 1.0,
        "warmup_steps": 3,
    }
    run = training(tmp_path, log_every=1, epochs=2, **options)
    used: list[tuple[float, float]] = []
    update = run.update

    def recorded() -> None:
        before = run.epochs
        update()
        used.append((run.optimizer.param_groups[0]["lr"], kl_weight(run.config, before)))

    run.update = recorded  # type: ignore[method-assign]
    run.fit()
    for split, expected in (("steps", used), ("train", [used[7], used[15]])):
        found = [(line["lr"], line["beta"]) for line in lines(tmp_path) if line["split"] == split]
        np.testing.assert_allclose(found, expected)


def test_metrics_of_an_epoch_are_means_over_its_sequences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = count()
    monkeypatch.setattr("vaetext.training.loop.time.monotonic", lambda: float(next(ticks)))
    run = training(tmp_path, log_every=1, epochs=2)
    run.fit()
    for epoch in range(2):
        steps, (whole,) = (
            [
                line["rec"]
                for line in lines(tmp_path)
                if (line["epoch"], line["split"]) == (epoch, split)
            ]
            for split in ("steps", "train")
        )
        assert whole == pytest.approx(
            np.average(steps, weights=[len(batch) for batch in run.order(epoch)])
        )
    assert run.state.tokens == 2 * len(run.splits["train"].x)
    first, both = (line["seconds"] for line in lines(tmp_path) if line["split"] == "train")
    assert both == pytest.approx(2 * first, rel=0.05)


def test_what_comes_before_the_first_step_is_training_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("vaetext.training.loop.time.monotonic", lambda: clock[0])
    run = training(tmp_path, epochs=1)

    def setup(batches: Any) -> None:
        clock[0] += 7 * len(list(batches))

    monkeypatch.setattr(run.model, "setup", setup)
    run.fit()
    assert run.state.seconds == 7 * min(len(run.order(0)), SETUP_BATCHES)


def test_validation_samples_with_the_seed_of_the_run(tmp_path: Path) -> None:
    run = training(tmp_path)
    expected = score(
        run.model, run.splits["valid"], seed=1, samples=1, batch_tokens=4096, device=CPU
    )
    assert run.validate()["neg_elbo"] == pytest.approx(-expected.elbo.mean().item(), rel=1e-9)


def test_training_stops_early_and_keeps_the_best_epoch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = training(tmp_path, epochs=50, patience=2, lr=0.3, beta_schedule="constant")
    caplog.set_level(logging.INFO, "vaetext")
    state = run.fit()
    assert f"stopped early after epoch {state.epoch - 1}: valid -ELBO has not" in caplog.text
    assert f"after epoch {state.best_epoch}" in caplog.text
    valid = [line["neg_elbo"] for line in lines(tmp_path) if line["split"] == "valid"]
    assert (
        state.epoch < 50
        and state.best == min(valid)
        and state.best_epoch == valid.index(min(valid))
    )
    assert len(valid) - 1 - state.best_epoch == 2  # every improvement counts here


RAMPS: list[tuple[dict[str, Any], int]] = [
    ({"beta_schedule": "constant"}, 0),
    ({"beta_epochs": 2.5}, 3),
    ({"beta_epochs": 4, "beta_start": 0.5}, 2),
    ({"beta_schedule": "sigmoid", "beta_epochs": 3}, 3),
    ({"beta_schedule": "cyclical", "beta_epochs": 3}, 5),  # of two cycles, the second rise
    ({"beta_epochs": 2, "latents": {"z": {"beta_delay": 2}}}, 4),
    ({"beta_share": 0.5}, 3),
    ({"beta_schedule": "constant", "free_bits": 1, "free_bits_epochs": 2.5}, 3),
    ({"beta_epochs": 2, "free_bits": 1, "free_bits_share": 0.5}, 3),
    ({"beta_epochs": 2, "latents": {"z": {"free_bits": 1}}, "free_bits_epochs": 4}, 4),
]


@pytest.mark.parametrize(("options", "first"), RAMPS)
def test_patience_counts_once_no_kl_weight_rises_and_no_free_bits_fall(
    options: dict[str, Any], first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Valid -ELBO only ever rises: the epoch after the ramp is compared with the one before it."""
    run = training(tmp_path, epochs=6, patience=1, **options)
    bounds = count(10)
    monkeypatch.setattr(
        run, "validate", lambda: {"rec": 0.0, "kl": {}, "ppl": 1.0, "neg_elbo": float(next(bounds))}
    )
    state = run.fit()
    assert state.epoch == max(first, 1) + 1
    assert state.best_epoch == 0


def test_a_ramp_to_the_last_epoch_never_stops_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = training(tmp_path, epochs=4, patience=1, beta_epochs=4)
    bounds = count(10)
    monkeypatch.setattr(
        run, "validate", lambda: {"rec": 0.0, "kl": {}, "ppl": 1.0, "neg_elbo": float(next(bounds))}
    )
    caplog.set_level(logging.INFO, "vaetext")
    assert run.fit().epoch == 4
    assert "stopped early" not in caplog.text
    assert "below beta_max" not in caplog.text


def test_a_run_that_ends_below_the_largest_kl_weight_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    training(tmp_path, epochs=1, beta_epochs=2.5).fit()
    (warning,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    words = "trainer.epochs=1: a KL weight rises until epoch 2.5, so training ends at a weight of"
    assert warning.getMessage().startswith(f"{words} 0.4 (z), below beta_max; raise trainer.epochs")


def test_free_bits_that_fall_are_in_the_metrics_and_in_the_loss(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    constant = {"beta_schedule": "constant", "epochs": 2, "log_every": 1}
    training(tmp_path, free_bits=100, free_bits_epochs=4, **constant).fit()
    steps = [line for line in lines(tmp_path) if line["split"] == "steps"]
    found = [line["free_bits"]["z"] for line in steps]
    assert found == pytest.approx([100 * (1 - step / 8 / 4) for step in range(16)])
    for line in steps:  # no KL reaches them, so the loss has the floor in its place
        assert line["loss"] == pytest.approx(line["rec"] + line["free_bits"]["z"], rel=1e-5)
    (warning,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert "free bits fall to 0 until epoch 4, so training ends with 50 (z) nats free" in (
        warning.getMessage()
    )


def test_the_best_weights_have_the_lowest_bound_however_little_it_fell(
    tmp_path: Path,
) -> None:
    run = training(tmp_path, epochs=4, min_improvement=1e6, patience=99)
    state = run.fit()
    valid = [line["neg_elbo"] for line in lines(tmp_path) if line["split"] == "valid"]
    assert state.best_epoch == valid.index(min(valid)) > 0
    assert checkpoint.load(tmp_path / "checkpoints" / "best.safetensors", CPU)[1][
        "neg_elbo"
    ] == min(valid)


def test_only_the_plateau_schedule_counts_epochs_without_improvement(tmp_path: Path) -> None:
    run = training(
        tmp_path, schedule="constant", epochs=6, lr=0.3, min_improvement=1e6, patience=99
    )
    assert run.fit().reductions == 0
    again = training(
        tmp_path, schedule="plateau", epochs=7, lr=0.3, plateau_patience=0, min_improvement=1e6
    )
    again.restore()
    assert again.fit().reductions == 1
    rates = [line["lr"] for line in lines(tmp_path) if line["split"] == "train"]
    assert rates == [0.3] * 7


def test_min_improvement_is_in_nats_per_token(tmp_path: Path) -> None:
    run = training(tmp_path, min_improvement=0.1, patience=99, beta_schedule="constant")
    mean = splits()["valid"].lengths.mean()
    assert mean > 2  # per sequence and per symbol are not the same
    falls = (
        (0.0, 0),
        (0.11, 0),
        (0.2, 1),
        (0.31, 0),
        (0.36, 1),
        (0.4, 2),
        (0.42, 0),
    )  # small ones add up
    for fall, stale in falls:
        run.update_best(20.0 - fall * mean)
        assert run.state.stale == stale, fall


def test_gradient_accumulation_is_the_gradient_of_the_larger_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "vaetext.training.loop.FreshNoise", lambda samples, size, device: MeanNoise(size, device)
    )
    without_dropout = "vaetext.training.loop.train_modules"
    monkeypatch.setattr(without_dropout, lambda modules, model: model.eval())

    def gradients(sizes: list[int], accumulate: int) -> list[list[torch.Tensor]]:
        """Those of each optimizer step of an epoch of batches of these sizes."""
        run = training(tmp_path, word_dropout=0.0, accumulate=accumulate, beta_schedule="constant")
        monkeypatch.setattr(run, "order", lambda _: np.split(np.arange(30), np.cumsum(sizes))[:-1])
        found: list[list[torch.Tensor]] = []

        def update() -> None:
            found.append(
                [
                    parameter.grad
                    for parameter in run.model.parameters()
                    if parameter.grad is not None
                ]
            )
            run.optimizer.zero_grad()

        monkeypatch.setattr(run, "update", update)
        run.train_epoch()
        return found

    parts, whole = gradients([4, 4, 1, 3, 4, 4, 2, 4], 3), gradients([9, 11, 6], 1)
    assert len(parts) == len(whole) == 3 and parts[0]
    for step, expected in zip(parts, whole, strict=True):
        for one, other in zip(step, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_training_learns(tmp_path: Path) -> None:
    run = training(tmp_path, epochs=12, lr=0.02)
    run.fit()
    valid = [line["neg_elbo"] for line in lines(tmp_path) if line["split"] == "valid"]
    assert valid[-1] < 0.8 * valid[0]
