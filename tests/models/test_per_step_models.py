"""vrnn, srnn and rnn: against step-by-step references, on degenerate data, and at their limits."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from step_models import make
from torch import Tensor, nn
from torch.nn.functional import softplus
from toys.batches import batch_of

from vaetext.config.models.vrnn import VRNN as VRNNConfig
from vaetext.config.trainer import Trainer
from vaetext.data.batch import Batch
from vaetext.data.domain import Binary, Domain, Real, Symbols
from vaetext.distributions.noise import FreshNoise, KeyedNoise
from vaetext.distributions.state import detach
from vaetext.models import step
from vaetext.objectives.objective import Objective

REAL = Real(2, longest=6)
BINARY = Binary(2, longest=6)
SYMBOLS = Symbols(5, longest=6, eos=0, unk=1)
DOMAINS: list[Domain] = [REAL, BINARY, SYMBOLS]
CPU = torch.device("cpu")

pytestmark = pytest.mark.usefixtures("float64")


def keyed(batch: Batch, samples: int) -> KeyedNoise:
    return KeyedNoise(0, batch.index, range(samples), torch.float64)


def full(x: Tensor, domain: Domain) -> Batch:
    return Batch(x, torch.full((len(x),), x.shape[1]), torch.arange(len(x)), domain)


# ---- references: one sample of one sequence, one step after the other, weights of whole layers


def layers(net: nn.Module, *inputs: Tensor) -> Tensor:
    """A feature net over the concatenation of its inputs."""
    weight = torch.cat([part.weight for part in net.first], 1)
    hidden = (weight @ torch.cat(inputs) + net.first[0].bias).relu()
    for layer in net.layers[1:]:
        hidden = layer(hidden)
    return hidden


def gaussian(net: nn.Module, *inputs: Tensor) -> tuple[Tensor, Tensor]:
    mean, spread = net.linear(layers(net, *inputs)).chunk(2)
    return mean, softplus(spread) + 1e-4


def log_normal(x: Tensor, p: tuple[Tensor, Tensor]) -> Tensor:
    return torch.distributions.Normal(*p).log_prob(x).sum()


def torch_cell(cell: nn.Module) -> nn.Module:
    """The same weights in torch's own cell."""
    known, drawn = cell.known.weight, cell.drawn.weight
    kind = {"lstm": nn.LSTMCell, "gru": nn.GRUCell}[cell.cell]
    found = kind(known.shape[1] + drawn.shape[1], cell.hidden)
    zeros = torch.zeros_like(cell.known.bias)
    recurrent = zeros if cell.recurrent.bias is None else cell.recurrent.bias
    weights = {
        "weight_ih": torch.cat([known, drawn], 1),
        "weight_hh": cell.recurrent.weight,
        "bias_ih": cell.known.bias,
        "bias_hh": recurrent,
    }

    def run(inputs: Tensor, state: Any) -> Any:
        return torch.func.functional_call(found, weights, (inputs, state))

    return run


