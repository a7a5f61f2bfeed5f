"""Means of the weights over optimizer steps, which are evaluated in place of the last ones."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from vaetext.config.trainer import Trainer
from vaetext.models.base import SequenceModel


class Averages:
    """The mean m of the weights w over steps (``trainer.average``).

    - exponential: m <- d m + (1 - d) w with d = min(average_decay, n / (n + 9)) after n steps, so
      that the mean soon forgets its first weights (Polyak and Juditsky 1992; the warm-up is ours).
    - triggered: m <- m + (w - m) / n, the mean of all steps since the lowest bound on valid had
      not fallen for ``average_patience`` epochs (Merity et al. 2018, who trigger on single checks).

    Statistics of batch normalisation are those of the last step, with either.

    Attributes:
        steps: n, that are in the mean; 0: there is none yet, and the last weights count.
    """

    def __init__(self, config: Trainer, model: SequenceModel) -> None:
        self.kind = config.average
        self.decay = config.average_decay
        self.patience = config.average_patience
        self.model = model
        self.steps = 0
        self.begun = self.kind == "exponential"
        self.means: list[Tensor] = []

    def begin(self, epochs: int) -> None:
        """Begins the triggered mean where valid has not improved for enough ``epochs``."""
        self.begun = self.begun or (self.kind == "triggered" and epochs >= self.patience)

    @torch.no_grad()
    def update(self) -> None:
        """Takes the weights after an optimizer step."""
        if not self.begun:
            return
        weights = [each.detach() for each in self.model.parameters()]
        self.steps += 1
        if self.steps == 1:
            self.means = [each.clone() for each in weights]
        else:
            torch._foreach_lerp_(self.means, weights, self._share)

    @contextmanager
    def evaluated(self) -> Iterator[None]:
        """The model has the mean as its weights meanwhile."""
        if not self.steps:
            yield
            return
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def state_dict(self) -> dict[str, Tensor]:
        """As a checkpoint holds it; empty before a mean begins."""
        if not self.begun:
            return {}
        names = [name for name, _ in self.model.named_parameters()]
        means = {f"mean.{name}": each for name, each in zip(names, self.means, strict=False)}
        return {"steps": torch.tensor(self.steps), **means}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Puts back what ``state_dict`` gave, unless there is no mean any more."""
        if self.kind == "none" or not state:
            return
        self.begun = True
        self.steps = int(state["steps"])
        named = self.model.named_parameters() if self.steps else ()
        self.means = [state[f"mean.{name}"].clone() for name, _ in named]

    def like(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of the names, shapes and types that such a state must have."""
        if not state:
            return {}
        begun = int(state.get("steps", torch.tensor(0))) > 0
        named = self.model.named_parameters() if begun else ()
        means = {f"mean.{name}": each.detach() for name, each in named}
        return {"steps": torch.tensor(0), **means}

    @property
    def _share(self) -> float:
        """Of the newest weights in the mean."""
        if self.kind == "triggered":
            return 1 / self.steps
        return 1 - min(self.decay, self.steps / (self.steps + 9))

    @torch.no_grad()
    def _swap(self) -> None:
        for weight, mean in zip(self.model.parameters(), self.means, strict=True):
            kept = weight.detach().clone()
            weight.copy_(mean)
            mean.copy_(kept)
