"""What each epoch trains on, batch by batch: whole sequences, or segments of long ones."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from vaetext.config.trainer import Trainer
from vaetext.data.batch import Batch
from vaetext.data.loader import Split, collate
from vaetext.data.order import TrainingOrder
from vaetext.data.segments import Segments, collate_segments, segment_order
from vaetext.distributions.state import State, detach, rows
from vaetext.evaluation import generation
from vaetext.models.base import SequenceModel
from vaetext.modules.mode import evaluation
from vaetext.modules.normalisation import has_batch_norm
from vaetext.parallel.share import current

log = logging.getLogger(__name__)


class WholeSequences:
    """Whole sequences, shuffled, in batches of like length.

    Attributes:
        split: what the current epoch trains on.
        count: batches of the current epoch.
        carried: state from which the next batch continues; empty: from the initial one.
    """

    def __init__(
        self, config: Trainer, model: SequenceModel, split: Split, seed: int, device: torch.device
    ) -> None:
        self.config = config
        self.model = model
        self.training = split
        self.split = split
        self.seed = seed
        self.device = device
        self.carried: State = {}
        # in batches of like length, batch statistics would depend on that length
        self.pool = 1 if has_batch_norm(model) else config.length_pool
        self.count = config.epoch_batches or -(-len(split) // config.batch_size)

    def order(self, epoch: int) -> Sequence[Any]:
        """An epoch's batches, as numbers in ``split``, which becomes what that epoch trains on."""
        self.split = self.training.epoch(self.seed, epoch)
        size = self.config.batch_size
        count = self.config.epoch_batches
        return TrainingOrder(self.split, size, self.seed, epoch, self.pool, count)

    def batch(self, part: Any) -> Batch:
        """The sequences ``part`` [B] of ``split``, of all processes."""
        return collate(self.split, part, self.model.domain).to(self.device)

    def share(self, order: Sequence[Any], number: int) -> float:
        """The share of batch ``number`` in the sequences of its optimizer step.

        An epoch's last batch, and its last step, may be smaller.
        """
        first = number - number % self.config.accumulate
        return len(order[number]) / sum(map(len, order[first : first + self.config.accumulate]))

    def sequences(self, batch: Batch) -> float:
        """How many sequences a batch is worth."""
        return len(batch)

    def carry(self, state: State | None) -> None:
        """Keeps the state after a batch, of the rows of all processes."""

    def continued(self) -> State | None:
        """The state that the rows of this process continue from; None: the initial one."""
        return None

    def restore(self, carried: State, epoch: int, done: int) -> None:
        """Continues an epoch after ``done`` of its batches, with the state after them."""


class SegmentedSequences(WholeSequences):
    """Segments of ``length`` steps, each continuing from the state that its row carried.

    No gradient passes from a segment to the one before. A batch costs the total nats of its
    segments over ``trainer.batch_size``, however many rows are left: the gradients of an epoch then
    add up to that of the total nats of all recordings, so a short last segment weighs as little as
    its steps do.
    """

    def __init__(self, length: int, *others: Any) -> None:
        super().__init__(*others)
        self.length = length
        self.mean_length = float(self.training.lengths.mean())
        self.count = len(self.order(0))

    def order(self, epoch: int) -> Sequence[Any]:
        self.split = self.training.epoch(self.seed, epoch)
        size = self.config.batch_size
        found = segment_order(self.split, size, self.length, self.seed, epoch)
        self.count = len(found)
        return found

    def batch(self, part: Segments) -> Batch:
        if self.carried:
            index = torch.from_numpy(part.rows).to(self.device)
            self.carried = rows(self.carried, index)
        found = collate_segments(self.split, part, self.length, self.model.domain)
        return found.to(self.device)

    def share(self, order: Sequence[Any], number: int) -> float:
        return len(order[number]) / (self.config.batch_size * self.config.accumulate)

    def sequences(self, batch: Batch) -> float:
        """Its steps over the mean length of a recording: over an epoch, as many as there are."""
        return batch.real_indices.shape[0] / self.mean_length

    def carry(self, state: State | None) -> None:
        share = current()
        self.carried = detach(state or {})
        if share:
            self.carried = {name: share.gathered(leaf, 1) for name, leaf in self.carried.items()}

    def continued(self) -> State | None:
        share = current()
        return (share.part(self.carried) if share else self.carried) or None

    def restore(self, carried: State, epoch: int, done: int) -> None:
        order = self.order(epoch)
        size = (self.config.samples, len(order[done - 1])) if 0 < done <= len(order) else (0, 0)
        self.carried = {}
        if carried and all(leaf.shape[:2] == size for leaf in carried.values()):
            self.carried = carried
        elif done:
            log.warning(
                "trainer.batch_size or trainer.samples has changed: each row begins with the"
                " initial state in the middle of its recording"
            )


