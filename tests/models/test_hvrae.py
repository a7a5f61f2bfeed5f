"""The map of local latents of hvrae does not give away the length; z_l is conditioned on z_g."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from vaetext.config.models.hvrae import HVRAE as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.distributions.latent import LatentSample
from vaetext.distributions.noise import KeyedNoise, MeanNoise, Noise
from vaetext.distributions.state import State
from vaetext.models.hvrae import HVRAE, Posterior

LONGEST = 4  # words of the longest string enumerated
SAMPLES = 4000
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
    """A model with an error: frames past the end are zero and free, so the map gives the length."""

    def sample(
        self, encoded: Posterior, noise: Noise, enumerate: bool = False
    ) -> dict[str, LatentSample]:
        latents = super().sample(encoded, noise, enumerate)
        real = (encoded.local != 0).any(-1)
        z = latents["z_l"].z * real[..., None]
        return {**latents, "z_l": replace(latents["z_l"], z=z, mask=real[None])}


def model(local: str, prior: str, kind: type[HVRAE] = HVRAE) -> HVRAE:
    """A model with weights so large that every latent matters."""
    torch.manual_seed(3)
    config = Config(name="hvrae", local=local, local_prior=prior, **SIZES)
    made = kind(config, TINY).double().eval()
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


def ends_in_time(hvrae: HVRAE, state: State, noise: Noise, words: int) -> Tensor:
    """[rows] probability of EOS after at most so many more words, from single steps alone."""
    p, state = hvrae.emit(state, noise)
    total = p.log_prob(torch.tensor(1)).exp()[0]
    for word in (0, 2) if words else ():
        chosen = torch.full(state["x"].shape, word)
        later = ends_in_time(hvrae, hvrae.advance(state, chosen), noise, words - 1)
        total = total + p.log_prob(chosen).exp()[0] * later
    return total


@torch.no_grad()
def distance(hvrae: HVRAE) -> float:
    """Of two estimates of the probability of all strings, the difference in standard errors.

    One is sum_x E_q[p(x, z) / q(z|x)]; the other decodes samples of the prior step by step.
    """
    batch = strings()
    noise = KeyedNoise(0, batch.index, range(SAMPLES), torch.float64)
    weights = hvrae.evidence(batch, hvrae.encode(batch), noise).log_weight.exp()
    total = weights.mean(0).sum()
    error = (weights.var(0) / SAMPLES).sum().sqrt()
    noise = KeyedNoise(1, torch.arange(SAMPLES), range(1), torch.float64)
    start = hvrae.start(hvrae.sample_prior(noise, {}), noise)
    decoded = ends_in_time(hvrae, start, noise, LONGEST)
    assert decoded.max() <= 1 + 1e-9
    spread = (error**2 + decoded.var() / SAMPLES).sqrt()
    assert spread < 0.05 * total
    return float(abs(total - decoded.mean()) / spread)


@pytest.mark.parametrize("local", ["pooled", "sequence"])
@pytest.mark.parametrize("prior", ["standard", "conditional"])
def test_importance_weights_of_all_strings_sum_to_their_probability(local: str, prior: str) -> None:
    assert distance(model(local, prior)) < 4


def test_map_that_gives_away_the_length_is_detected() -> None:
    assert distance(model("sequence", "standard", Shortened)) > 6


@torch.no_grad()
def test_posterior_and_prior_of_z_l_are_conditioned_on_z_g() -> None:
    hvrae = model("sequence", "conditional")
    batch = strings()
    zeros = torch.zeros(1, len(batch), 1, dtype=torch.float64)
    ones = torch.ones_like(zeros)
    local = hvrae.encode(batch).local
    given_zeros = hvrae.local_posterior(local, zeros)
    given_ones = hvrae.local_posterior(local, ones)
    assert (given_zeros.mean != given_ones.mean).all()
    noise = MeanNoise(len(batch), torch.device("cpu"), torch.float64)
    z_l = hvrae.sample_prior(noise, {"z_g": ones})["z_l"]
    torch.testing.assert_close(z_l, hvrae.local_prior(ones).mean.expand_as(z_l))
    assert (z_l != hvrae.local_prior(zeros).mean).all()
    assert hvrae.conditioned_on("z_g") == {"z_l"}
    assert hvrae.conditioned_on("z_l") == set()
    assert model("sequence", "standard").conditioned_on("z_g") == set()


@torch.no_grad()
def test_given_latents_are_kept() -> None:
    hvrae = model("sequence", "conditional")
    noise = KeyedNoise(0, torch.arange(3), range(2), torch.float64)
    whole = hvrae.sample_prior(noise, {})
    z_l = torch.ones_like(whole["z_l"])
    kept = hvrae.sample_prior(noise, {"z_l": z_l})
    assert torch.equal(kept["z_l"], z_l) and torch.equal(kept["z_g"], whole["z_g"])
    again = hvrae.sample_prior(noise, {"z_g": whole["z_g"]})
    assert torch.equal(again["z_l"], whole["z_l"])


def test_map_has_the_same_size_for_every_length() -> None:
    hvrae = model("sequence", "standard")
    for tokens in ([[1]], [[0, 2, 2, 0, 2, 0, 2, 2, 1]]):
        batch = Batch(torch.tensor(tokens), torch.tensor([len(tokens[0])]), torch.tensor([0]), TINY)
        noise = KeyedNoise(0, batch.index, range(2), torch.float64)
        kl = hvrae.sample(hvrae.encode(batch), noise)["z_l"].kl
        assert kl.shape == (2, 1, 3, 1)
        assert bool((kl > 0).all())


def test_sequence_longer_than_the_map_is_refused() -> None:
    hvrae = model("sequence", "standard")
    with pytest.raises(
        ValueError, match=r"model\.max_length=9: a sequence of the input has 12 tokens"
    ):
        hvrae.check_lengths(12, "the input")
    assert model("pooled", "standard").max_length is None
