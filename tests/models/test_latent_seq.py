"""latent-seq by second routes: its estimators, its KLs, its likelihood and its diagnostics."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from gradients import fresh, gradients, squared_errors, with_known_means
from torch import Tensor
from toys.batches import batch_of

from vaetext.config.models.latent_seq import LatentSeq as Config
from vaetext.config.trainer import Trainer
from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.data.loader import Split
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.noise import KeyedNoise, MeanNoise, Noise
from vaetext.distributions.state import State
from vaetext.models.base import SequenceModel
from vaetext.models.latent_seq import LatentSeq
from vaetext.models.lengths import (
    Lengths,
    correlation,
    entropy,
    partial_correlation,
    partners,
    ranks,
)
from vaetext.modules.additive import AdditiveAttention
from vaetext.objectives.objective import Objective

TOKENS = Symbols(4, longest=4, eos=0, unk=1)
SIZES: dict[str, Any] = {
    "embedding_dim": 3,
    "hidden_dim": 3,
    "latent_dim": 1,
    "max_latents": 3,
    "gamma": 0.8,
    "dropout": 0.0,
}


pytestmark = pytest.mark.usefixtures("float64")


def make(scale: float = 2.0, **options: Any) -> LatentSeq:
    """A small model whose initial weights are multiplied by ``scale``, so that latents matter."""
    torch.manual_seed(0)
    made = LatentSeq(Config(**{**SIZES, **options}), TOKENS)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter *= scale
    return made


@pytest.fixture
def model() -> LatentSeq:
    return make()


@pytest.fixture
def batch() -> Batch:
    return batch_of(TOKENS, rows=3, steps=4)


def keyed(batch: Batch, samples: int, seed: int = 0) -> KeyedNoise:
    return KeyedNoise(seed, batch.index, range(samples), torch.float64)


# lambda is 1 and the KL weights are 0.7 and 0.4; each floor is clearly over or under the mean KL
FLOORS: dict[str, dict[str, Any]] = {
    "no floors": {},
    "length free, z not": {"latents": {"length": {"free_bits": 50.0}, "z": {"free_bits": 0.01}}},
    "z free, length not": {"latents": {"length": {"free_bits": 0.001}, "z": {"free_bits": 50.0}}},
}


def objective(
    model: LatentSeq, batch: Batch, kind: type[Objective] = Objective, **options: Any
) -> Objective:
    trainer = Trainer(**{"free_bits": 0.0, **options})
    return with_known_means(kind(trainer, model), model, batch)


@pytest.fixture(scope="module")
def exact() -> dict[str, Tensor]:
    """Gradients by enumeration, many samples of z for each length."""
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    model, batch = make(), batch_of(TOKENS, rows=3, steps=4)
    found = {
        floors: gradients(
            objective(model, batch, estimator="enumerate", **options), model, batch, 8, 12
        )
        for floors, options in FLOORS.items()
    }
    torch.set_default_dtype(torch.float32)
    return found


@pytest.mark.parametrize("floors", FLOORS)
@pytest.mark.parametrize(("estimator", "samples"), [("rloo", 3), ("reinforce-ema", 1)])
def test_every_estimator_has_the_gradient_of_enumeration(
    model: LatentSeq,
    batch: Batch,
    exact: dict[str, Tensor],
    floors: str,
    estimator: str,
    samples: int,
) -> None:
    trained = objective(
        model, batch, estimator=estimator, samples=max(samples, 2), **FLOORS[floors]
    )
    squares = squared_errors(gradients(trained, model, batch, samples, 40), exact[floors])
    assert float(squares.mean()) < 2 and float(squares.max()) < 25


class Seen(Objective):
    """An error: the baseline has seen the reward that it is subtracted from."""

    def _advantage(self, reward: Tensor) -> Tensor:
        return reward - reward.mean(0)


class AtWeightOne(Objective):
    """An error: the reward holds the KL of z at weight 1, whatever the bound's weight is."""

    def evidence(self, *given: Any) -> Evidence:
        self.kl = 0.6 * (found := super().evidence(*given)).latents["z"].total_kl.detach()
        return found

    def _advantage(self, reward: Tensor) -> Tensor:
        return super()._advantage(reward - self.kl)