def batches(
    config: Trainer,
    model: SequenceModel,
    split: Split,
    seed: int,
    device: torch.device,
    segment: int,
) -> WholeSequences:
    """What training goes through.

    Args:
        segment: steps of a segment; 0 for whole sequences.

    Raises:
        ValueError: segments or samples do not go with the model, data or the trainer's options.
    """
    if config.train_on == "samples":
        check_samples(model, split, segment)
        split = sampled(model, split, config.epoch_batches * config.batch_size or len(split))
    if not segment:
        return WholeSequences(config, model, split, seed, device)
    check_segments(config, model, segment)
    return SegmentedSequences(segment, config, model, split, seed, device)


def sampled(model: SequenceModel, split: Split, count: int) -> Split:
    """A split whose every epoch is ``count`` sequences x ~ p(x|z), z ~ p(z), of the model.

    On them q(z|x) cannot overfit (Zhang et al. 2022). Text without its end, which is cut at the
    longest that is generated, is left out. An epoch raises a ValueError where none has its end.
    """

    @lru_cache(maxsize=1)  # the first epoch's are asked for twice
    def fresh(seed: int, epoch: int) -> Split:
        drawn = int(np.random.default_rng([seed, epoch, 2]).integers(2**63))
        with evaluation(model):
            found = generation.sample(model, count, drawn)
        eos = model.domain.eos
        whole = [each for each in found if eos is None or each[-1:] == [eos]]
        if not whole:
            raise ValueError(
                f"trainer.train_on=samples: none of {count:,} sentences sampled from the model came"
                " to its end; start from a run that is trained, trainer.init_from=RUN"
            )
        return Split.of(whole)

    return replace(split, fresh=fresh)


def check_samples(model: SequenceModel, split: Split, segment: int) -> None:
    """Raises ValueError where samples are not sequences of the kind that are trained on."""
    option = "trainer.train_on=samples"
    if not model.latents:
        raise ValueError(f"{option}: {model.name} has no latent, so no q(z|x) to fit; leave it out")
    if segment:
        raise ValueError(
            f"{option}: samples are whole sequences; set data.segment=0, in place of {segment}"
        )
    if model.domain.eos is None and len(set(split.lengths.tolist())) > 1:
        raise ValueError(
            f"{option}: the model does not say where a sequence of frames ends, and those of the"
            " data differ in length; train on text, or on images or frames of one length"
        )


def check_segments(config: Trainer, model: SequenceModel, segment: int) -> None:
    """Raises ValueError where a model or the trainer's options do not go with segments."""
    if not model.carries_state:
        raise ValueError(
            f"data.segment={segment}: {model.name} carries no state from one segment to the next;"
            " set data.segment=0, which trains on whole sequences"
        )
    if config.epoch_batches:
        raise ValueError(
            f"trainer.epoch_batches={config.epoch_batches}: with data.segment={segment} an epoch"
            " is one pass over the recordings; set trainer.epoch_batches=0"
        )
    if config.bound == "iwae" and model.latents:  # carried weights are those of a filter
        model.check_filter()
