"""The training loop, from top to bottom."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from vaetext.config.trainer import Trainer
from vaetext.data.batch import Batch
from vaetext.data.loader import Split
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.noise import FreshNoise
from vaetext.models.base import SequenceModel
from vaetext.objectives.objective import Loss, Objective
from vaetext.objectives.schedules import free_bits, kl_weights, learning_rate, ramp_end
from vaetext.parallel.ranks import ALONE, Ranks
from vaetext.parallel.share import sharing
from vaetext.runs.device import autocast
from vaetext.runs.layout import BEST, LAST, METRICS
from vaetext.runs.signals import interrupts
from vaetext.training.averages import Averages
from vaetext.training.batches import batches
from vaetext.training.criterion import criterion
from vaetext.training.interrupts import StopRequest, stopped
from vaetext.training.metrics_file import MetricsFile, means_of, schedules_of
from vaetext.training.modules import train_modules
from vaetext.training.notices import broken, log_early_stop, warn_of_low_weights
from vaetext.training.optimizer import make_optimizer, prepare
from vaetext.training.saving import load_best, load_last, save_best, save_last
from vaetext.training.state import State
from vaetext.training.sums import Sums

SETUP_BATCHES = 16  # that a model may look at before training


class Training:
    """One run's training: the model, its optimizer, and how far it has come.

    Args:
        config: the trainer's options.
        folder: the run folder; ``metrics.jsonl`` and ``checkpoints/`` are written there.
        report: called with each line of metrics (a bar, or one line an epoch).
        segment: steps of the segments that recordings are trained in; 0: whole sequences.
        ranks: the processes that share each batch; the first alone writes.

    Attributes:
        saved: called after each checkpoint.
        validated: called when an epoch is validated, before its checkpoint.
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
        segment: int = 0,
        ranks: Ranks = ALONE,
    ) -> None:
        self.config = config
        self.model = model
        self.splits = splits
        self.device = device
        self.seed = seed
        self.ranks = ranks
        self.report = report
        self.saved: Callable[[], object] = lambda: None
        self.validated: Callable[[], object] = lambda: None
        self.folder = folder
        self.metrics = MetricsFile(folder / METRICS, written=ranks.lead)
        self.last = folder / LAST
        self.best = folder / BEST
        self.objective = Objective(config, model).to(device)
        self.optimizer = make_optimizer(config, model)
        self.averages = Averages(config, model)
        self._saved = (model, self.objective, self.optimizer, self.averages)
        self.state = State()
        self.data = batches(config, model, splits["train"], seed, ranks.place(device), segment)
        self.order = self.data.order
        self.batch = self.data.batch
        self.criterion = criterion(config, model)
        self.ramp_end = ramp_end(config, model.latent_names)
        self.window = Sums(model.latent_names, device)  # since the last reading
        self.bad_step = torch.full((), -1, device=device)
        self.stop = StopRequest()
        self.saved_at = time.monotonic()

    def fit(self) -> State:
        """Trains until the last epoch, or until the bound on valid stops improving.

        Raises:
            ValueError: a loss or gradient is not finite; the last good checkpoint is kept.
            Stopped: on the first interrupt, after a checkpoint.
        """
        with interrupts(self.stop):
            if self.state.step == 0:
                self._begin()
            if self.finished:
                return self.state
            warn_of_low_weights(self.config, self.model.latent_names)
            while not self.finished:
                self.train_epoch()
                self.end_epoch()
        log_early_stop(self.config, self.state, self.criterion.title)
        return self.state

    def _begin(self) -> None:
        started = time.monotonic()
        self.metrics.remove()  # of an earlier try that had no checkpoint
        order = self.order(0)[:SETUP_BATCHES]
        self.model.setup(self.batch(index).to(self.device) for index in order)
        self.state.seconds = time.monotonic() - started

    def train_epoch(self) -> None:
        """One epoch of training, from the state's batch on."""
        train_modules(self.config.train_modules, self.model)
        self.objective.train()
        self.ranks.copy_lead(self.model.state_dict().values())  # machines may round differently
        started = time.monotonic()
        order = self.order(self.state.epoch)
        before = self.state.seconds
        for number in range(self.state.batch, len(order)):
            batch = self.batch(order[number])
            self.backward(batch, self.data.share(order, number))
            self.state.tokens += int(batch.real_indices.shape[0])
            if (number + 1) % self.config.accumulate == 0 or number + 1 == len(order):
                self.update()
                self.state.batch = number + 1
                self.state.seconds = before + time.monotonic() - started
                self._after_step()
        self.read_window()
        self.state.seconds = before + time.monotonic() - started  # once the device is done

    def backward(self, batch: Batch, share: float) -> None:
        """Adds one batch's gradient to that of its optimizer step.

        Args:
            share: of the batch in the step's sequences, over which the loss is a mean.
        """
        sequences = self.data.sequences(batch)
        with sharing(self.ranks, len(batch)) as part:
            own = batch if part is None else batch.rows(part.rows).to(self.device)
            evidence, loss = self._loss(own, sequences / len(batch))
            torch.autograd.backward(loss.loss * share)
            self.data.carry(evidence.state)
        self.window.add(loss, len(batch), sequences)

    def _loss(self, own: Batch, worth: float) -> tuple[Evidence, Loss]:
        """The evidence of rows, each ``worth`` as many sequences, and the loss of the batch."""
        if self.config.word_dropout:
            own = own.with_word_dropout(self.config.word_dropout)
        names = self.model.latent_names
        with autocast(self.device, self.config.precision):
            noise = FreshNoise(self.config.samples, len(own), self.device)
            evidence = self.objective.evidence(self.model, own, noise, self.data.continued())
            weights = kl_weights(self.config, self.epochs, names)
            floors = free_bits(self.config, self.epochs, names, worth)
            return evidence, self.objective(evidence, weights, floors)

    def update(self) -> None:
        """One optimizer step; nothing here waits for the device."""
        rate = learning_rate(self.config, self.epochs, self.state.step, self.state.reductions)
        norm = prepare(self.optimizer, rate, self.config.clip, self.ranks)
        # a sum is finite only where all its parts are
        broken = (self.bad_step < 0) & ~(norm + self.window.values.sum()).isfinite()
        self.bad_step = torch.where(broken, self.state.step, self.bad_step)
        self.optimizer.step()
        self.averages.update()
        self.optimizer.zero_grad()
        self.ranks.copy_random(self.device)
        self.state.step += 1

    def end_epoch(self) -> None:
        """Validates at KL weight 1, keeps the best weights, and writes a checkpoint.

        Raises:
            ValueError: a bound on valid is not finite; the last good checkpoint is kept.
            Stopped: on an interrupt, after the checkpoint.
        """
        state = self.state
        trained = {**means_of(state.sums), **self._schedules, "seconds": state.seconds}
        self._write("train", trained)
        with self.averages.evaluated():
            self._validate_epoch()
        self.averages.begin(state.stale)
        state.epoch += 1
        state.batch = 0
        self.data.carried = {}
        state.sums = {}
        self.save()
        self._stop(*self.ranks.largest(self.stop.number))

    def _validate_epoch(self) -> None:
        record = self.validate()
        for name, key in (("-ELBO", "neg_elbo"), (self.criterion.title, self.criterion.key)):
            if not math.isfinite(record[key]):
                after = f"after epoch {self.state.epoch} (step {self.state.step})"
                raise broken(f"valid {name} was not finite {after}", self.last)
        self._write("valid", {**record, "seconds": self.state.seconds})
        self.update_best(record[self.criterion.key])
        self.validated()

    def validate(self) -> dict[str, Any]:
        """rec, KL, -ELBO and the bound that chooses, of the validation split, nats per sequence."""
        return self.criterion.measured(
            self.model,
            self.splits["valid"],
            seed=self.seed,
            batch_tokens=self.config.eval_batch_tokens,
            device=self.device,
            ranks=self.ranks,
        )

    def update_best(self, bound: float) -> None:
        """Takes an epoch's bound on valid, nats per sequence; saves the weights if it is lowest."""
        least = self.config.min_improvement * float(self.splits["valid"].lengths.mean())
        patience = self.config.plateau_patience if self.config.schedule == "plateau" else None
        rising = self.state.epoch < self.ramp_end
        if self.state.update_best(bound, least, patience, rising) and self.ranks.lead:
            save_best(self.best, self.model, self.state.epoch, self.criterion.saved_as, bound)

    def read_window(self) -> None:
        """Reads the sums since the last reading, and stops at a value that is not finite.

        Raises:
            ValueError: naming the first bad step.
        """
        self._raise_if_broken()
        window = self.window.read()
        if window["count"]:
            self._write("steps", {**means_of(window), **self._schedules})
        sums = self.state.sums
        self.state.sums = {name: sums.get(name, 0.0) + total for name, total in window.items()}
        self.window.clear()

    def save(self) -> None:
        """Writes the last checkpoint, once the metrics before it are on disk."""
        self._raise_if_broken()
        self.state.window = self.window.read()
        self.state.batches = self.data.count
        self.metrics.sync()
        if self.ranks.lead:
            save_last(self.last, *self._saved, self.data.carried, self.state)
        self.saved_at = time.monotonic()
        self.saved()

    def restore(self) -> None:
        """Goes back to the last checkpoint; metrics written after it are cut off."""
        if self.ranks.lead:
            for unfinished in self.last.parent.glob(".*.tmp"):
                unfinished.unlink()
        self.state, carried = load_last(self.last, *self._saved)
        if self.best.is_file():
            # it is written before ``last``: after a kill between the two it is an epoch ahead
            self.state.take_best(*load_best(self.best, self.criterion.saved_as, self.device))
        self.data.order(self.state.epoch)  # which counts its batches
        fits = self.state.rescale(self.data.count, self.config.accumulate)
        self.data.restore(carried if fits else {}, self.state.epoch, self.state.batch)
        self.window.load(self.state.window)
        size = self.state.metrics_bytes
        self.state.metrics_bytes = self.metrics.restore(size, self.state.step)
        self.ranks.wait()  # nothing is written before all have read

    @property
    def _schedules(self) -> dict[str, Any]:
        return schedules_of(self.config, self.state, self.data.count, self.objective)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the bound has not improved for ``patience`` epochs."""
        stalled = 0 < self.config.patience <= self.state.stale
        return self.state.epoch >= self.config.epochs or stalled

    @property
    def epochs(self) -> float:
        """Epochs done, the current one by the share of its batches, which schedules depend on."""
        return self.state.epoch + self.state.batch / self.data.count

    def _after_step(self) -> None:
        if self.state.step % self.config.log_every == 0:
            self.read_window()
        late = time.monotonic() - self.saved_at > 60 * self.config.checkpoint_minutes
        number, due = self.ranks.largest(self.stop.number, late)
        if number or due:
            self.save()
        self._stop(number)

    def _stop(self, number: float) -> None:
        if number:
            self.ranks.wait()  # until the checkpoint is written
            raise stopped(int(number), self.state.step, self.folder)

    def _raise_if_broken(self) -> None:
        if (step := int(self.bad_step)) >= 0:
            raise broken(f"the loss or its gradient was not finite at step {step}", self.last)

    def _write(self, split: str, values: dict[str, Any]) -> None:
        line = {"epoch": self.state.epoch, "split": split, "step": self.state.step, **values}
        self.state.metrics_bytes = self.metrics.append(line)
        self.report(line)
