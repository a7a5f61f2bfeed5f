"""The least KL of each latent as a constraint, with Lagrange multipliers."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

STEP = 0.03  # of a multiplier, after a batch without any KL
KINDS = ("u", "lowered")  # of buffers: the multiplier, and what the KL weight is lowered by


class Multipliers(nn.Module):
    """u >= 0 of each latent, of max_u min E[-log p(x|z)] + sum of beta KL + u (r - KL).

    This holds KL >= r, the minimum desired rate (Pelsmaeker and Aziz 2020). After each batch, with
    d = 1 - KL / r of its mean KL,

        u <- max(0, u + 0.03 d), and the weight of the KL in the next batch is beta - max(0, u + d).

    Where the KL settles it is r, and beta - u is the weight with which the bound has that KL. Where
    it is above r without help, u is 0 and nothing changes. The term d beside u is that of an
    augmented Lagrangian (Hestenes 1969); it is ours, as are the sizes of the steps: with u alone,
    the KL swings around r.

    Multipliers are buffers, made at their latent's first update.
    """

    def weights(self, kl_weights: Mapping[str, float]) -> dict[str, Any]:
        """Latent name -> the weight of its KL in the next batch, of the weights beta."""
        return {name: beta - self.lowered(name) for name, beta in kl_weights.items()}

    def lowered(self, name: str) -> Tensor | float:
        """max(0, u + d) of a latent; 0 before its first update."""
        return self._known("lowered", name)

    def of(self, name: str) -> float:
        """u of a latent."""
        return float(self._known("u", name))

    def update(self, kl: Mapping[str, Tensor], least: Mapping[str, float]) -> None:
        """Takes the mean KL of a batch, and r, of each latent, in nats; r = 0 is no constraint."""
        for name, value in kl.items():
            d = _missing(value.to(torch.promote_types(value.dtype, torch.float32)), least[name])
            u = (self._known("u", name) + STEP * d).clamp(min=0.0)
            self.register_buffer(f"u_{name}", u)
            self.register_buffer(f"lowered_{name}", (u + d).clamp(min=0.0))

    def _known(self, kind: str, name: str) -> Tensor | float:
        found: Tensor | float = getattr(self, f"{kind}_{name}", 0.0)
        return found

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        for key in [each for each in state_dict if each.startswith(prefix)]:
            self.register_buffer(key.removeprefix(prefix), torch.empty_like(state_dict[key]))
        super()._load_from_state_dict(state_dict, prefix, *others)


def _missing(kl: Tensor, least: float) -> Tensor:
    """The share of ``least`` that a KL is below it; negative where it is above."""
    return 1 - kl / least if least else torch.full_like(kl, -torch.inf)
