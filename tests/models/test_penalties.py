"""Penalties of a decoder's outputs, compared with those of its steps taken one by one."""

from typing import Any

import pytest
import torch
from test_contract import DECODERS, SYMBOLS, batch_of, make, noise
from torch import Tensor

from vaetext.config.trainer import Trainer
from vaetext.data.batch import Batch
from vaetext.data.domain import Real
from vaetext.models.base import SequenceModel
from vaetext.modules.penalties import Penalties
from vaetext.modules.recurrent import segments
from vaetext.objectives.objective import Objective

PENALTIES: dict[str, Any] = {"activation_penalty": 2.0, "temporal_penalty": 3.0}


def by_steps(
    model: SequenceModel, batch: Batch, z: dict[str, Tensor], samples: int
) -> dict[str, Tensor]:
    """Each penalty [K, B] of sequences whose tokens are given to the decoder one by one."""
    decoder: Any = model.decoder
    state = model.start(model.sample_prior(noise(batch, samples), z), noise(batch, samples))
    outputs = []
    for x in batch.x.unbind(1):
        h, state = decoder.step(state)
        outputs.append(h)
        state = model.advance(state, x.expand(samples, -1))
    activation = torch.zeros(samples, len(batch), dtype=torch.float64)
    temporal = torch.zeros_like(activation)
    for row, length in enumerate(batch.lengths.tolist()):
        for t in range(length):
            activation[:, row] -= 2.0 * (outputs[t][:, row] ** 2).mean(-1)
            if t:
                change = outputs[t][:, row] - outputs[t - 1][:, row]
                temporal[:, row] -= 3.0 * (change**2).mean(-1)
    return {"activation_penalty": activation, "temporal_penalty": temporal}


@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize("name", DECODERS)
def test_penalties_and_their_gradients_are_those_of_the_steps(name: str, samples: int) -> None:
    model = make(name, PENALTIES).train()
    batch = batch_of(SYMBOLS, [1, 0, 4])
    assert len(segments(batch.lengths.tolist())) > 1  # so one sample is run in segments
    drawn = model.sample(model.encode(batch), noise(batch, samples))
    z = {latent: each.z.detach() for latent, each in drawn.items()}
    _, found = model.terms(batch, z, noise(batch, samples))
    expected = by_steps(model, batch, z, samples)
    parameters = [each for key, each in model.named_parameters() if key.startswith("decoder.rnn")]
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-10, atol=1e-12)
        both = [
            torch.autograd.grad(each.sum(), parameters, retain_graph=True)
            for each in (found[key], value)
        ]
        torch.testing.assert_close(*both, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", DECODERS)
def test_penalties_are_in_the_loss_and_in_no_number_that_is_reported(name: str) -> None:
    batch = batch_of(SYMBOLS)
    evidences = [
        model.evidence(batch, model.encode(batch), noise(batch, 2))
        for model in (make(name, PENALTIES).train(), make(name, {}).train())
    ]
    objective = Objective(Trainer(samples=2), make(name, {}))
    weights = dict.fromkeys(objective.free_bits, 1.0)
    losses = [objective(each, weights) for each in evidences]
    torch.testing.assert_close(losses[0].rec, losses[1].rec, rtol=0, atol=0)
    assert losses[0].kl == losses[1].kl
    cost = -sum(evidences[0].average(evidences[0].aux[key]).mean() for key in PENALTIES)
    torch.testing.assert_close(losses[0].loss, losses[1].loss + cost)
    assert bool(cost > 0)
    evaluated = make(name, PENALTIES).eval()
    aux = evaluated.evidence(batch, evaluated.encode(batch), noise(batch, 2)).aux
    assert not aux.keys() & PENALTIES.keys()


def test_activations_are_penalised_after_dropout_and_changes_before() -> None:
    batch = Batch(
        torch.zeros(2, 3, 1),
        torch.tensor([1, 3]),
        torch.arange(2),
        Real(size=1, longest=3),
    )
    outputs = torch.tensor([[[[1.0, 3.0]] * 3, [[1.0, 2.0], [3.0, 2.0], [0.0, 2.0]]]])
    dropped = outputs * torch.tensor([2.0, 0.0])
    found = Penalties(0.5, 10.0)(outputs, dropped, batch)
    expected = {  # of the first sequence one step is real
        "activation_penalty": [[-0.5 * 2.0, -0.5 * (2.0 + 18.0 + 0.0)]],
        "temporal_penalty": [[0.0, -10.0 * (2.0 + 4.5)]],
    }
    assert {name: each.tolist() for name, each in found.items()} == expected
    assert Penalties(0.0, 0.0)(outputs, dropped, batch) == {}