@pytest.mark.parametrize(("kind", "samples"), [(Seen, 2), (AtWeightOne, 2)])
def test_wrong_rewards_and_baselines_are_found(
    model: LatentSeq,
    batch: Batch,
    exact: dict[str, Tensor],
    kind: type[Objective],
    samples: int,
) -> None:
    trained = objective(model, batch, kind, estimator="rloo", samples=samples)
    squares = squared_errors(gradients(trained, model, batch, samples, 60), exact["no floors"])
    assert float(squares.mean()) > 4


@pytest.mark.parametrize(("gamma", "most"), [(0.99, 64), (0.5, 3), (0.01, 2), (0.9, 1)])
def test_the_kl_of_lengths_is_the_sum_by_hand(gamma: float, most: int, batch: Batch) -> None:
    model = make(gamma=gamma, max_latents=most)
    sample = model.sample(model.encode(batch), keyed(batch, 1))["length"]
    total = sum(gamma**k for k in range(1, most + 1))
    q = model.encode(batch).length.mean
    by_hand = torch.zeros(len(batch))
    for number in range(1, most + 1):
        share = q[:, number - 1]
        by_hand += share * (share / (gamma**number / total)).log()
    torch.testing.assert_close(sample.kl[0], by_hand, rtol=1e-12, atol=1e-12)


def every_sequence(longest: int) -> Batch:
    """All sequences of at most ``longest`` tokens that end in EOS, and nothing else."""
    rows = [
        [*words, 0] for n in range(longest) for words in product(range(1, TOKENS.size), repeat=n)
    ]
    x = torch.zeros(len(rows), longest, dtype=torch.int64)
    for number, row in enumerate(rows):
        x[number, : len(row)] = torch.tensor(row)
    return Batch(x, torch.tensor(list(map(len, rows))), torch.arange(len(rows)), TOKENS)


def probability_of_no_end(model: LatentSeq, z: dict[str, Tensor], steps: int) -> Tensor:
    """[K] the probability that none of the first ``steps`` tokens is EOS, step by step."""
    prefixes = list(product(range(1, TOKENS.size), repeat=steps))
    spread = {name: each.expand(-1, len(prefixes), *each.shape[2:]) for name, each in z.items()}
    noise = fresh(len(z["length"]), len(prefixes))
    state: State = model.start(spread, noise)
    total = torch.zeros(len(z["length"]), len(prefixes))
    for step in range(steps):
        p, state = model.emit(state, noise)
        x = torch.tensor([prefix[step] for prefix in prefixes]).expand(len(total), -1)
        total = total + p.log_prob(x)
        state = model.advance(state, x)
    return total.exp().sum(1)


@torch.no_grad()
def test_the_joint_density_integrates_to_one(model: LatentSeq) -> None:
    """Over l, z_1..z_l on a grid, and all sequences of at most 3 tokens, and those unfinished."""
    batch = every_sequence(3)
    points = torch.linspace(-5, 5, 17)
    cell = float(points[1] - points[0])
    total = 0.0
    for length in (1, 2):
        grid = torch.cartesian_prod(*[points] * length).view(-1, length)
        z = torch.zeros(len(grid), 1, 3, 1)
        z[:, 0, :length, 0] = grid
        number = torch.full((len(grid), 1), length - 1)
        codes = {"length": number, "z": z}
        one = Batch(batch.x[:1], batch.lengths[:1], batch.index[:1], TOKENS)
        drawn = model.posterior(model.encode(one), number, fresh(len(grid), 1))
        log_p = replace(drawn, z=z).log_p[:, 0]
        spread = {
            name: each.expand(-1, len(batch), *each.shape[2:]) for name, each in codes.items()
        }
        finished = model.log_px(batch, spread, fresh(len(grid), len(batch))).exp().sum(1)
        whole = finished + probability_of_no_end(model, codes, 3)
        p_length = float(model.prior_length(points).mean[length - 1])
        total += p_length * float((log_p.exp() * whole).sum()) * cell**length
    rest = float(model.prior_length(points).mean[2])
    assert total + rest == pytest.approx(1, abs=1e-5)


@torch.no_grad()
def test_sampled_and_enumerated_lengths_estimate_the_same_likelihood(batch: Batch) -> None:
    model = make(scale=1.0, latent_dim=2)
    encoded = model.encode(batch)
    gaps = []
    for count in (20, 4000):
        sampled = model.evidence(batch, encoded, keyed(batch, count, 1))
        enumerated = model.evidence(batch, encoded, keyed(batch, count, 2), enumerate=True)
        weight = (sampled.log_weight - sampled.log_weight.amax(0)).exp()
        error = weight.std(0) / weight.mean(0) / count**0.5  # of the logarithm of their mean
        gap = (sampled.log_likelihood - enumerated.log_likelihood).abs()
        assert bool((gap < 4 * 2**0.5 * error).all())
        gaps.append(float(error.max()))
    assert gaps[1] < 0.05 < gaps[0]


