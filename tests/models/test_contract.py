"""What every model in ``conf/model/`` must keep, at tiny sizes and in float64, on symbols and on frames."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from vaetext.config.store import register
from vaetext.data.batch import Batch
from vaetext.data.domain import Domain, Frames, Symbols
from vaetext.data.loader import Split, collate
from vaetext.distributions.noise import KeyedNoise
from vaetext.evaluation.scoring import score
from vaetext.models.base import Generator, SequenceModel
from vaetext.models.registry import build
from vaetext.objectives.bounds import importance_nll
from vaetext.runs import checkpoint

SYMBOLS = Symbols(size=7, eos=1, unk=0, longest=11)
FRAMES = Frames(size=2, longest=11)
SENTENCES = [[2, 3, 1], [1], [4, 5, 6, 2, 1], [0, 6, 1], [2, 3, 3, 3, 3, 3, 4, 5, 6, 2, 1]]
CURVES = [
    np.random.default_rng(n).normal(size=(len(sentence), FRAMES.size))
    for n, sentence in enumerate(SENTENCES)
]
SEQUENCES: dict[Domain, list[Any]] = {SYMBOLS: SENTENCES, FRAMES: CURVES}
SMALL = {
    "embedding_dim": 5,
    "hidden_dim": 6,
    "latent_dim": 3,
    "dropout": 0.0,
    "output_dropout": 0.0,
    "init_scale": 0.0,
}
SMALL |= {
    "local_dim": 2,
    "pyramid_layers": 2,
    "components": 3,
    "pseudo_length": 2,
    "channels": [4, 6],
    "output_channels": 5,
}
SMALL |= {"hidden_dims": [6, 5], "latent_dims": [3, 2], "reconstruction_dim": 4}
NAMES = sorted(path.stem for path in (Path(__file__).parents[2] / "conf" / "model").glob("*.yaml"))
VARIANTS = {
    "hvrae": [
        {},
        {"cell": "gru", "layers": 2, "encoder_layers": 2, "local_prior": "conditional"},
        {"local": "sequence", "pyramid_layers": 2},
        {"local": "sequence", "local_prior": "conditional", "max_length": 20, "tied": True},
        {"prior": "gmm"},
        {"prior": "vamp", "pyramid_layers": 1},
    ],
    "rnnlm": [{}, {"cell": "gru", "layers": 2}, {"tied": True}],
    "vrae": [
        {},
        {"cell": "gru", "layers": 2, "encoder_layers": 2, "bidirectional": True},
        {"pooling": "max", "z_to": "inputs"},
        {"prior": "gmm"},
        {"prior": "vamp"},
        {"latent": "feature-map", "max_length": 12, "bidirectional": True, "stride": 4},
    ],
    "cnn": [
        {},
        {"latent": "feature-map", "max_length": 11},
        {"batch_norm": False},
        {"prior": "vamp"},
        {"channels": [4, 5, 6, 7, 8]},
    ],
    "hybrid-cnn": [
        {},
        {"latent": "feature-map"},
        {"cell": "lstm", "layers": 2, "prior": "gmm"},
        {"tied": True},
    ],
    "lvae": [
        {},
        {"hidden_dims": [6], "latent_dims": [3], "cell": "lstm", "layers": 2},
        {
            "hidden_dims": [6, 6, 5, 4],
            "latent_dims": [4, 3, 3, 2],
            "only_mu_up": True,
            "z_to": "inputs",
        },
        {"batch_norm": False, "max_length": 12},
    ],
    "lcnnvae": [
        {},
        {"latent": "feature-map"},
        {
            "hidden_dims": [6, 6, 5, 4, 4, 3],
            "latent_dims": [4, 3, 3, 2, 2, 2],
            "only_mu_up": True,
            "z_to": "inputs",
        },
        {"latent": "feature-map", "only_mu_up": True, "batch_norm": False, "max_length": 12},
    ],
    "lrnnvae": [
        {},
        {"cell": "lstm", "bidirectional": True, "only_mu_up": True, "z_to": "inputs"},
        {"latent": "feature-map", "bidirectional": True},
        {"latent": "feature-map", "only_mu_up": True, "batch_norm": False, "max_length": 12},
    ],
}
CASES = [
    pytest.param(name, options, domain, id=f"{name}-{n}-{type(domain).__name__.lower()}")
    for domain in SEQUENCES
    for name in NAMES
    for n, options in enumerate(VARIANTS.get(name, [{}]))
    if domain is SYMBOLS or n == 0 or "feature-map" in options.values()
]
every_case = pytest.mark.parametrize(("name", "options", "domain"), CASES)


@pytest.fixture(scope="module", autouse=True)
def _hydra() -> Iterator[None]:
    register()
    with initialize_config_module("vaetext.conf", version_base="1.3"):
        yield


def make(name: str, options: dict[str, Any], domain: Domain = SYMBOLS) -> SequenceModel:
    config = compose("train", overrides=[f"model={name}"]).model
    for key, value in {**SMALL, **options}.items():
        if key in config:
            config[key] = value
    torch.manual_seed(0)
    return build(OmegaConf.to_object(config), domain).double()  # type: ignore[arg-type]


def batch_of(domain: Domain, rows: list[int] | None = None) -> Batch:
    """The sequences ``rows`` of a domain, each with the noise of its own number."""
    return collate(
        Split.of(SEQUENCES[domain]),
        np.arange(len(SENTENCES)) if rows is None else np.array(rows),
        domain,
    )


def evidence(model: SequenceModel, batch: Batch, samples: int = 4):  # type: ignore[no-untyped-def]
    return model.evidence(batch, KeyedNoise(0, batch.index, range(samples), torch.float64))


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
def test_evaluation_decodes_what_training_does(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model, batch = make(name, options, domain).eval(), batch_of(domain)
    codes = model.sample(
        model.posterior(batch), KeyedNoise(0, batch.index, range(4), torch.float64)
    )
    log_px = model.log_px(batch, {latent: code.z for latent, code in codes.items()})
    torch.testing.assert_close(log_px, evidence(model, batch).log_px, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "cnn"])
def test_weights_but_a_priors_start_in_the_range_that_is_asked_for(name: str) -> None:
    model = make(name, {"init_scale": 0.05, "prior": "gmm"})
    for own, weight in model.named_parameters():
        largest = float(weight.detach().abs().max())
        assert largest > 0.05 if own == "prior.mean" else largest <= 0.05
        assert weight.numel() < 20 or own.startswith("prior") or largest > 0.03


@every_case
def test_analytic_and_sampled_bounds_agree(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).eval()
    result = evidence(model, batch_of(domain), samples=4000)
    difference = result.elbo - result.log_weight
    error = difference.std(0, correction=0) / difference.shape[0] ** 0.5 + 1e-9
    assert bool((difference.mean(0).abs() < 4 * error).all())
    assert bool((-importance_nll(result.log_weight) >= result.log_weight.mean(0) - 1e-9).all())


@every_case
def test_a_sequence_reads_its_own_code_only(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).eval()
    batch = batch_of(domain)
    codes = model.sample(
        model.posterior(batch), KeyedNoise(0, batch.index, range(1), torch.float64)
    )
    for latent in model.latents:
        kept = {key: code.z for key, code in codes.items()}
        moved = {key: z.clone() for key, z in kept.items()}
        moved[latent][:, 2] += 1
        one, other = (
            model.redrawn(each, latent, KeyedNoise(1, batch.index, range(1), torch.float64))
            for each in (kept, moved)
        )
        changed = model.log_px(batch, one) != model.log_px(batch, other)
        assert changed[0].tolist() == [False, False, True, False, False]


@every_case
def test_the_decoder_reads_the_latents_that_it_says(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model, batch = make(name, options, domain).eval(), batch_of(domain)
    noise = KeyedNoise(0, batch.index, range(2), torch.float64)
    codes = {latent: code.z for latent, code in model.sample(model.posterior(batch), noise).items()}
    before = model.log_px(batch, codes)
    for latent, z in codes.items():
        same = torch.equal(before, model.log_px(batch, {**codes, latent: z + 1.0}))
        assert same == (latent not in model.decoded), latent


@every_case
def test_word_dropout_reaches_the_models_that_say_so(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    made, batch = make(name, options, domain).eval(), batch_of(domain)
    whole, dropped = (evidence(made, each).log_px for each in (batch, batch.with_word_dropout(1.0)))
    assert made.reads_inputs == (not torch.allclose(whole, dropped))


@every_case
def test_steps_give_the_same_law_as_teacher_forcing(
    name: str, options: dict[str, Any], domain: Domain
) -> None:
    model = make(name, options, domain).eval()
    if not isinstance(model, Generator):
        pytest.skip(f"{name} has no step-by-step decoder")
    batch = batch_of(domain)
    codes = {
        key: code.z
        for key, code in model.sample(
            model.posterior(batch), KeyedNoise(0, batch.index, range(1), torch.float64)
        ).items()
    }
    expected = model.log_px(batch, codes)[0]
    for row, length in enumerate(batch.lengths.tolist()):
        state, total = model.start({key: z[0, row : row + 1] for key, z in codes.items()}, 1), 0.0
        for step in range(length):
            law, state = model.step(state, batch.inputs[row : row + 1, step])
            x = batch.x[row, step]
            if isinstance(law, torch.Tensor):
                assert law.exp().sum().item() == pytest.approx(1.0)
            total += (law[0, x] if isinstance(law, torch.Tensor) else law.log_prob(x)[0]).item()
        assert total == pytest.approx(expected[row].item(), rel=1e-10)


@every_case
def test_saving_and_loading_gives_the_same_model(
    name: str, options: dict[str, Any], domain: Domain, tmp_path: Path
) -> None:
    model = make(name, options, domain)
    evidence(
        model, batch_of(domain)
    )  # in training mode: running statistics become those of a batch
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
    model = make(name, options, domain)
    split = Split.of(
        [each if domain is SYMBOLS else each.astype(np.float32) for each in SEQUENCES[domain]]
    )
    one, other = (
        score(
            model.float(), split, seed=0, samples=3, batch_tokens=tokens, device=torch.device("cpu")
        )
        for tokens in (1, 100)
    )
    torch.testing.assert_close(one.log_weight, other.log_weight, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(one.elbo, other.elbo, rtol=1e-5, atol=1e-5)


@every_case
def test_prior_draws_decode(name: str, options: dict[str, Any], domain: Domain) -> None:
    model = make(name, options, domain).eval()
    batch = batch_of(domain)
    drawn = model.sample_prior(KeyedNoise(0, batch.index, range(2), torch.float64))
    assert set(drawn) == set(model.latents)
    assert model.log_px(batch, drawn).isfinite().all()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "cnn"])
def test_frames_have_no_embedding_to_tie(name: str) -> None:
    with pytest.raises(ValueError, match=r"model\.tied=true .* set model\.tied=false"):
        make(name, {"tied": True}, FRAMES)
