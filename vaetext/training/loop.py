"""The training loop, from top to bottom."""

import json
import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaetext.config.trainer import Trainer
from vaetext.data.atomic import naming
from vaetext.data.batch import Batch
from vaetext.data.loader import Split, collate, epoch_order
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.noise import FreshNoise
from vaetext.evaluation.metrics import summary
from vaetext.evaluation.scoring import score
from vaetext.models.base import NeedsData, SequenceModel
from vaetext.modules.normalisation import BatchNorm
from vaetext.objectives.loss import training_loss
from vaetext.objectives.schedules import kl_weight, kl_weights, learning_rate
from vaetext.runs import checkpoint
from vaetext.runs.device import autocast
from vaetext.runs.folder import resume_command
from vaetext.runs.layout import BEST, LAST, METRICS
from vaetext.training.interrupts import interrupts
from vaetext.training.optimizer import make_optimizer, total_norm
from vaetext.training.state import State

log = logging.getLogger(__name__)


class Stopped(KeyboardInterrupt):
    """Training was interrupted and has written its checkpoint."""


class Training:
    """One run's training: the model, its optimizer, and where it stands.

    Args:
        config: the trainer's options.
        folder: the run folder; ``metrics.jsonl`` and ``checkpoints/`` are written there.
        report: called with each line of metrics (a bar, or one line an epoch).
    """

    def __init__(
        self,
        config: Trainer,
        model: SequenceModel,
        splits: dict[str, Split],
        folder: Path,
        device: torch.device,
        seed: int,
        report: Callable[[dict[str, Any]], object] = lambda line: None,
    ) -> None:
        self.config, self.model, self.splits, self.device, self.seed, self.report = (
            config,
            model,
            splits,
            device,
            seed,
            report,
        )
        self.metrics, self.last, self.best = (folder / name for name in (METRICS, LAST, BEST))
        self.optimizer = make_optimizer(config, model)
        self.state, self.split = State(), splits["train"]
        # statistics of batches of like length would tell that length, and fit no other batch
        self.length_pool = (
            1
            if any(isinstance(module, BatchNorm) for module in model.modules())
            else config.length_pool
        )
        self.batches = config.epoch_batches or -(-len(splits["train"]) // config.batch_size)
        self.window: Tensor | None = None
        self.bad_step = torch.full((), -1, device=device)
        self.stop = False
        self.saved_at = time.monotonic()

    def fit(self) -> State:
        """Trains until the last epoch, or until valid -ELBO stops improving.

        Raises:
            ValueError: a loss or gradient is not finite; the last good checkpoint is kept.
            Stopped: on the first interrupt, after a checkpoint.
        """
        with interrupts(self._request_stop):
            if self.state.step == 0:  # what an earlier try wrote before its first checkpoint
                self.metrics.unlink(missing_ok=True)
            if self.state.step == 0 and isinstance(self.model, NeedsData):
                self.model.setup([self._batch(index) for index in self._order(0)[:SETUP_BATCHES]])
            while not self.finished:
                self.train_epoch()
                self.end_epoch()
        return self.state

    def train_epoch(self) -> None:
        """One epoch of training, from where the state stands."""
        self.model.train()
        order = self._order(self.state.epoch)
        started, before = time.monotonic(), self.state.seconds
        for number in range(self.state.batch, len(order)):
            batch = self._batch(order[number])
            self.backward(batch, self._share(order, number))
            self.state.tokens += int(batch.real_indices.shape[0])
            if (number + 1) % self.config.accumulate == 0 or number + 1 == len(order):
                self.update()
                self.state.batch = number + 1
                self.state.seconds = before + time.monotonic() - started
                if self.state.step % self.config.log_every == 0:
                    self.read_window()
                if (
                    self.stop
                    or time.monotonic() - self.saved_at > 60 * self.config.checkpoint_minutes
                ):
                    self.save()
                if self.stop:
                    raise self._stopped()
        self.read_window()
        self.state.seconds = before + time.monotonic() - started  # once the device is done

    def backward(self, batch: Batch, share: float) -> None:
        """Adds one batch's gradient, of the mean over the optimizer step's sequences, of which the batch has this ``share``."""
        if self.config.word_dropout:
            batch = batch.with_word_dropout(self.config.word_dropout)
        with autocast(self.device, self.config.precision):
            evidence = self.model.evidence(
                batch, FreshNoise(self.config.samples, len(batch), self.device)
            )
            weights = kl_weights(self.config, self.epochs, len(self.model.latents))
            loss = training_loss(evidence, self.config, weights)
        torch.autograd.backward(loss * share)
        self._count(evidence, loss.detach())

    def update(self) -> None:
        """One optimizer step; nothing here waits for the device."""
        rate = learning_rate(self.config, self.epochs, self.state.step, self.state.reductions)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        norm = total_norm(
            [
                each.grad
                for group in self.optimizer.param_groups
                for each in group["params"]
                if each.grad is not None
            ]
        )
        if (
            self.config.clip
        ):  # the fused kernel divides gradients by it as it reads them: a pass over memory less
            self.optimizer.grad_scale = (norm / self.config.clip).clamp(min=1.0)  # type: ignore[attr-defined]
        broken = (self.bad_step < 0) & ~(
            norm + self._sums().sum()
        ).isfinite()  # a sum is finite only where all its parts are
        self.bad_step = torch.where(broken, self.state.step, self.bad_step)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.state.step += 1

    def end_epoch(self) -> None:
        """Validates at weight 1, keeps the best weights, decides what comes next, and writes a checkpoint.

        Raises:
            ValueError: valid -ELBO is not finite; the last good checkpoint is kept.
            Stopped: on an interrupt, after the checkpoint.
        """
        state = self.state
        means = {
            name: total / state.sums["count"]
            for name, total in state.sums.items()
            if name != "count"
        }
        self._write(
            {
                "epoch": state.epoch,
                "split": "train",
                "step": state.step,
                **_record(means),
                **self._setting(),
                "seconds": state.seconds,
            }
        )
        record = self.validate()
        if not math.isfinite(record["neg_elbo"]):
            raise self._broken(
                f"valid -ELBO was not finite after epoch {state.epoch} (step {state.step})"
            )
        self._write(
            {
                "epoch": state.epoch,
                "split": "valid",
                "step": state.step,
                **record,
                "seconds": state.seconds,
            }
        )
        self._update_best(record["neg_elbo"])
        state.epoch, state.batch, state.sums = state.epoch + 1, 0, {}
        self.save()
        if self.stop:
            raise self._stopped()

    def validate(self) -> dict[str, Any]:
        """rec, KL and -ELBO of the validation split, nats per sequence, one keyed sample each."""
        scores = score(
            self.model,
            self.splits["valid"],
            seed=self.seed,
            samples=1,
            batch_tokens=self.config.eval_batch_tokens,
            device=self.device,
        )
        return {
            name: value
            for name, value in summary(scores).items()
            if name in ("rec", "kl", "neg_elbo", "ppl")
        }

    def read_window(self) -> None:
        """Reads the sums since the last reading, and stops at a value that was not finite.

        Raises:
            ValueError: naming the first bad step.
        """
        self._raise_if_broken()
        window = dict(zip(self._names(), self._sums().tolist(), strict=True))
        if window["count"]:
            means = {
                name: total / window["count"] for name, total in window.items() if name != "count"
            }
            self._write(
                {
                    "epoch": self.state.epoch,
                    "split": "steps",
                    "step": self.state.step,
                    **_record(means),
                    **self._setting(),
                }
            )
        self.state.sums = {
            name: self.state.sums.get(name, 0.0) + total for name, total in window.items()
        }
        self.window = None

    def save(self) -> None:
        """Writes ``checkpoints/last.safetensors``: weights, optimizer, random state and ``State``, once the metrics are safe on disk."""
        self._raise_if_broken()
        if self.metrics.exists():
            with self.metrics.open("rb") as file:
                os.fsync(file.fileno())
        self.state.window = dict(zip(self._names(), self._sums().tolist(), strict=True))
        self.state.batches = self.batches
        groups = {
            "model": self.model.state_dict(),
            "optimizer": checkpoint.optimizer_tensors(self.optimizer),
            "random": {"cpu": torch.get_rng_state()},
        }
        if self.device.type == "cuda":
            groups["random"]["cuda"] = torch.cuda.get_rng_state(self.device)
        checkpoint.save(self.last, groups, asdict(self.state))
        self.saved_at = time.monotonic()

    def restore(self) -> None:
        """Goes back to the last checkpoint; metrics written after it are cut off, as are a line and a checkpoint that were lost in part."""
        for unfinished in self.last.parent.glob(".*.tmp"):
            unfinished.unlink()
        groups, state = checkpoint.load(self.last, self.device)
        self.state = State(**state)
        if (
            self.best.is_file()
        ):  # it is written before ``last``: after a kill between the two it is an epoch ahead
            _, best = checkpoint.load(self.best, self.device)
            self.state.best, self.state.best_epoch = best["neg_elbo"], best["epoch"]
        self._rescale()
        checkpoint.load_weights(self.model, groups["model"], self.last)
        checkpoint.load_optimizer(self.optimizer, groups.get("optimizer", {}))
        torch.set_rng_state(groups["random"]["cpu"].cpu())
        if "cuda" in groups["random"] and self.device.type == "cuda":
            torch.cuda.set_rng_state(groups["random"]["cuda"].cpu(), self.device)
        self.window = torch.tensor(
            [self.state.window[name] for name in self._names()],
            dtype=torch.float64,
            device=self.device,
        )
        if self.metrics.exists():
            whole = self.metrics.read_bytes()[: self.state.metrics_bytes].rpartition(b"\n")
            with self.metrics.open("r+b") as file:
                file.truncate(len(whole[0] + whole[1]))

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or valid -ELBO has not improved for ``patience`` epochs."""
        return (
            self.state.epoch >= self.config.epochs or 0 < self.config.patience <= self.state.stale
        )

    @property
    def epochs(self) -> float:
        """Epochs done, the current one by the share of its batches: where schedules stand."""
        return self.state.epoch + self.state.batch / self.batches

    def _rescale(self) -> None:
        """An epoch that was left in part goes on at the same share of its batches, which other sizes make more or fewer."""
        state = self.state
        if state.batches and state.batches != self.batches:
            state.batch = state.batch * self.batches // state.batches
        if state.batch < self.batches:
            state.batch -= state.batch % self.config.accumulate

    def _setting(self) -> dict[str, Any]:
        """The learning rate and KL weights of the optimizer step that was the last."""
        begun = max(
            self.state.batch - 1, 0
        )  # its first batch, counted from 0: schedules stand there until it is done
        epochs = self.state.epoch + (begun - begun % self.config.accumulate) / self.batches
        rate = learning_rate(
            self.config, epochs, max(self.state.step - 1, 0), self.state.reductions
        )
        weights = kl_weights(self.config, epochs, len(self.model.latents))
        each = (
            {"kl_weights": dict(zip(self.model.latents, weights, strict=True))}
            if self.config.beta_delay
            else {}
        )
        return {"beta": kl_weight(self.config, epochs), **each, "lr": rate}

    def _update_best(self, neg_elbo: float) -> None:
        least = self.config.min_improvement * float(self.splits["valid"].lengths.mean())
        patience = self.config.plateau_patience if self.config.schedule == "plateau" else None
        if self.state.update_best(neg_elbo, least, patience):
            state = {"epoch": self.state.epoch, "neg_elbo": neg_elbo}
            checkpoint.save(self.best, {"model": self.model.state_dict()}, state)

    def _order(self, epoch: int) -> list[Any]:
        """An epoch's batches, as numbers in ``split``, which becomes what that epoch trains on."""
        config = self.config
        self.split = self.splits["train"].epoch(self.seed, epoch)
        return epoch_order(
            self.split, config.batch_size, self.seed, epoch, self.length_pool, config.epoch_batches
        )

    def _share(self, order: list[Any], number: int) -> float:
        """The share of batch ``number`` in the sequences of its optimizer step; an epoch's last batch, and last step, may be smaller."""
        first = number - number % self.config.accumulate
        return len(order[number]) / sum(map(len, order[first : first + self.config.accumulate]))

    def _batch(self, index: Any) -> Batch:
        return collate(self.split, index, self.model.domain).to(self.device)

    def _names(self) -> list[str]:
        return ["count", "loss", "rec", *(f"kl.{name}" for name in self.model.latents)]

    def _sums(self) -> Tensor:
        if self.window is None:
            self.window = torch.zeros(len(self._names()), dtype=torch.float64, device=self.device)
        return self.window

    @torch.no_grad()
    def _count(self, evidence: Evidence, loss: Tensor) -> None:
        count = float(evidence.log_px.shape[1])
        means = [
            loss,
            -evidence.log_px.mean(),
            *(evidence.latents[name].total_kl.mean() for name in self.model.latents),
        ]
        self.window = self._sums() + count * torch.stack([torch.ones_like(loss), *means]).double()

    def _request_stop(self) -> None:
        """The first interrupt ends training at the next step, with a checkpoint; the second at once."""
        if self.stop:
            raise KeyboardInterrupt
        self.stop = True

    def _stopped(self) -> Stopped:
        return Stopped(
            f"step {self.state.step} is saved; go on with {resume_command(self.last.parents[1])}"
        )

    def _raise_if_broken(self) -> None:
        if (step := int(self.bad_step)) >= 0:
            raise self._broken(f"the loss or its gradient was not finite at step {step}")

    def _broken(self, what: str) -> ValueError:
        kept = (
            f"{self.last} keeps the last good state"
            if self.last.is_file()
            else "before its first checkpoint"
        )
        return ValueError(
            f"{what}: training stopped, {kept}; try a smaller trainer.lr, or trainer.clip"
        )

    def _write(self, line: dict[str, Any]) -> None:
        self.metrics.parent.mkdir(parents=True, exist_ok=True)
        with naming(self.metrics), self.metrics.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            self.state.metrics_bytes = file.tell()
        self.report(line)


SETUP_BATCHES = 16


def _record(means: dict[str, float]) -> dict[str, Any]:
    """Means named "kl.z" and so on as {"kl": {"z": ...}}, with the bound at weight 1."""
    kl = {
        name.removeprefix("kl."): value for name, value in means.items() if name.startswith("kl.")
    }
    plain = {name: value for name, value in means.items() if not name.startswith("kl.")}
    return {**plain, "kl": kl, "neg_elbo": means["rec"] + sum(kl.values())}
