"""Running sums of what is trained on, kept on the device."""

from collections.abc import Sequence

import torch

from vaetext.objectives.objective import Loss


def sum_names(latents: Sequence[str]) -> list[str]:
    """What is summed of a model with these latents."""
    return ["count", "loss", "rec", *(f"kl.{name}" for name in latents)]


class Sums:
    """Sums over sequences of the loss, rec and each latent's KL, with the count of sequences.

    They are added up on the device; only ``read`` waits for it.

    Args:
        latents: names of the latents.
        device: where the sums are kept.
    """

    def __init__(self, latents: Sequence[str], device: torch.device) -> None:
        self.names = sum_names(latents)
        self.latents = latents
        self.values = torch.zeros(len(self.names), dtype=torch.float64, device=device)

    @torch.no_grad()
    def add(self, loss: Loss, rows: int, count: float) -> None:
        """Adds one batch's terms, means over its ``rows``, times ``rows``.

        Args:
            count: of sequences that the rows are worth: fewer where these are segments.
        """
        kl = [loss.kl[name] for name in self.latents]
        share = torch.full_like(loss.rec, count / rows)
        means = [share, loss.loss.detach(), loss.rec, *kl]
        self.values = self.values + rows * torch.stack(means).double()

    def read(self) -> dict[str, float]:
        """The sums by name."""
        return dict(zip(self.names, self.values.tolist(), strict=True))

    def load(self, sums: dict[str, float]) -> None:
        """Puts back what ``read`` returned."""
        values = [sums[name] for name in self.names]
        self.values = torch.tensor(values, dtype=torch.float64, device=self.values.device)

    def clear(self) -> None:
        """Starts again from zero."""
        self.values = torch.zeros_like(self.values)
