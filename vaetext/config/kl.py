"""The options of the KL's weight and of free bits."""

import math
from dataclasses import dataclass
from typing import Any

from vaetext.config.options import Checked, check_unused, closest, option

PER_LATENT = ("beta_max", "beta_delay", "free_bits")


@dataclass
class KLWeight(Checked):
    """How the KL is weighed in training, and how much of it is free."""

    epochs: int = option(20, "number of epochs, unless training stops early", min=1)
    beta_schedule: str = option(
        "linear", "schedule of the KL weight", choices=("constant", "linear", "sigmoid", "cyclical")
    )
    beta_start: float = option(0.0, "linear, cyclical: KL weight at the first step", min=0.0)
    beta_max: float = option(1.0, "largest KL weight", min=0.0)
    beta_epochs: float = option(
        0.0,
        "epochs that a KL weight takes to rise from 0 to beta_max (cyclical: length of a cycle);"
        " 0: beta_share of trainer.epochs",
        min=0.0,
    )
    beta_share: float = option(
        0.5, "beta_epochs=0: share of trainer.epochs that a KL weight takes to rise", above=0.0
    )
    beta_ramp: float = option(
        0.5, "cyclical: share of each cycle in which the KL weight rises", above=0.0, max=1.0
    )
    beta_delay: float = option(
        0.0,
        "epochs by which the KL weight of each latent follows that of the latent before (in a"
        " ladder, z_2 after z_1)",
        min=0.0,
    )
    free_bits: float = option(
        0.0,
        "nats of KL that are free, for each latent, dimension or step",
        min=0.0,
    )
    free_bits_as: str = option(
        "floor",
        "free_bits are a floor, under which the KL of a batch costs as much as at it, or a"
        " constraint KL >= free_bits with a Lagrange multiplier (minimum desired rate)",
        choices=("floor", "constraint"),
    )
    free_bits_per: str = option(
        "latent",
        "free_bits applies to the KL of each latent, dimension or step (means over a batch)",
        choices=("latent", "dimension", "step"),
    )
    free_bits_epochs: float = option(
        0.0,
        "epochs over which free_bits fall linearly to 0; 0: free_bits_share of trainer.epochs",
        min=0.0,
    )
    free_bits_share: float = option(
        0.0,
        "free_bits_epochs=0: share of trainer.epochs over which free_bits fall to 0; 0: they stay",
        min=0.0,
    )
    latents: dict[str, Any] = option(
        {}, "beta_max, beta_delay and free_bits of single latents, as in latents.z_l.free_bits=2"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_weight()
        self._check_latents()
        if self.free_bits_epochs:
            check_unused(self, "free_bits_epochs=0", "free_bits_share")
        if self.free_bits_as == "constraint":
            check_unused(self, "free_bits_as=floor", "free_bits_per")
        if not self.has_free_bits:
            falls = ("free_bits_epochs", "free_bits_share")
            check_unused(self, "free_bits above 0", "free_bits_as", "free_bits_per", *falls)

    def of_latent(self, option: str, name: str) -> float:
        """An option for one latent: its own value in ``latents``, or the one for all."""
        return float(self.latents.get(name, {}).get(option, getattr(self, option)))

    @property
    def rises(self) -> bool:
        """Whether the KL weight rises."""
        return self.beta_schedule == "sigmoid" or (
            self.beta_schedule != "constant" and self.beta_start < self.beta_max
        )

    @property
    def ramp_epochs(self) -> float:
        """Epochs that a KL weight takes to rise from 0 (cyclical: length of a cycle)."""
        return self.beta_epochs or self.beta_share * self.epochs

    @property
    def fall_epochs(self) -> float:
        """Epochs over which free bits fall to 0; 0: they stay."""
        return self.free_bits_epochs or round(self.free_bits_share * self.epochs, 9)

    @property
    def has_free_bits(self) -> bool:
        """Whether the KL of some latent has a floor."""
        return any([self.free_bits, *(each.get("free_bits", 0) for each in self.latents.values())])

    def _check_weight(self) -> None:
        if self.beta_schedule in ("constant", "sigmoid"):
            check_unused(self, "beta_schedule=linear or cyclical", "beta_start")
        elif self.beta_start > self.beta_max:
            raise ValueError(
                f"beta_start={self.beta_start} is above beta_max={self.beta_max}, which the KL"
                " weight never exceeds; set beta_start to at most beta_max, or raise beta_max"
            )
        if self.beta_schedule != "cyclical":
            check_unused(self, "beta_schedule=cyclical", "beta_ramp")
        if self.beta_epochs:
            check_unused(self, "beta_epochs=0", "beta_share")
        if not self.rises:
            linear = "beta_schedule=linear and beta_start below beta_max"
            check_unused(self, linear, "beta_epochs", "beta_share")
        if self.beta_delay and not self.rises:
            raise ValueError(
                f"beta_delay={self.beta_delay} has no effect: the KL weight never rises with"
                f" beta_schedule={self.beta_schedule}, beta_start={self.beta_start} and"
                f" beta_max={self.beta_max}; set beta_delay=0, or beta_schedule=linear and a lower"
                " beta_start"
            )

    def _check_latents(self) -> None:
        for name, given in self.latents.items():
            if not isinstance(given, dict):
                raise ValueError(
                    f"latents.{name}={given}: give its options, as in latents.{name}.free_bits=2"
                )
            for key, value in given.items():
                if key not in PER_LATENT:
                    raise ValueError(
                        f"latents.{name}.{key}={value} is not an option of a single latent; choose"
                        f" from {', '.join(PER_LATENT)}{closest(key, PER_LATENT)}"
                    )
                number = isinstance(value, (int, float)) and not isinstance(value, bool)
                if not number or not 0 <= value < math.inf:
                    raise ValueError(f"latents.{name}.{key}={value} must be a number of at least 0")