def test_what_comes_after_the_length_changes_nothing(model: LatentSeq, batch: Batch) -> None:
    latents = model.sample(model.encode(batch), keyed(batch, 5))
    length, z = latents["length"].z, latents["z"]
    assert {int(each) for each in length.unique()} == {0, 1, 2}
    others = z.z.masked_fill(~model.mask(length)[..., None], 7.0)
    assert not torch.equal(others, z.z)
    noise = keyed(batch, 5)
    before, after = (
        model.log_px(batch, {"length": length, "z": each}, noise) for each in (z.z, others)
    )
    assert torch.equal(before, after)
    moved = replace(z, z=others)
    assert torch.equal(moved.log_q, z.log_q) and torch.equal(moved.log_p, z.log_p)


def test_each_z_is_inferred_given_those_before_it(model: LatentSeq, batch: Batch) -> None:
    class MovedFirst(KeyedNoise):
        def at(self, name: str, step: int | Tensor | None = None) -> Noise:
            return super().at("another" if (name, step) == ("z", 1) else name, step)

    moved = MovedFirst(0, batch.index, range(2), torch.float64)
    encoded = model.encode(batch)
    number = torch.full((2, len(batch)), 2)
    one, other = (model.posterior(encoded, number, each) for each in (keyed(batch, 2), moved))
    changed = (one.q.mean != other.q.mean).flatten(3).any(-1)  # type: ignore[attr-defined]
    assert changed.all(0).all(0).tolist() == [False, False, True]
    assert (one.z != other.z)[:, :, 1:].all() and torch.equal(one.z[:, :, 0], other.z[:, :, 0])


def test_samples_of_the_prior_keep_a_given_length(model: LatentSeq, batch: Batch) -> None:
    given = torch.tensor([[0, 2, 1]])
    drawn = model.sample_prior(keyed(batch, 1), {"length": given})
    assert torch.equal(drawn["length"], given)
    free = model.sample_prior(keyed(batch, 20_000), {})["length"]
    share = torch.bincount(free.flatten(), minlength=3) / free.numel()
    torch.testing.assert_close(share, model.prior_length(share).mean, rtol=0, atol=0.01)


