"""The softmax over tokens compared with autograd, in one block of rows and in several."""

import pytest
import torch

from vaetext.modules import softmax
from vaetext.modules.softmax import token_log_prob


@pytest.mark.parametrize("rows", [16, 64])
def test_values_and_gradients_agree_with_autograd(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(softmax, "BYTES", rows * 7 * 8)
    torch.manual_seed(0)
    inputs = [
        torch.randn(*shape, dtype=torch.float64, requires_grad=True)
        for shape in ((43, 5), (7, 5), (7,))
    ]
    tokens = torch.randint(7, (43,))
    upstream = torch.randn(43, dtype=torch.float64)
    plain = torch.nn.functional.linear(*inputs).log_softmax(-1).gather(1, tokens[:, None])[:, 0]
    fused = token_log_prob(*inputs, tokens)
    torch.testing.assert_close(fused, plain, rtol=1e-12, atol=1e-12)
    expected = torch.autograd.grad(plain, inputs, upstream)
    for one, other in zip(torch.autograd.grad(fused, inputs, upstream), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    frozen = token_log_prob(inputs[0], inputs[1].detach(), inputs[2].detach(), tokens)
    (alone,) = torch.autograd.grad(frozen, inputs[:1], upstream)
    torch.testing.assert_close(alone, expected[0], rtol=1e-12, atol=1e-12)


def test_largest_of_bfloat16_numbers_agrees_with_torch() -> None:
    torch.manual_seed(0)
    values = torch.randn(300, 50).bfloat16()
    values[:100] = -values[:100].abs()
    values[0] = -0.0
    values[1, 3] = 0.0
    values[2] = -torch.inf
    values[3, 7] = torch.inf
    assert torch.equal(softmax._largest(values), values.amax(-1))
    assert softmax._largest(torch.full((1, 4), torch.nan).bfloat16()).isnan().all()


def test_no_rows_give_no_values_and_a_gradient_of_zeros() -> None:
    weight = torch.ones(7, 5, requires_grad=True)
    tokens = torch.zeros(0, dtype=torch.int64)
    log_probs = token_log_prob(torch.zeros(0, 5), weight, torch.zeros(7), tokens)
    assert log_probs.shape == (0,)
    assert torch.equal(torch.autograd.grad(log_probs.sum(), weight)[0], torch.zeros(7, 5))


def test_evaluation_reuses_the_block_of_logits() -> None:
    weight = torch.ones(7, 5, requires_grad=True)
    tokens = torch.zeros(3, dtype=torch.int64)
    for _ in range(2):
        with torch.no_grad():
            token_log_prob(torch.zeros(3, 5), weight, torch.zeros(7), tokens)
        (block,) = softmax._FREE
        assert block.shape[1] == 7
    assert softmax._take(weight, 7) is block


def test_bf16_is_close_to_float32() -> None:
    torch.manual_seed(0)
    hidden = torch.randn(40, 16)
    weight = torch.randn(9, 16)
    bias = torch.randn(9)
    tokens = torch.randint(9, (40,))
    exact = token_log_prob(hidden, weight, bias, tokens)
    with torch.autocast("cpu", torch.bfloat16):
        rough = token_log_prob(hidden, weight, bias, tokens)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0.05, atol=0.1)
