"""What every model in ``conf/model/`` must keep, at tiny sizes and in float64.

The cases are those of ``contract_cases.py``: every variant on symbols, some on frames.
"""

from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from contract_cases import (
    FEATURES,
    LONGEST,
    NAMES,
    SENTENCES,
    SEQUENCES,
    VOCABULARY,
    cases,
    has_analytic_kl,
    has_latents,
    small_options,
    takes,
)
from hydra import compose, initialize_config_module
from omegaconf import DictConfig, OmegaConf
from toys.length import ToyLength

from vaetext.config.model import Latent as LatentOptions
from vaetext.config.model import Recurrent
from vaetext.config.models import MODELS
from vaetext.config.store import register
from vaetext.data.batch import Batch
from vaetext.data.domain import Binary, Domain, Real, Symbols
from vaetext.data.loader import Split, collate
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.gaussian import Gaussian
from vaetext.distributions.latent import Latent
from vaetext.distributions.noise import KeyedNoise, Noise
from vaetext.evaluation.scoring import score
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build
from vaetext.runs import checkpoint

SYMBOLS = Symbols(size=VOCABULARY, eos=1, unk=0, longest=LONGEST)
FRAMES = Real(size=FEATURES, longest=LONGEST)
BINARY = Binary(size=FEATURES, longest=LONGEST)
DOMAINS: dict[str, Domain] = {"symbols": SYMBOLS, "frames": FRAMES, "binary": BINARY}
TOYS = {"toy-length": ToyLength}
CASES = [
    pytest.param(name, options, DOMAINS[domain], id=case)
    for case, (name, options, domain) in cases().items()
] + [
    pytest.param(name, {}, domain, id=f"{name}-{kind}")
    for name in TOYS
    for kind, domain in DOMAINS.items()
]


def of_cases(wanted: list[Any]) -> pytest.MarkDecorator:
    """Runs a test for each of these cases."""
    return pytest.mark.parametrize(("name", "options", "domain"), wanted)


DECODERS = [name for name in NAMES if issubclass(MODELS[name], Recurrent)]
every_case = of_cases(CASES)
latent_cases = of_cases([each for each in CASES if has_latents(each.values[0])])
bounded_cases = of_cases(
    [each for each in CASES if issubclass(MODELS.get(each.values[0], object), LatentOptions)]
)
analytic_cases = of_cases([each for each in CASES if has_analytic_kl(*each.values[:2])])


@cache
def config_of(name: str) -> DictConfig:
    """A model's configuration as it is composed; composing takes long, so each is made once."""
    register()
    with initialize_config_module("vaetext.conf", version_base="1.3"):
        return compose("train", overrides=[f"model={name}"]).model


def make(name: str, options: dict[str, Any], domain: Domain = SYMBOLS) -> SequenceModel:
    if name in TOYS:
        torch.manual_seed(0)
        return TOYS[name](TOYS[name].Config(), domain).double()
    config = config_of(name)
    small = {key: value for key, value in small_options(options).items() if key in config}
    torch.manual_seed(0)
    merged = OmegaConf.merge(config, small, options)
    return build(OmegaConf.to_object(merged), domain).double()  # type: ignore[arg-type]


def sequences_of(domain: Domain) -> list[Any]:
    return SEQUENCES[next(kind for kind, each in DOMAINS.items() if each is domain)]


def batch_of(domain: Domain, rows: list[int] | None = None) -> Batch:
    """The sequences ``rows`` of a domain, each with the noise of its own number."""
    return collate(
        Split.of(sequences_of(domain)),
        np.arange(len(SENTENCES)) if rows is None else np.array(rows),
        domain,
    )


def noise(batch: Batch, samples: int, seed: int = 0) -> KeyedNoise:
    return KeyedNoise(seed, batch.index, range(samples), torch.float64)


def evidence(model: SequenceModel, batch: Batch, samples: int = 4) -> Evidence:
    return model.evidence(batch, model.encode(batch), noise(batch, samples))


def posterior_samples(model: SequenceModel, batch: Batch, samples: int) -> dict[str, torch.Tensor]:
    """Latent name -> z [K, B, ...]."""
    latents = model.sample(model.encode(batch), noise(batch, samples))
    return {name: each.z for name, each in latents.items()}


