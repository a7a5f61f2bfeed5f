"""How far training has come, and what a validation changes in it."""

import math
from dataclasses import dataclass, field, fields
from typing import Any, get_args, get_origin


@dataclass
class State:
    """All besides tensors that a resumed run needs to be bit-identical (on a CPU).

    Attributes:
        epoch: epochs that are done.
        batch: batches of the current epoch whose optimizer steps are done.
        batches: of an epoch.
        step: optimizer steps that are done.
        window: sums since the last reading, see ``Sums``.
        sums: sums of this epoch, up to the last reading.
        best: lowest bound on valid (see ``Criterion``), nats per sequence.
        best_epoch: the epoch it comes from.
        reference: that bound at the last improvement that counted for the plateau schedule.
        plateau: epochs since then.
        stop_reference: that bound at the last improvement that counted for early stopping, which
            begins at the end of the KL weights' last rise.
        stale: epochs since then.
        reductions: cuts of the learning rate by the plateau schedule.
        metrics_bytes: size of ``metrics.jsonl``.
        seconds: of training.
        tokens: trained on, EOS counted, or frames.
    """

    epoch: int = 0
    batch: int = 0
    batches: int = 0
    step: int = 0
    window: dict[str, float] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)
    best: float | None = None
    best_epoch: int | None = None
    reference: float | None = None
    plateau: int = 0
    stop_reference: float | None = None
    stale: int = 0
    reductions: int = 0
    metrics_bytes: int = 0
    seconds: float = 0.0
    tokens: int = 0

    @classmethod
    def of(cls, values: dict[str, Any]) -> "State":
        """The state that a checkpoint holds.

        Raises:
            ValueError: a value is missing, unknown, or of another type or range.
        """
        kinds = {item.name: item.type for item in fields(cls)}
        for name in {**kinds, **values}:
            if name not in kinds or name not in values or not _fits(values[name], kinds[name]):
                found = f"{name}={values[name]!r}" if name in values else f"no {name}"
                raise ValueError(f"its state does not fit this version of vaetext: it has {found}")
        return cls(**values)

    def take_best(self, epoch: int, bound: float | None) -> None:
        """The best epoch, as its checkpoint has it.

        None is of weights that another bound has chosen: the coming epochs are then compared with
        each other alone.
        """
        self.best_epoch, self.best = epoch, bound
        if bound is None:
            self.best_epoch = self.reference = self.stop_reference = None

    def update_best(
        self, bound: float, least: float, plateau_patience: int | None, rising: bool = False
    ) -> bool:
        """Takes an epoch's bound, nats per sequence; returns whether it is the lowest so far.

        The best epoch may be one in which a KL weight rises: docs/commands.md has the comparison.

        Args:
            least: fall, in nats per sequence, that counts as an improvement; small ones add up.
            plateau_patience: epochs without one before the plateau schedule cuts the learning rate;
                None under another schedule.
            rising: a KL weight rose in the epoch, so early stopping begins after it.
        """
        lowest = self.best is None or bound < self.best
        if lowest:
            self.best = bound
            self.best_epoch = self.epoch
        self._count_stale(bound, least, rising)
        self._count_plateau(bound, least, plateau_patience)
        return lowest

    def _count_stale(self, bound: float, least: float, rising: bool) -> None:
        reference = self.stop_reference
        if rising or reference is None or bound < reference - least:
            self.stop_reference = bound
            self.stale = 0
        else:
            self.stale += 1

    def _count_plateau(self, bound: float, least: float, patience: int | None) -> None:
        improved = self.reference is None or bound < self.reference - least
        self.reference = bound if improved else self.reference
        if patience is None:
            return
        self.plateau = 0 if improved else self.plateau + 1
        if self.plateau > patience:
            self.reductions += 1
            self.plateau = 0

    def rescale(self, batches: int, accumulate: int) -> bool:
        """Continues an epoch at the same share of its batches, which another size makes fewer.

        Returns whether it is at the batch where it stopped.

        Args:
            batches: of an epoch now.
            accumulate: batches of an optimizer step, at whose first one training continues.
        """
        before = self.batch
        if self.batches and self.batches != batches:
            self.batch = self.batch * batches // self.batches
        if self.batch < batches:
            self.batch -= self.batch % accumulate
        return self.batches == batches and self.batch == before


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value from JSON is of a type of ``State``; integers are counts, floats finite."""
    kinds = get_args(kind) or (kind,)
    if value is None:
        return type(None) in kinds
    if get_origin(kind) is dict:
        return isinstance(value, dict) and all(_fits(each, float) for each in value.values())
    if float in kinds:
        return type(value) in (int, float) and math.isfinite(value)
    if int in kinds:
        return type(value) is int and 0 <= value < 2**53
    return type(value) in kinds