def test_attention_is_the_weighted_sum_over_real_positions() -> None:
    attention = AdditiveAttention(features=2, hidden=3)
    values, query = torch.randn(4, 5, 2), torch.randn(4, 3)
    mask = torch.arange(5) < torch.tensor([1, 3, 5, 2])[:, None]
    found = attention(query, attention.memory(values, mask))
    for row in range(4):
        real = values[row, mask[row]]
        scores = [
            attention.score((attention.keys(v) + attention.query(query[row])).tanh()) for v in real
        ]
        weights = torch.stack(scores).softmax(0)
        torch.testing.assert_close(found[row], (weights * real).sum(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": 1.0}, r"^gamma=1.0 is out of range: it must be less than 1.0$"),
        ({"gamma": 0.0}, r"^gamma=0.0 is out of range: it must be greater than 0.0$"),
        ({"max_latents": 0}, r"^max_latents=0 is out of range: it must be at least 1$"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Config(**options)


def diagnosed(model: SequenceModel, batch: Batch) -> dict[str, float]:
    """The numbers of a batch that is shown in two parts, the later rows first."""
    diagnostic = Lengths()
    parts = [
        Batch(batch.x[rows], batch.lengths[rows], batch.index[rows], TOKENS)
        for rows in (slice(3, None), slice(3))
    ]
    with torch.no_grad():
        for part in parts:
            evidence = model.evidence(part, model.encode(part), keyed(part, 1))
            diagnostic.update(model, part, evidence.first())
        diagnostic.intervene(model, parts, 0)
    assert [page.name for page in diagnostic.pages()] == ["lengths.txt", "plots/lengths.png"]
    return diagnostic.numbers()


def test_diagnostics_are_the_same_by_hand(model: LatentSeq) -> None:
    batch = batch_of(TOKENS, rows=40, steps=4)
    found = diagnosed(model, batch)
    q = model.encode(batch).length.mean.detach().numpy()
    values = np.array([1, 2, 3])
    information = (q * np.log(q / q.mean(0))).sum(1).mean()  # as a mean of KL(q(l|x) || mean q)
    assert found["I(x; l)"] == pytest.approx(information)
    assert found["mean l"] == pytest.approx((q @ values).mean())
    assert found["std l"] ** 2 == pytest.approx((q @ values**2).mean() - (q @ values).mean() ** 2)
    expected = np.corrcoef(q @ values, batch.lengths)[0, 1]
    assert found["corr(l, tokens)"] == pytest.approx(expected)


def test_numeric_factors_are_compared_with_the_length(model: LatentSeq) -> None:
    batch = batch_of(TOKENS, rows=40, steps=4)
    facts = np.random.default_rng(0).integers(1, 4, 40) + batch.lengths.numpy()
    topic = np.array(["sea", "school"] * 20)
    diagnostic = Lengths()
    diagnostic.begin(replace(Split.of([[0]] * 40), factors={"facts": facts, "topic": topic}))
    with torch.no_grad():
        evidence = model.evidence(batch, model.encode(batch), keyed(batch, 1))
        diagnostic.update(model, batch, evidence.first())
    found = diagnostic.numbers()
    length = model.encode(batch).length.mean.detach().numpy() @ np.array([1, 2, 3])
    assert found["corr(l, facts)"] == pytest.approx(np.corrcoef(length, facts)[0, 1])
    assert found["rank corr(l, facts)"] == pytest.approx(correlation(ranks(length), ranks(facts)))
    assert {"corr(l, facts given tokens)", "corr(l, tokens given facts)"} < found.keys()
    assert not any("topic" in title for title in found)
    _, picture = diagnostic.pages()
    assert [panel.x_label for panel in picture.content][2:] == ["facts"]  # type: ignore[union-attr]


def test_interventions_change_nothing_where_the_decoder_is_blind(model: LatentSeq) -> None:
    batch = batch_of(TOKENS, rows=40, steps=4)
    found = diagnosed(model, batch)
    assert found["other l"] and found["other z"]
    with torch.no_grad():
        for map in model.decoder_start:
            map.weight.zero_()
        memory = model.decoder.rnn.layers[0].weight_ih_l0[:, -2 * SIZES["hidden_dim"] :]
        memory.zero_()
    blind = diagnosed(model, batch)
    assert blind["other l"] == blind["other z"] == blind["other z stderr"] == 0


def test_partners_have_equal_lengths_and_are_others() -> None:
    length = torch.tensor([2, 0, 2, 1, 0, 2])
    found = partners(length, np.random.default_rng(0))
    assert torch.equal(length[found], length)
    assert (found == torch.arange(6)).tolist() == [False, False, False, True, False, False]
    assert sorted(found.tolist()) == list(range(6))


def test_entropy_and_correlation_have_their_limits() -> None:
    assert entropy(np.array([0.0, 1.0])) == 0
    assert entropy(np.full(4, 0.25)) == pytest.approx(np.log(4))
    assert correlation(np.ones(3), np.arange(3)) == 0
    assert correlation(np.arange(3), -2 * np.arange(3)) == pytest.approx(-1)


def test_a_partial_correlation_is_that_of_residuals() -> None:
    rng = np.random.default_rng(0)
    given, a, b = rng.normal(size=(3, 50))
    a, b = a + given, b - 2 * given + a
    left = [y - np.polyval(np.polyfit(given, y, 1), given) for y in (a, b)]
    assert partial_correlation(a, b, given) == pytest.approx(np.corrcoef(*left)[0, 1])
    assert partial_correlation(a, given, given) == 0


def test_equal_values_share_a_rank() -> None:
    assert ranks(np.array([3.0, -1.0, 3.0, 0.5])).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_the_mean_code_has_the_median_length(model: LatentSeq, batch: Batch) -> None:
    encoded = model.encode(batch)
    found = model.sample(encoded, MeanNoise(len(batch), torch.device("cpu"), torch.float64))
    below = encoded.length.mean.cumsum(-1)
    assert found["length"].z[0].tolist() == (below <= 0.5).sum(-1).tolist()
    real = model.mask(found["length"].z)
    assert torch.equal(found["z"].z[real], found["z"].q.mean[real])