@every_case
def test_every_parameter_gets_a_gradient(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain)
    result = evidence(model, batch_of(domain))
    (result.elbo.mean() + sum(aux.mean() for aux in result.aux.values())).backward()
    without = [
        key
        for key, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert without == []


@bounded_cases
def test_a_posterior_is_no_wider_than_asked(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model, batch = make(name, {**options, "max_log_variance": -1.5}, domain), batch_of(domain)
    for latent in model.sample(model.encode(batch), noise(batch, 1)).values():
        assert isinstance(latent.q, Gaussian)
        torch.testing.assert_close(latent.q.log_var.max(), torch.tensor(-1.5, dtype=torch.float64))


@every_case
def test_padding_batch_and_order_change_nothing(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).eval()
    together = evidence(model, batch_of(domain))
    for row in range(len(SENTENCES)):
        alone = evidence(model, batch_of(domain, [row]))
        torch.testing.assert_close(
            alone.log_weight[:, 0], together.log_weight[:, row], rtol=1e-10, atol=1e-10
        )
        torch.testing.assert_close(alone.elbo[:, 0], together.elbo[:, row], rtol=1e-10, atol=1e-10)
    order = [3, 0, 4, 2, 1]
    other = evidence(model, batch_of(domain, order))
    torch.testing.assert_close(other.elbo, together.elbo[:, order], rtol=1e-10, atol=1e-10)


@every_case
def test_evidence_and_log_px_agree(name: str, options: dict[str, Any], domain: Domain) -> None:
    model = make(name, options, domain).eval()
    batch = batch_of(domain)
    log_px = model.log_px(batch, posterior_samples(model, batch, 4), noise(batch, 4))
    torch.testing.assert_close(log_px, evidence(model, batch).log_px, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", DECODERS)
def test_initial_weights_except_the_priors_are_within_init_scale(name: str) -> None:
    prior = {"prior": "gmm"} if "prior" in config_of(name) else {}
    model = make(name, {"init_scale": 0.05, **prior})
    for own, weight in model.named_parameters():
        largest = float(weight.detach().abs().max())
        assert largest > 0.05 if own == "prior.mean" else largest <= 0.05
        assert weight.numel() < 20 or own.startswith("prior") or largest > 0.03


@analytic_cases
def test_analytic_and_sampled_bounds_agree(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).eval()
    result = evidence(model, batch_of(domain), samples=4000)
    difference = result.elbo - result.log_weight
    assert bool(difference.any(0).all()), "both are the same number: has_analytic_kl is wrong"
    error = difference.std(0, correction=0) / difference.shape[0] ** 0.5
    assert bool((difference.mean(0).abs() < 4 * error).all())


@latent_cases
def test_importance_weighted_bound_is_above_the_mean_of_its_log_weights(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    result = evidence(make(name, options, domain).eval(), batch_of(domain))
    assert bool((result.log_likelihood > result.log_weight.mean(0)).all())


def moved_by_one(model: SequenceModel, name: str, z: torch.Tensor) -> torch.Tensor:
    """Another value of a latent: 1 more, or of a discrete one the value before or after."""
    discrete = {latent.name: latent.discrete for latent in model.latents}[name]
    return torch.where(z == 0, z + 1, z - 1) if discrete else z + 1


@latent_cases
def test_a_latent_changes_its_own_sequence_only(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).eval()
    assert model.latents
    batch = batch_of(domain)
    kept = posterior_samples(model, batch, 1)
    for latent in model.latent_names:
        moved = kept[latent].clone()
        moved[:, 2] = moved_by_one(model, latent, moved[:, 2])
        redrawn = model.conditioned_on(latent)
        before, after = (
            model.log_px(
                batch,
                {key: z for key, z in each.items() if key not in redrawn},
                noise(batch, 1, seed=1),
            )
            for each in (kept, {**kept, latent: moved})
        )
        assert (before != after)[0].tolist() == [False, False, True, False, False]


@latent_cases
def test_the_decoder_reads_exactly_the_latents_declared_as_decoded(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).eval()
    batch = batch_of(domain)
    z = posterior_samples(model, batch, 2)
    before = model.log_px(batch, z, noise(batch, 2))
    read = [
        latent
        for latent in z
        if not torch.equal(
            before,
            model.log_px(
                batch, {**z, latent: moved_by_one(model, latent, z[latent])}, noise(batch, 2)
            ),
        )
    ]
    assert read == [latent.name for latent in model.latents if latent.decoded] != []


@latent_cases
def test_latents_are_declared_as_they_are_conditioned(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    """q and p of a latent change with another latent's draw if and only if they are declared so."""
    model = make(name, options, domain).eval()
    batch = batch_of(domain)
    encoded = model.encode(batch)
    plain = model.sample(encoded, noise(batch, 2))
    assert list(plain) == model.latent_names
    for other in model.latents:
        redrawn = model.sample(encoded, DifferentAt(noise(batch, 2), other.name))
        for latent in model.latents:
            above = given_all(model, latent, "q_given"), given_all(model, latent, "p_given")
            for kind, declared in zip(("q", "p"), above, strict=True):
                one, two = (getattr(each[latent.name], kind) for each in (plain, redrawn))
                masks = [each[latent.name].mask for each in (plain, redrawn)]
                same = all(
                    torch.equal(getattr(one, part.name), getattr(two, part.name))
                    for part in fields(one)
                ) and (masks[0] is None or torch.equal(*masks))
                assert same == (other.name not in declared), f"{kind} of {latent.name}"


def given_all(model: SequenceModel, latent: Latent, kind: str) -> set[str]:
    """The latents that a latent's q or p is conditioned on, directly or through their own draws."""
    found = set(getattr(latent, kind))
    for _ in model.latents:
        found |= {up for each in model.latents if each.name in found for up in each.q_given}
    return found


class DifferentAt(Noise):
    """Another seed's noise for one latent."""

    def __init__(self, usual: KeyedNoise, name: str) -> None:
        self.usual = usual
        self.name = name
        self.samples = usual.samples
        self.rows = usual.rows

    def at(self, name: str, step: Any = None) -> Noise:
        different = self.usual.at("another") if name == self.name else self.usual
        return different.at(name, step)

    def normal(self, *shape: int) -> torch.Tensor:
        raise AssertionError("noise must be drawn by the name of its latent")

    uniform = normal

    def expand(self, times: int) -> Noise:
        raise AssertionError


@every_case
def test_word_dropout_changes_the_models_that_read_inputs(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).eval()
    batch = batch_of(domain)
    whole = evidence(model, batch).log_px
    dropped = evidence(model, batch.with_word_dropout(1.0)).log_px
    assert model.reads_inputs == (not torch.allclose(whole, dropped))


@every_case
def test_steps_give_the_distributions_of_teacher_forcing(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).eval()
    batch = batch_of(domain)
    z = posterior_samples(model, batch, 2)
    expected = model.log_px(batch, z, noise(batch, 2))
    state = model.start(z, noise(batch, 2))
    total = torch.zeros(2, len(batch), dtype=torch.float64)
    for step in range(batch.x.shape[1]):
        p, state = model.emit(state, noise(batch, 2))
        if domain is SYMBOLS:
            torch.testing.assert_close(p.mean.sum(-1), torch.ones_like(total))
        real = batch.mask[:, step]
        total = total + torch.where(real, p.log_prob(batch.x[:, step]), 0.0)
        state = model.advance(state, batch.x[:, step].expand(2, *batch.x[:, step].shape))
    torch.testing.assert_close(total, expected, rtol=1e-10, atol=1e-10)


@every_case
def test_every_leaf_of_the_state_has_samples_and_sequences_first(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).eval()
    batch = batch_of(domain)
    state = model.start(posterior_samples(model, batch, 2), noise(batch, 2))
    _, state = model.emit(state, noise(batch, 2))
    assert {leaf.shape[:2] for leaf in state.values()} == {(2, len(batch))}


@every_case
def test_saving_and_loading_gives_the_same_model(
    name: str, options: dict[str, Any], domain: Domain, tmp_path: Path
) -> None:
    model = make(name, options, domain)
    evidence(model, batch_of(domain))  # in training mode, so that running statistics change
    model.eval()
    checkpoint.save(tmp_path / "best.safetensors", {"model": model.state_dict()}, {})
    other = make(name, options, domain).eval()
    for tensor in other.state_dict().values():  # they share memory with the model
        tensor.zero_()
    groups, _ = checkpoint.load(tmp_path / "best.safetensors", torch.device("cpu"))
    checkpoint.load_weights(other, groups["model"], tmp_path)
    assert torch.equal(
        evidence(other, batch_of(domain)).elbo, evidence(model, batch_of(domain)).elbo
    )


@every_case
def test_evaluation_is_the_same_in_batches_of_any_size(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).float()
    split = Split.of(
        [each if domain is SYMBOLS else each.astype(np.float32) for each in sequences_of(domain)]
    )
    one, other = (
        score(model, split, seed=0, samples=3, batch_tokens=tokens, device=torch.device("cpu"))
        for tokens in (1, 100)
    )
    torch.testing.assert_close(one.log_weight, other.log_weight, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(one.elbo, other.elbo, rtol=1e-5, atol=1e-5)


@latent_cases
def test_draws_from_the_prior_decode(name: str, options: dict[str, Any], domain: Domain) -> None:
    model = make(name, options, domain).eval()
    batch = batch_of(domain)
    drawn = model.sample_prior(noise(batch, 2), {})
    assert set(drawn) == {latent.name for latent in model.latents if not latent.per_step}
    assert model.log_px(batch, drawn, noise(batch, 2)).isfinite().all()


@latent_cases
def test_given_latents_are_kept(name: str, options: dict[str, Any], domain: Domain) -> None:
    model = make(name, options, domain).eval()
    batch = batch_of(domain)
    z = posterior_samples(model, batch, 2)
    kept = model.sample_prior(noise(batch, 2), z)
    assert all(torch.equal(kept[latent], z[latent]) for latent in model.latent_names)


@pytest.mark.parametrize("name", [name for name in DECODERS if takes(name, "frames")])
def test_tied_weights_of_frames_are_an_error(name: str) -> None:
    with pytest.raises(
        ValueError,
        match=r"^model\.tied=true: only the embedding of tokens .* set model\.tied=false$",
    ):
        make(name, {"tied": True}, FRAMES)
