"""What every model in ``conf/model/`` must keep, at tiny sizes and in float64.

The cases are those of ``contract_cases.py``: every variant on symbols, some on frames.
"""

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
    SMALL,
    VOCABULARY,
    cases,
    has_analytic_kl,
)
from hydra import compose, initialize_config_module
from omegaconf import DictConfig, OmegaConf

from vaetext.config.store import register
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain, Frames, Symbols
from vaetext.data.loader import Split, collate
from vaetext.distributions.evidence import Evidence
from vaetext.distributions.noise import KeyedNoise
from vaetext.evaluation.scoring import score
from vaetext.models.base import Generator, SequenceModel
from vaetext.models.registry import build, find
from vaetext.objectives.bounds import importance_nll
from vaetext.runs import checkpoint

SYMBOLS = Symbols(size=VOCABULARY, eos=1, unk=0, longest=LONGEST)
FRAMES = Frames(size=FEATURES, longest=LONGEST)
DOMAINS: dict[str, Domain] = {"symbols": SYMBOLS, "frames": FRAMES}
CASES = [
    pytest.param(name, options, DOMAINS[domain], id=case)
    for case, (name, options, domain) in cases().items()
]


def of_cases(wanted: list[Any]) -> pytest.MarkDecorator:
    """Runs a test for each of these cases."""
    return pytest.mark.parametrize(("name", "options", "domain"), wanted)


def has_latents(name: str) -> bool:
    return name != "rnnlm"


every_case = of_cases(CASES)
latent_cases = of_cases([each for each in CASES if has_latents(each.values[0])])
analytic_cases = of_cases([each for each in CASES if has_analytic_kl(*each.values[:2])])
generator_cases = of_cases([each for each in CASES if issubclass(find(each.values[0]), Generator)])


@cache
def config_of(name: str) -> DictConfig:
    """A model's configuration as it is composed; composing takes long, so each is made once."""
    register()
    with initialize_config_module("vaetext.conf", version_base="1.3"):
        return compose("train", overrides=[f"model={name}"]).model


def make(name: str, options: dict[str, Any], domain: Domain = SYMBOLS) -> SequenceModel:
    config = config_of(name)
    small = {key: value for key, value in SMALL.items() if key in config}
    torch.manual_seed(0)
    merged = OmegaConf.merge(config, small, options)
    return build(OmegaConf.to_object(merged), domain).double()  # type: ignore[arg-type]


def sequences_of(domain: Domain) -> list[Any]:
    return SEQUENCES["symbols" if domain is SYMBOLS else "frames"]


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
    return model.evidence(batch, noise(batch, samples))


def posterior_samples(model: SequenceModel, batch: Batch, samples: int) -> dict[str, torch.Tensor]:
    """Latent name -> z [K, B, ...]."""
    codes = model.sample(model.posterior(batch), noise(batch, samples))
    return {latent: code.z for latent, code in codes.items()}


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
    log_px = model.log_px(batch, posterior_samples(model, batch, 4))
    torch.testing.assert_close(log_px, evidence(model, batch).log_px, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "cnn"])
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
    log_weight = evidence(make(name, options, domain).eval(), batch_of(domain)).log_weight
    assert bool((-importance_nll(log_weight) > log_weight.mean(0)).all())


@latent_cases
def test_a_latent_changes_its_own_sequence_only(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).eval()
    assert model.latents
    batch = batch_of(domain)
    kept = posterior_samples(model, batch, 1)
    for latent in model.latents:
        moved = {key: z.clone() for key, z in kept.items()}
        moved[latent][:, 2] += 1
        before, after = (
            model.log_px(batch, model.redrawn(each, latent, noise(batch, 1, seed=1)))
            for each in (kept, moved)
        )
        assert (before != after)[0].tolist() == [False, False, True, False, False]


@latent_cases
def test_the_decoder_reads_exactly_the_latents_in_decoded(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).eval()
    batch = batch_of(domain)
    z = posterior_samples(model, batch, 2)
    before = model.log_px(batch, z)
    read = [
        latent
        for latent in z
        if not torch.equal(before, model.log_px(batch, {**z, latent: z[latent] + 1.0}))
    ]
    assert read == list(model.decoded) != []


@every_case
def test_word_dropout_changes_the_models_that_read_inputs(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).eval()
    batch = batch_of(domain)
    whole = evidence(model, batch).log_px
    dropped = evidence(model, batch.with_word_dropout(1.0)).log_px
    assert model.reads_inputs == (not torch.allclose(whole, dropped))


@generator_cases
def test_steps_give_the_distributions_of_teacher_forcing(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).eval()
    batch = batch_of(domain)
    z = posterior_samples(model, batch, 1)
    expected = model.log_px(batch, z)[0]
    for row, length in enumerate(batch.lengths.tolist()):
        state = model.start({latent: each[0, row : row + 1] for latent, each in z.items()}, 1)
        total = 0.0
        for step in range(length):
            distribution, state = model.step(state, batch.inputs[row : row + 1, step])
            total += log_prob(distribution, batch.x[row, step])
        assert total == pytest.approx(expected[row].item(), rel=1e-10)


def log_prob(distribution: Any, x: torch.Tensor) -> float:
    """log p of one token or frame; probabilities of tokens must sum to 1."""
    if isinstance(distribution, torch.Tensor):
        assert distribution.exp().sum().item() == pytest.approx(1.0)
        return distribution[0, x].item()
    return distribution.log_prob(x)[0].item()


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
    drawn = model.sample_prior(noise(batch, 2))
    assert set(drawn) == set(model.latents)
    assert model.log_px(batch, drawn).isfinite().all()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "cnn"])
def test_tied_weights_of_frames_are_an_error(name: str) -> None:
    with pytest.raises(ValueError, match=r"model\.tied=true .* set model\.tied=false"):
        make(name, {"tied": True}, FRAMES)
