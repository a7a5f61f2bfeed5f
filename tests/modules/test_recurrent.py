"""A padded batch gives the states and gradients of its sequences run one by one."""

import pytest
import torch

from vaetext.data.domain import Symbols
from vaetext.modules import recurrent
from vaetext.modules.encoder import MapEncoder
from vaetext.modules.recurrent import Recurrent, features, segments

LENGTHS = (5, 1, 3, 0)
EXACT = {"rtol": 1e-12, "atol": 1e-12}


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_padding_does_not_change_the_state(cell: str, bidirectional: bool, layers: int) -> None:
    torch.manual_seed(0)
    net = Recurrent(cell, 3, 4, layers, bidirectional).double()
    steps = torch.randn(len(LENGTHS), max(LENGTHS), 3, dtype=torch.float64)
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    outputs, final = net(steps, mask=mask)
    for row, length in enumerate(LENGTHS):
        if length == 0:
            assert not any(layer[:, row].any() for layer in final)
            continue
        alone, alone_final = net(steps[row : row + 1, :length])
        torch.testing.assert_close(outputs[row, :length], alone[0], **EXACT)
        assert bool((outputs[row, length:] == 0).all())
        for layer, alone_layer in zip(final, alone_final, strict=True):
            torch.testing.assert_close(layer[:, row], alone_layer[:, 0], **EXACT)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_padding_does_not_change_gradients(cell: str) -> None:
    torch.manual_seed(0)
    net = Recurrent(cell, 3, 4).double()
    parameters = tuple(net.parameters())
    steps = torch.randn(1, 3, 3, dtype=torch.float64)
    padded = torch.cat([steps, torch.full((1, 4, 3), 7.0, dtype=torch.float64)], 1)
    mask = torch.tensor([[True] * 3 + [False] * 4])
    alone = torch.autograd.grad(features(net(steps)[1][0]).sum(), parameters)
    masked = torch.autograd.grad(features(net(padded, mask=mask)[1][0]).sum(), parameters)
    for one, other in zip(alone, masked, strict=True):
        torch.testing.assert_close(one, other, **EXACT)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_kernels_run_in_float32_where_autocast_would_take_float16(
    cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    net = Recurrent(cell, 3, 4)
    steps = torch.randn(2, 5, 3).bfloat16()
    mask = torch.arange(5) < torch.tensor([5, 2])[:, None]
    start = [torch.randn_like(each).bfloat16() for each in net.initial(2, torch.zeros(1))]
    autocast_enabled = torch.is_autocast_enabled
    monkeypatch.setattr(
        recurrent, "cast_to_half", lambda steps: autocast_enabled(steps.device.type)
    )
    with torch.autocast("cpu", torch.bfloat16):
        outputs, final = net(steps, start, mask)
    expected, expected_final = net(steps.float(), [each.float() for each in start], mask)
    assert torch.equal(outputs, expected)
    assert torch.equal(final[0], expected_final[0])


def test_map_is_the_mean_of_each_window_with_zeros_past_the_end() -> None:
    torch.manual_seed(0)
    encoder = MapEncoder("lstm", Symbols(9, 1, 0, 7), 4, 5, 1, False, stride=2, length=7)
    embedded = torch.randn(2, 7, 4)
    outputs, _ = encoder.rnn(embedded)
    read = encoder.read(embedded)
    torch.testing.assert_close(read[:, 0], (outputs[:, 0] + outputs[:, 1]) / 2)
    torch.testing.assert_close(read[:, 3], outputs[:, 6] / 2)


ASCENDING = [1, 2, 2, 3, 5, 9, 14, 20]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_segments_give_the_outputs_states_and_gradients_of_the_whole(
    cell: str, layers: int, masked: bool
) -> None:
    torch.manual_seed(0)
    rnn = Recurrent(cell, 3, 4, layers).double()
    steps = torch.randn(len(ASCENDING), 21, 3, dtype=torch.float64)
    real = torch.arange(21) < torch.tensor(ASCENDING)[:, None]
    start = [torch.randn_like(each) for each in rnn.initial(len(ASCENDING), steps)]
    found = []
    for lengths in (None, ASCENDING):
        given = steps.clone().requires_grad_()
        outputs, final = rnn(given, start, real if masked else None, lengths)
        outputs = outputs * real[..., None]
        ends = [each for each in final if masked]  # without a mask they are of padding too
        loss = (outputs**2).sum() + sum((each**3).sum() for each in ends)
        gradients = torch.autograd.grad(loss, [given, *rnn.parameters()])
        found.append([outputs, *ends, *gradients])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        (ASCENDING, [(0, 3, 0), (3, 9, 4), (9, 20, 6)]),
        ([7, 7, 8, 8], [(0, 8, 0)]),  # cutting would save nothing
        ([0, 1, 1, 20], [(0, 20, 0)]),  # a row without steps
        ([5, 1, 1, 20], [(0, 20, 0)]),  # not ascending
        ([4], [(0, 4, 0)]),
    ],
)
def test_segments_end_where_half_and_three_quarters_of_the_rows_have_ended(
    lengths: list[int], expected: list[tuple[int, int, int]]
) -> None:
    assert segments(lengths) == expected


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("lengths", [None, [1, 1, 2, 6]])
def test_weight_drop_is_the_same_net_with_some_recurrent_weights_zero(
    cell: str, lengths: list[int] | None
) -> None:
    rate = 0.4
    torch.manual_seed(0)
    net = Recurrent(cell, 3, 4, layers=2, weight_drop=rate).double()
    steps = torch.randn(4, 6, 3, dtype=torch.float64)
    torch.manual_seed(1)
    outputs, final = net(steps, lengths=lengths)
    gradients = torch.autograd.grad(outputs.sum(), tuple(net.parameters()))

    plain = Recurrent(cell, 3, 4, layers=2).double()
    plain.load_state_dict(net.state_dict())
    torch.manual_seed(1)
    masks = {}
    for n in range(2):
        name = f"layers.{n}.weight_hh_l0"
        weight = plain.get_parameter(name)
        masks[name] = (torch.rand(weight.shape) >= rate) / (1 - rate)
        weight.data *= masks[name]
    expected, expected_final = plain(steps, lengths=lengths)
    torch.testing.assert_close(outputs, expected, **EXACT)
    torch.testing.assert_close(final, expected_final, **EXACT)
    undropped = torch.autograd.grad(expected.sum(), tuple(plain.parameters()))
    for (name, _), one, other in zip(net.named_parameters(), gradients, undropped, strict=True):
        torch.testing.assert_close(one, other * masks.get(name, 1.0), **EXACT)
    assert net.eval()(steps)[0].equal(net(steps)[0])


def test_weight_drop_shares_a_mask_among_the_segments_of_a_batch() -> None:
    torch.manual_seed(0)
    net = Recurrent("lstm", 3, 4, weight_drop=0.5).double()
    steps = torch.randn(4, 6, 3, dtype=torch.float64)
    lengths = [1, 1, 2, 6]
    assert len(segments(lengths)) > 1
    torch.manual_seed(1)
    whole = net(steps)[0]
    torch.manual_seed(1)
    cut = net(steps, lengths=lengths)[0]
    for row, length in enumerate(lengths):
        torch.testing.assert_close(cut[row, :length], whole[row, :length], **EXACT)
