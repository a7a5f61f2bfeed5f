"""Where training stands, and what a validation makes of it."""

from dataclasses import dataclass, field


@dataclass
class State:
    """Where training stands: everything besides tensors that a resumed run needs to go on bit for bit (on a CPU)."""

    epoch: int = 0
    batch: int = 0  # batches of this epoch whose optimizer steps are done
    batches: int = 0  # of an epoch
    step: int = 0  # optimizer steps
    window: dict[str, float] = field(default_factory=dict)  # sums since the last reading
    sums: dict[str, float] = field(
        default_factory=dict
    )  # sums of this epoch, up to the last reading
    best: float | None = None  # lowest valid -ELBO, nats
    best_epoch: int | None = None
    reference: float | None = None  # valid -ELBO at the last improvement that counted
    stale: int = 0  # epochs since, for early stopping
    plateau: int = 0  # the same, for the plateau schedule
    reductions: int = 0
    metrics_bytes: int = 0
    seconds: float = 0.0
    tokens: int = 0

    def update_best(self, neg_elbo: float, least: float, plateau_patience: int | None) -> bool:
        """Takes an epoch's valid -ELBO, nats per sequence; says whether it is the lowest so far.

        Args:
            least: the fall, nats per sequence, that counts as an improvement; small ones add up.
            plateau_patience: epochs without one before the plateau schedule cuts the learning rate; None under another schedule.
        """
        better = self.best is None or neg_elbo < self.best
        clearly = self.reference is None or neg_elbo < self.reference - least
        self.reference = neg_elbo if clearly else self.reference
        self.stale = 0 if clearly else self.stale + 1
        if plateau_patience is not None:
            self.plateau = 0 if clearly else self.plateau + 1
            if self.plateau > plateau_patience:
                self.reductions, self.plateau = self.reductions + 1, 0
        if better:
            self.best, self.best_epoch = neg_elbo, self.epoch
        return better