def vrnn_reference(model: Any, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """log p(x|z) and log p(z) - log q(z|x) of x [T, ...] and normals [T, D]."""
    cell = torch_cell(model.cell)
    h = torch.zeros(model.cell.hidden)
    state: Any = (h, h) if model.cell.cell == "lstm" else h
    log_px = log_ratio = torch.zeros(())
    for x_t, e in zip(x, noise, strict=True):
        read = model.read_x(x_t)
        mean, std = gaussian(model.posterior, read, h)
        p = (torch.zeros(3), torch.ones(3)) if model.prior is None else gaussian(model.prior, h)
        mean = mean + p[0] if model.residual else mean
        z = mean + std * e
        read_z = layers(model.read_z, z)
        log_px = log_px + model.head(layers(model.output, read_z, h)).log_prob(x_t)
        log_ratio = log_ratio + log_normal(z, p) - log_normal(z, (mean, std))
        state = cell(torch.cat([read, read_z]), state)
        h = state[0] if isinstance(state, tuple) else state
    return log_px, log_ratio


def srnn_reference(model: Any, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """The same of srnn."""
    read = model.read_x(x)
    d = torch.cat([torch.zeros(1, 5), model.rnn.layers[0](read)[0][:-1]])
    if model.backward_rnn is None:
        a = torch.stack([layers(model.filtering, *each) for each in zip(d, read, strict=True)])
    else:
        a = model.backward_rnn.layers[0](torch.cat([d, read], 1).flip(0))[0].flip(0)
    z = torch.zeros(3)
    log_px = log_ratio = torch.zeros(())
    for x_t, d_t, a_t, e in zip(x, d, a, noise, strict=True):
        p = gaussian(model.prior, z, d_t)
        mean, std = gaussian(model.posterior, z, a_t)
        mean = mean + p[0] if model.residual else mean
        z = mean + std * e
        log_px = log_px + model.head(layers(model.output, z, d_t)).log_prob(x_t)
        log_ratio = log_ratio + log_normal(z, p) - log_normal(z, (mean, std))
    return log_px, log_ratio


CASES: list[tuple[str, dict[str, Any]]] = [
    ("vrnn", {}),
    ("vrnn", {"cell": "gru", "residual": True}),
    ("vrnn", {"prior": "standard", "feature_layers": 1}),
    ("srnn", {}),
    ("srnn", {"posterior": "filtering", "residual": False}),
    ("srnn", {"cell": "lstm", "feature_layers": 1}),
]


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.kind)
@pytest.mark.parametrize(("name", "options"), CASES)
def test_bounds_and_gradients_are_those_of_a_loop_over_steps(
    name: str, options: dict[str, Any], domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever runs for many steps at once, and however many these are."""
    model = make(name, domain, **options)
    reference = {"vrnn": vrnn_reference, "srnn": srnn_reference}[name]
    batch = batch_of(domain, rows=3)
    normals = torch.stack([keyed(batch, 2).at("z", t).normal(3) for t in range(6)], 2)
    log_px = torch.zeros(2, 3)
    log_weight = torch.zeros(2, 3)
    for sample, row in product(range(2), range(3)):
        steps = batch.lengths[row]
        found = reference(model, batch.x[row, :steps], normals[sample, row, :steps])
        log_px[sample, row] = found[0]
        log_weight[sample, row] = sum(found)
    parameters = list(model.parameters())
    expected = torch.autograd.grad(log_weight.logsumexp(0).sum(), parameters)
    for rows in (1, 20, 10**6):  # 1, 3 and all steps at once
        monkeypatch.setattr(step, "ROWS", rows)
        evidence = model.evidence(batch, model.encode(batch), keyed(batch, 2))
        torch.testing.assert_close(evidence.log_px, log_px, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(evidence.log_weight, log_weight, rtol=1e-9, atol=1e-9)
        gradients = torch.autograd.grad(evidence.log_weight.logsumexp(0).sum(), parameters)
        torch.testing.assert_close(gradients, expected, rtol=1e-8, atol=1e-10)


def test_the_auxiliary_loss_predicts_the_backward_states_and_has_no_gradient_in_them() -> None:
    model: Any = make("vrnn", REAL, z_forcing=0.5)
    x = torch.randn(2, 6, 2)
    x[0, 4:] = 0.0
    batch = Batch(x, torch.tensor([4, 6]), torch.arange(2), REAL)
    encoded = model.encode(batch)
    evidence = model.evidence(batch, encoded, keyed(batch, 1))
    b = model.backward_rnn.layers[0](model.read_x(x[0, :4]).flip(0))[0].flip(0)
    expected = torch.zeros(())
    for z_t, b_t in zip(evidence.latents["z"].z[0, 0, :4], b, strict=True):
        mean, std = gaussian(model.forced, z_t)
        expected = expected + 0.5 * log_normal(b_t, (mean.tanh(), std))
    torch.testing.assert_close(evidence.aux["z_forcing"][0, 0], expected)
    assert not encoded.features["b"].requires_grad


def test_z_forcing_is_no_part_of_the_bound() -> None:
    one, other = (make("vrnn", REAL, z_forcing=weight) for weight in (0.1, 0.7))
    batch = batch_of(REAL)
    elbos = [m.evidence(batch, m.encode(batch), keyed(batch, 2)).elbo for m in (one, other)]
    assert torch.equal(*elbos)


def test_z_forcing_is_refused_where_a_filter_would_leave_it_out() -> None:
    config = Trainer(bound="fivo", beta_schedule="constant")
    Objective(config, make("vrnn", REAL))
    with pytest.raises(ValueError, match=r"model\.z_forcing=0\.1: .*_forcing=0, or"):
        Objective(config, make("vrnn", REAL, z_forcing=0.1))


@torch.no_grad()
@pytest.mark.parametrize("name", ["vrnn", "srnn", "rnn"])
def test_probabilities_of_all_binary_sequences_sum_to_one_given_any_latents(name: str) -> None:
    model = make(name, BINARY)
    frames = torch.tensor(list(product((0.0, 1.0), repeat=4))).view(16, 2, 2)
    batch = full(frames, BINARY)
    noise = keyed(batch, 3)
    z = {"z": 2 * torch.randn(3, 1, 2, 3).expand(3, 16, 2, 3)} if model.latents else {}
    total = model.log_px(batch, z, noise).exp().sum(1)
    torch.testing.assert_close(total, torch.ones(3))


@torch.no_grad()
def test_probabilities_of_all_token_sequences_sum_to_one_without_a_latent() -> None:
    domain = Symbols(3, longest=2, eos=0, unk=1)
    model = make("rnn", domain)
    total = 0.0
    for sequence in [[0], *([a, b] for a, b in product((1, 2), range(3)))]:
        batch = full(torch.tensor([sequence]), domain)
        total += model.log_px(batch, {}, keyed(batch, 1)).exp().item()
    assert total == pytest.approx(1.0, abs=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_rnn_continues_from_the_state_of_the_segment_before(cell: str) -> None:
    model = make("rnn", BINARY, cell=cell)
    batch = batch_of(BINARY)
    whole = model.evidence(batch, model.encode(batch), keyed(batch, 2)).log_px
    carried, total = None, torch.zeros(())
    for start in range(0, 6, 2):
        lengths = (batch.lengths - start).clamp(0, 2)
        starts = torch.full((len(batch),), start == 0)
        segment = Batch(batch.x[:, start : start + 2], lengths, batch.index, BINARY, starts)
        part = model.evidence(segment, model.encode(segment, carried), keyed(batch, 2))
        carried = detach(part.state or {})
        total = total + part.log_px
    torch.testing.assert_close(total, whole, rtol=1e-10, atol=1e-10)
    again = Batch(batch.x, batch.lengths, batch.index, BINARY, torch.tensor([True, False] * 2))
    mixed = model.evidence(again, model.encode(again, carried), keyed(batch, 2)).log_px
    assert (mixed == whole).all(0).tolist() == [True, False] * 2


@torch.no_grad()
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_states_stay_in_float32_where_matrix_products_are_bf16(cell: str) -> None:
    model = make("vrnn", REAL, cell=cell).float()
    batch = full(torch.randn(3, 6, 2, dtype=torch.float32), REAL)
    noise = KeyedNoise(0, batch.index, range(2))
    exact = model.evidence(batch, model.encode(batch), noise)
    with torch.autocast("cpu", torch.bfloat16):
        found = model.evidence(batch, model.encode(batch), noise)
    assert (found.state or {})["h"].dtype == torch.float32
    torch.testing.assert_close(found.elbo, exact.elbo, rtol=0.02, atol=0.1)


@pytest.mark.parametrize(("head", "level"), [("gaussian", 0.0), ("gmm", 3.0)])
@pytest.mark.parametrize("name", ["vrnn", "srnn", "rnn"])
def test_a_constant_signal_trains_without_a_nan(name: str, head: str, level: float) -> None:
    torch.manual_seed(0)
    model = make(name, REAL, head=head).float()
    batch = full(torch.full((2, 5, 2), level, dtype=torch.float32), REAL)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    bounds = []
    for _ in range(60):
        evidence = model.evidence(batch, model.encode(batch), FreshNoise(1, 2, CPU))
        bound = evidence.elbo.mean()
        bounds.append(float(bound.detach()))
        optimizer.zero_grad()
        (-bound).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0, error_if_nonfinite=True)
        optimizer.step()
    assert np.isfinite(bounds).all()
    assert max(bounds) > bounds[0] + 10


def test_options_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match=r"residual=true .* set residual=false, or prior=learned"):
        VRNNConfig(name="vrnn", residual=True, prior="standard")


@pytest.mark.parametrize(("domain", "head"), [(REAL, "softmax"), (SYMBOLS, "gmm")])
def test_a_head_that_does_not_fit_the_data_is_refused(domain: Domain, head: str) -> None:
    with pytest.raises(ValueError, match=rf"model\.head={head}: {domain.kind} data take "):
        make("rnn", domain, head=head)
