"""z_to=outputs: at one z, what is added to the outputs is another bias of the output layer."""

import pytest
import torch
from test_contract import SYMBOLS, batch_of, make, noise
from torch import Tensor, nn

from vaetext.models.vrae import VRAE
from vaetext.modules.heads import SoftmaxHead


def moved_to_bias(model: VRAE, z: Tensor) -> None:
    """Replaces h + A z by a bias b + W A z of the output layer."""
    assert model.to_outputs is not None and isinstance(model.decoder.head, SoftmaxHead)
    table = model.decoder.table()
    weight = model.decoder.head.weight if table is None else table
    with torch.no_grad():
        model.decoder.head.bias += weight @ model.to_outputs.weight @ z
    model.to_outputs = None


@pytest.mark.parametrize("tied", [False, True])
def test_z_added_to_the_outputs_is_a_bias_of_the_output_layer(tied: bool) -> None:
    model = make("vrae", {"z_to": "outputs", "tied": tied}).eval()
    assert isinstance(model, VRAE) and isinstance(model.to_outputs, nn.Linear)
    batch = batch_of(SYMBOLS, [1, 0, 4])
    z = torch.linspace(-2, 2, model.to_outputs.in_features, dtype=torch.float64)
    draws = noise(batch, 2)
    given = {"z": z.expand(2, len(batch), -1)}
    whole = model.log_px(batch, given, draws)
    first = model.emit(model.start(given, draws), draws)[0].log_prob(batch.x[:, 0])

    moved_to_bias(model, z)

    torch.testing.assert_close(model.log_px(batch, given, draws), whole)
    again = model.emit(model.start(given, draws), draws)[0].log_prob(batch.x[:, 0])
    torch.testing.assert_close(again, first)
    assert not torch.allclose(model.log_px(batch, {"z": 0 * given["z"]}, draws), whole)
