"""What hvrae's map of local codes must not do, tell the length of a sequence for free; and what z_l hears from z_g."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from vaetext.config.model import HVRAE as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.distributions.evidence import Code
from vaetext.distributions.noise import KeyedNoise, MeanNoise, Noise
from vaetext.models.hvrae import HVRAE, Posterior

LONGEST = 4  # words of the longest string enumerated
TINY = Symbols(size=3, eos=1, unk=0, longest=9)
SIZES: dict[str, Any] = {
    "embedding_dim": 4,
    "hidden_dim": 5,
    "latent_dim": 1,
    "local_dim": 1,
    "dropout": 0.0,
    "pyramid_layers": 2,
}


class Shortened(HVRAE):
    """A leak: the decoder is shown as many frames as the sequence has, and those past its end cost nothing."""

    def sample(self, posterior: Posterior, noise: Noise) -> dict[str, Code]:
        codes, past = super().sample(posterior, noise), (posterior.local == 0).all(-1)
        z_g, z_l = codes["z_g"].z, codes["z_l"]
        laws = self.local_posterior(posterior.local, z_g), self.local_prior(z_g)
        log_q, log_p = (law.log_prob(z_l.z).masked_fill(past, 0).sum(-1) for law in laws)
        return {
            **codes,
            "z_l": replace(z_l, z=z_l.z.masked_fill(past[..., None], 0), log_q=log_q, log_p=log_p),
        }


def model(local: str, prior: str, kind: type[HVRAE] = HVRAE) -> HVRAE:
    """Its weights so large that every code matters."""
    torch.manual_seed(3)
    made = kind(Config(name="hvrae", local=local, local_prior=prior, **SIZES), TINY).double().eval()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            parameter.mul_(100 if name.startswith("local_prior_net.head") else 2.5)
    return made


def strings() -> Batch:
    """Every string over two words of at most ``LONGEST`` words."""
    rows = [[*words, 1] for n in range(LONGEST + 1) for words in product((0, 2), repeat=n)]
    lengths = torch.tensor([len(row) for row in rows])
    tokens = torch.tensor([row + [1] * (LONGEST + 1 - len(row)) for row in rows])
    return Batch(tokens, lengths, torch.arange(len(rows)), TINY)


def ends_in_time(hvrae: HVRAE, state: Any, token: Tensor, words: int) -> Tensor:
    """[rows] the probability of ending after at most so many more words, step by step: nothing here knows a length."""
    law, state = hvrae.step(state, token)
    assert isinstance(law, Tensor)
    shorter = law[:, 1].exp()
    for word in (0, 2) if words else ():
        shorter = shorter + law[:, word].exp() * ends_in_time(
            hvrae, state, torch.full_like(token, word), words - 1
        )
    return shorter


@torch.no_grad()
def distance(hvrae: HVRAE) -> float:
    """Between sum_x E_q[p(x, z) / q(z|x)] over all strings, and what the prior's draws say that sum is; in standard errors."""
    batch, samples, draws = strings(), 4000, 4000
    weights = hvrae.evidence(
        batch, KeyedNoise(0, batch.index, range(samples), torch.float64)
    ).log_weight.exp()
    total, error = weights.mean(0).sum(), (weights.var(0) / samples).sum().sqrt()
    codes = {
        name: z[0]
        for name, z in hvrae.sample_prior(
            KeyedNoise(1, torch.arange(draws), range(1), torch.float64)
        ).items()
    }
    shorter = ends_in_time(
        hvrae, hvrae.start(codes, draws), torch.full((draws,), TINY.bos), LONGEST
    )
    assert shorter.max() <= 1 + 1e-9
    spread = (error**2 + shorter.var() / draws).sqrt()
    assert spread < 0.05 * total
    return float(abs(total - shorter.mean()) / spread)


@pytest.mark.parametrize("local", ["pooled", "sequence"])
@pytest.mark.parametrize("prior", ["standard", "conditional"])
def test_importance_weights_of_all_strings_sum_to_their_probability(local: str, prior: str) -> None:
    assert distance(model(local, prior)) < 4


def test_a_map_that_told_the_length_would_be_found() -> None:
    assert distance(model("sequence", "standard", Shortened)) > 6


@torch.no_grad()
def test_both_laws_of_z_l_hear_z_g() -> None:
    hvrae, batch = model("sequence", "conditional"), strings()
    one, other = (
        torch.zeros(1, len(batch), 1, dtype=torch.float64),
        torch.ones(1, len(batch), 1, dtype=torch.float64),
    )
    local = hvrae.posterior(batch).local
    assert (
        hvrae.local_posterior(local, one).mean != hvrae.local_posterior(local, other).mean
    ).all()
    codes = {"z_g": other, "z_l": torch.zeros(1, len(batch), 3, 1, dtype=torch.float64)}
    drawn = hvrae.redrawn(codes, "z_g", MeanNoise(len(batch), torch.device("cpu")))["z_l"]
    torch.testing.assert_close(drawn, hvrae.local_prior(other).mean.expand_as(drawn))
    assert (drawn != hvrae.local_prior(one).mean).all()
    assert hvrae.redrawn(codes, "z_l", MeanNoise(len(batch), torch.device("cpu"))) is codes
    assert (
        model("sequence", "standard").redrawn(
            codes, "z_g", MeanNoise(len(batch), torch.device("cpu"))
        )
        is codes
    )


def test_the_map_has_one_size_for_every_length() -> None:
    hvrae = model("sequence", "standard")
    for tokens in ([[1]], [[0, 2, 2, 0, 2, 0, 2, 2, 1]]):
        batch = Batch(torch.tensor(tokens), torch.tensor([len(tokens[0])]), torch.tensor([0]), TINY)
        codes = hvrae.sample(
            hvrae.posterior(batch), KeyedNoise(0, batch.index, range(2), torch.float64)
        )
        assert codes["z_l"].kl.shape == (2, 1, 3, 1)
        assert bool((codes["z_l"].kl > 0).all())


def test_a_sequence_longer_than_the_map_is_an_error() -> None:
    hvrae = model("sequence", "standard")
    with pytest.raises(
        ValueError, match=r"model\.max_length=9: a sequence of the input has 12 tokens"
    ):
        hvrae.check_lengths(torch.tensor([3, 12]).numpy(), "the input")
    assert model("pooled", "standard").max_length is None
