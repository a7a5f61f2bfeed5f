"""What hvrae's map of local codes must not do: tell the length of a sequence for free."""

from itertools import product

import pytest
import torch

from vaetext.config.model import HVRAE as Config
from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.distributions.noise import KeyedNoise
from vaetext.models.hvrae import HVRAE
from vaetext.models.registry import build

LONGEST = 5  # words of the longest string enumerated
TINY = Symbols(size=3, eos=1, unk=0, longest=9)
SIZES = {"embedding_dim": 4, "hidden_dim": 5, "latent_dim": 2, "local_dim": 2, "dropout": 0.0, "pyramid_layers": 2}


def model(local: str, prior: str) -> HVRAE:
    torch.manual_seed(3)
    made = build(Config(name="hvrae", local=local, local_prior=prior, **SIZES), TINY).double().eval()  # type: ignore[arg-type]
    assert isinstance(made, HVRAE)
    return made


def strings() -> Batch:
    """Every string over two words of at most ``LONGEST`` words."""
    rows = [[*words, 1] for n in range(LONGEST + 1) for words in product((0, 2), repeat=n)]
    lengths = torch.tensor([len(row) for row in rows])
    tokens = torch.tensor([row + [1] * (LONGEST + 1 - len(row)) for row in rows])
    return Batch(tokens, lengths, torch.arange(len(rows)), TINY)


@pytest.mark.parametrize("local", ["pooled", "sequence"])
@pytest.mark.parametrize("prior", ["standard", "conditional"])
@torch.no_grad()
def test_importance_weights_of_all_strings_sum_to_their_probability(local: str, prior: str) -> None:
    """E_q[p(x, z) / q(z|x)] = p(x) for each x, so the sum over strings is 1 - P(longer), P(longer) read off the prior's draws."""
    hvrae, batch, samples = model(local, prior), strings(), 400
    weights = hvrae.evidence(batch, KeyedNoise(0, batch.index, range(samples), torch.float64)).log_weight.exp()
    total, error = weights.mean(0).sum(), (weights.var(0) / samples).sum().sqrt()

    draws = 400
    codes = hvrae.prior(KeyedNoise(1, torch.arange(draws), range(1), torch.float64))
    shorter = torch.zeros(draws, dtype=torch.float64)
    for row in range(len(batch)):
        one = Batch(*(field[row : row + 1].expand(draws, *field.shape[1:]) for field in (batch.x, batch.lengths, batch.index)), TINY)
        shorter += hvrae.log_px(one, codes)[0].exp()
    assert shorter.max() <= 1 + 1e-9
    spread = (error**2 + shorter.var() / draws).sqrt()
    assert abs(total - shorter.mean()) < 4 * spread
    assert spread < 0.05 * total


def test_the_map_has_one_size_for_every_length() -> None:
    hvrae = model("sequence", "standard")
    for tokens in ([[1]], [[0, 2, 2, 0, 2, 0, 2, 2, 1]]):
        batch = Batch(torch.tensor(tokens), torch.tensor([len(tokens[0])]), torch.tensor([0]), TINY)
        codes = hvrae.sample(hvrae.posterior(batch), KeyedNoise(0, batch.index, range(2), torch.float64))
        assert codes["z_l"].kl.shape == (2, 1, 3, 2)
        assert bool((codes["z_l"].kl > 0).all())


def test_a_sequence_longer_than_the_map_is_an_error() -> None:
    hvrae = model("sequence", "standard")
    with pytest.raises(ValueError, match=r"model\.max_length=9: a sequence of the input has 12 symbols"):
        hvrae.require(torch.tensor([3, 12]).numpy(), "the input")
    assert model("pooled", "standard").max_length is None
