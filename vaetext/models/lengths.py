"""What a latent length says of its sentence: numbers and pictures of models that infer one."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.data.corpora import Corpus
from vaetext.data.loader import Split
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.noise import KeyedNoise
from vaetext.models.diagnostics import Diagnostic, Page, Panel, Series


class Lengths(Diagnostic):
    """How much q(l|x) says of x, and whether the decoder reads l and z.

    - I(x; l) = H(mean_x q(l|x)) - mean_x H(q(l|x)), nats, exact.
    - The mean and standard deviation of l under mean_x q(l|x), and the correlation of E_q[l|x] with
      the number of tokens (0 where one of them does not vary). Where the sequences were made from
      numbers, such as a number of clauses: the same with each, of ranks too, and the partial
      correlation with each of the two given the other.
    - The rise of rec, with its standard error, where each sentence gets another one's l and
      z ~ q(z | x, l), and where z is exchanged between sentences of equal l.

    It is for models whose latents are "length", a categorical l - 1, and "z", and that have
    ``posterior(encoded, length, noise)``.
    """

    def __init__(self) -> None:
        self.parts: list[dict[str, Tensor]] = []
        self.prior = np.zeros(0)
        self.rises: dict[str, list[np.ndarray]] = {"other l": [], "other z": []}
        self.known: dict[str, np.ndarray] = {}

    def begin(self, split: Split, corpus: Corpus | None = None) -> None:
        numbers = {name: each for name, each in split.factors.items() if each.dtype.kind in "if"}
        self.known = {name: each.astype(float) for name, each in numbers.items()}

    def update(self, model: Any, batch: Batch, evidence: Evidence) -> None:
        length = evidence.latents["length"]
        self.prior = length.p.mean[0, 0].double().cpu().numpy()
        seen = {
            "index": batch.index,
            "tokens": batch.lengths,
            "q": length.q.mean[0].double(),
            "length": length.z[0],
            "z": evidence.latents["z"].z[0],
        }
        self.parts.append({name: each.cpu() for name, each in seen.items()})

    def intervene(self, model: Any, batches: Iterable[Batch], seed: int) -> None:
        rng = np.random.default_rng(seed)
        length = self._all("length")
        other = length[torch.from_numpy(rng.permutation(len(length)))]
        partner = partners(length, rng)
        z = self._all("z")
        for batch in batches:
            rows = batch.index.cpu()
            device = batch.x.device

            noise = KeyedNoise(seed, batch.index, range(1), z.dtype)
            own, another = (each[rows][None].to(device) for each in (length, other))
            z_own, z_another = (z[each][None].to(device) for each in (rows, partner[rows]))
            z_drawn = model.posterior(model.encode(batch), another, noise).z
            before, with_l, with_z = (
                model.log_px(batch, {"length": each, "z": code}, noise)[0]
                for each, code in ((own, z_own), (another, z_drawn), (own, z_another))
            )
            self._add("other l", before - with_l)
            self._add("other z", (before - with_z)[(partner[rows] != rows).to(device)])

    def numbers(self) -> dict[str, float]:
        q = self._all("q").numpy()
        values = np.arange(1, q.shape[1] + 1)
        mean = float(q.mean(0) @ values)
        found = {
            "I(x; l)": entropy(q.mean(0)) - float(np.mean([entropy(row) for row in q])),
            "mean l": mean,
            "std l": float(np.sqrt(q.mean(0) @ (values - mean) ** 2)),
            "corr(l, tokens)": correlation(q @ values, self._all("tokens").numpy()),
        }
        for name, factor in self.known.items():
            found |= self._with_factor(name, q @ values, factor)
        for name, parts in self.rises.items():
            rise = np.concatenate([np.zeros(0), *parts])
            if len(rise) > 1:
                found[name] = float(rise.mean())
                found[f"{name} stderr"] = float(rise.std(ddof=1) / np.sqrt(len(rise)))
        return found

    def _with_factor(self, name: str, length: np.ndarray, factor: np.ndarray) -> dict[str, float]:
        tokens = self._all("tokens").numpy().astype(float)
        return {
            f"corr(l, {name})": correlation(length, factor),
            f"rank corr(l, {name})": correlation(ranks(length), ranks(factor)),
            f"corr(l, {name} given tokens)": partial_correlation(length, factor, tokens),
            f"corr(l, tokens given {name})": partial_correlation(length, tokens, factor),
        }

    def pages(self) -> list[Page]:
        """``lengths.txt`` and ``plots/lengths.png``: q(l|x) of all, E[l|x] of each."""
        q = self._all("q").numpy()
        values = np.arange(1, q.shape[1] + 1)
        mean = q.mean(0)
        rows = zip(values, self.prior, mean, strict=True)
        lines = [f"{value}\t{prior:.6f}\t{posterior:.6f}\n" for value, prior, posterior in rows]
        of_all = [Series("mean q(l|x)", values, mean, "bars"), Series("p(l)", values, self.prior)]
        of_each = [Series("a sentence", self._all("tokens").numpy(), q @ values, "points")]
        panels = [
            Panel("posterior over latent lengths", "l", "probability", of_all),
            Panel("latent and sentence length", "tokens or frames", "E[l|x]", of_each),
        ]
        for name, factor in self.known.items():
            points = Series("a sentence", factor, q @ values, "points")
            panels.append(Panel(f"latent length and {name}", name, "E[l|x]", [points]))
        text = "l\tp(l)\tmean q(l|x)\n" + "".join(lines)
        return [Page("lengths.txt", text), Page("plots/lengths.png", panels)]

    def _all(self, name: str) -> Tensor:
        """What was seen of all sequences, in the order of the split."""
        order = torch.cat([part["index"] for part in self.parts]).argsort()
        return torch.cat([part[name] for part in self.parts])[order]

    def _add(self, name: str, rise: Tensor) -> None:
        self.rises[name].append(rise.double().cpu().numpy())


def partners(length: Tensor, rng: np.random.Generator) -> Tensor:
    """[N] for each sequence another one of equal ``length`` [N]; itself where there is none."""
    found = np.arange(len(length))
    for value in np.unique(length.numpy()):
        members = rng.permutation((length == value).nonzero()[:, 0].numpy())
        found[members] = np.roll(members, 1)
    return torch.from_numpy(found)


def entropy(p: np.ndarray) -> float:
    """-sum_v p(v) log p(v) of probabilities [V], nats."""
    positive = p[p > 0]
    return float(-(positive * np.log(positive)).sum())


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's, of [N] and [N]; 0 where one of them does not vary."""
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 1 and a.std() and b.std() else 0.0


def partial_correlation(a: np.ndarray, b: np.ndarray, given: np.ndarray) -> float:
    """Pearson's of what a linear regression on ``given`` leaves of a and b, all [N]."""
    ab, ac, bc = correlation(a, b), correlation(a, given), correlation(b, given)
    rest = (1 - ac**2) * (1 - bc**2)
    return float((ab - ac * bc) / rest**0.5) if rest > 1e-12 else 0.0


def ranks(values: np.ndarray) -> np.ndarray:
    """[N] the rank of each value, the mean of theirs for equal ones."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return np.asarray((last - (counts - 1) / 2)[which])
